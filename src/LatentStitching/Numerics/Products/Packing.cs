using System.Numerics;
using System.Runtime.CompilerServices;

namespace LatentStitching.Numerics.Products;

/// <summary>Copies blocks of matrices into the order in which the kernel reads them.</summary>
internal static unsafe class Packing
{
    private const int Step = 4; // lines that are read side by side: every panel is a multiple of it wide

    /// <summary>Writes lines as panels: of each panel the first number of its lines, then the second, and so on. The last panel is filled up with zeros.</summary>
    /// <param name="source">The first number of the first line.</param>
    /// <param name="lineStride">From line to line.</param>
    /// <param name="stride">From number to number of a line.</param>
    /// <param name="lines">How many lines.</param>
    /// <param name="length">Numbers a line.</param>
    /// <param name="width">Lines a panel, a multiple of four.</param>
    /// <param name="target">The panels.</param>
    /// <param name="negative">Whether signs are turned.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack<T>(T* source, long lineStride, long stride, int lines, int length, int width, T* target, bool negative)
        where T : unmanaged, INumber<T>
    {
        T* start = target;
        for (int line = 0; line < lines; line += width, target += (long)width * length)
        {
            T* first = source + (line * lineStride);
            int count = Math.Min(width, lines - line);
            if (count < width) new Span<T>(target, width * length).Clear();
            if (lineStride == 1 && count == width && width != Step) PackRows(first, stride, length, width, target);
            else for (int at = 0; at < count; at += Step) PackLines(first + (at * lineStride), lineStride, stride, Math.Min(Step, count - at), length, width, target + at);
        }
        if (negative) for (long i = 0; i < target - start; i++) start[i] = -start[i];
    }

    /// <summary>Adds numbers to numbers.</summary>
    public static void Add<T>(T* numbers, T* sums, int count)
        where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < count; i++) sums[i] += numbers[i];
    }

    // Lines lie side by side in memory: whole runs of them are copied.
    private static void PackRows<T>(T* source, long stride, int length, int width, T* target)
        where T : unmanaged
    {
        for (int k = 0; k < length; k++, source += stride, target += width) new ReadOnlySpan<T>(source, width).CopyTo(new Span<T>(target, width));
    }

    private static void PackLines<T>(T* source, long lineStride, long stride, int lines, int length, int width, T* target)
        where T : unmanaged
    {
        if (lines < Step)
        {
            for (int line = 0; line < lines; line++)
            {
                T* from = source + (line * lineStride), to = target + line;
                for (int k = 0; k < length; k++, from += stride, to += width) *to = *from;
            }
            return;
        }
        T* second = source + lineStride, third = second + lineStride, fourth = third + lineStride;
        for (int k = 0; k < length; k++, target += width)
        {
            target[0] = *source;
            target[1] = *second;
            target[2] = *third;
            target[3] = *fourth;
            source += stride;
            second += stride;
            third += stride;
            fourth += stride;
        }
    }
}
