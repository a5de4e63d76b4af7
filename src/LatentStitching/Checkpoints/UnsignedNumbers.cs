using System.Runtime.InteropServices;

namespace LatentStitching.Checkpoints;

/// <summary>Whole numbers without sign of 2, 4 and 8 bytes, which TorchSharp lacks: read as signed ones of 4, 8 and 8 bytes.</summary>
internal static class UnsignedNumbers
{
    private const int BufferBytes = 1 << 16;

    /// <summary>Reads numbers of a file and widens them.</summary>
    /// <param name="size">Bytes of a number in the file: 2, 4 or 8.</param>
    /// <param name="target">Where they go, as numbers of 4 bytes (of 2) or of 8.</param>
    /// <param name="read">Fills a span with the next bytes, little endian.</param>
    /// <returns>False if a number is 2⁶³ or more, where TorchSharp's whole numbers end.</returns>
    public static bool Widen(int size, Span<byte> target, TensorBytes.SpanAction read)
    {
        int wide = size == 2 ? 4 : 8, count = target.Length / wide;
        byte[] buffer = new byte[Math.Min(BufferBytes, count * size)];
        int step = Math.Max(1, buffer.Length / size);
        for (int start = 0; start < count; start += step)
        {
            int taken = Math.Min(step, count - start);
            Span<byte> numbers = buffer.AsSpan(0, taken * size), block = target.Slice(start * wide, taken * wide);
            read(numbers);
            switch (size)
            {
                case 2:
                    Span<ushort> shorts = MemoryMarshal.Cast<byte, ushort>(numbers);
                    Span<int> ints = MemoryMarshal.Cast<byte, int>(block);
                    for (int i = 0; i < taken; i++) ints[i] = shorts[i];
                    break;
                case 4:
                    Span<uint> words = MemoryMarshal.Cast<byte, uint>(numbers);
                    Span<long> longs = MemoryMarshal.Cast<byte, long>(block);
                    for (int i = 0; i < taken; i++) longs[i] = words[i];
                    break;
                default:
                    if (MemoryMarshal.Cast<byte, long>(numbers).ContainsAnyInRange(long.MinValue, -1L)) return false;
                    numbers.CopyTo(block);
                    break;
            }
        }
        return true;
    }
}
