using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace LatentStitching.Numerics.Products;

/// <summary>Lines read where they are stored: converted, centred and turned in sign on the way, so that no such copy of a matrix is ever made.</summary>
/// <typeparam name="TQuads">Four numbers at a time.</typeparam>
/// <typeparam name="TVector">Four numbers.</typeparam>
/// <typeparam name="TStored">What is stored: float32 or float64.</typeparam>
/// <typeparam name="TNumber">What is multiplied.</typeparam>
internal sealed unsafe class StoredPanels<TQuads, TVector, TStored, TNumber> : Panels<TNumber>
    where TQuads : struct, IQuads<TVector, TNumber>
    where TVector : struct
    where TStored : unmanaged, INumber<TStored>
    where TNumber : unmanaged, INumber<TNumber>
{
    private const int Quad = 4;
    private const int Near = 16; // places of all lines that are read before the next: memory is then read in long runs

    private readonly Strided<TStored> _lines;
    private readonly TNumber[]? _lineShifts;
    private readonly TNumber[]? _placeShifts;
    private readonly TNumber _sign;

    /// <summary>Describes lines.</summary>
    /// <param name="lines">A row each.</param>
    /// <param name="centre">What is taken off: a number a line, or one a place of every line; nothing if null.</param>
    /// <param name="centreOfLines">Whether it is a number a line.</param>
    /// <param name="negative">Whether signs are turned.</param>
    public StoredPanels(Strided<TStored> lines, ReadOnlySpan<TNumber> centre, bool centreOfLines, bool negative)
        : base(lines.Rows, lines.Columns)
    {
        _lines = lines;
        _sign = negative ? -TNumber.One : TNumber.One;
        if (centre.IsEmpty) return;
        TNumber[] shifts = centre.ToArray();
        if (!negative) for (int i = 0; i < shifts.Length; i++) shifts[i] = -shifts[i];
        if (centreOfLines) _lineShifts = shifts;
        else _placeShifts = shifts;
    }

    public override void Pack(long line, long at, int count, int run, int width, TNumber* target)
    {
        int rest = count % width, whole = count / Quad * Quad;
        if (rest > 0) new Span<TNumber>(target + ((long)(count - rest) * run), width * run).Clear();
        fixed (TNumber* lineShifts = _lineShifts, placeShifts = _placeShifts)
        {
            TNumber* ofLines = lineShifts is null ? null : lineShifts + line, ofPlaces = placeShifts is null ? null : placeShifts + at;
            TStored* source = _lines.At(line, at);
            if (_lines.RowStride == 1) PackAcross(source, ofLines, ofPlaces, whole, run, width, target);
            else if (_lines.ColumnStride == 1 && Avx.IsSupported) PackAlong(source, ofLines, ofPlaces, whole, run, width, target);
            else whole = 0;
            for (int i = whole; i < count; i++) PackLine(source + (i * _lines.RowStride), ofLines is null ? TNumber.Zero : ofLines[i], ofPlaces, 0, run, width, Place(target, i, run, width));
        }
    }

    // Neighbouring numbers are of neighbouring lines.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackAcross(TStored* source, TNumber* ofLines, TNumber* ofPlaces, int lines, int run, int width, TNumber* target)
    {
        TVector sign = TQuads.Repeat(_sign);
        long stride = _lines.ColumnStride;
        for (int first = 0; first < run; first += Near)
        {
            int last = Math.Min(first + Near, run);
            for (int i = 0; i < lines; i += Quad)
            {
                TStored* from = source + i + (first * stride);
                TNumber* to = Place(target, i, run, width) + ((long)first * width);
                TVector shift = ofLines is null ? TQuads.Repeat(TNumber.Zero) : TQuads.Load(ofLines + i);
                for (int k = first; k < last; k++, from += stride, to += width)
                {
                    if (ofPlaces is not null) shift = TQuads.Repeat(ofPlaces[k]);
                    TQuads.Store(TQuads.MultiplyAdd(TQuads.Convert(from), sign, shift), to);
                }
            }
        }
    }

    // Neighbouring numbers are of one line: four lines by four numbers at a time.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackAlong(TStored* source, TNumber* ofLines, TNumber* ofPlaces, int lines, int run, int width, TNumber* target)
    {
        TVector sign = TQuads.Repeat(_sign), none = TQuads.Repeat(TNumber.Zero);
        long stride = _lines.RowStride;
        int whole = run / Quad * Quad;
        for (int i = 0; i < lines; i += Quad)
        {
            TStored* first = source + (i * stride), second = first + stride, third = second + stride, fourth = third + stride;
            TNumber* to = Place(target, i, run, width);
            TVector one = none, two = none, three = none, four = none;
            if (ofLines is not null) (one, two, three, four) = (TQuads.Repeat(ofLines[i]), TQuads.Repeat(ofLines[i + 1]), TQuads.Repeat(ofLines[i + 2]), TQuads.Repeat(ofLines[i + 3]));
            for (int k = 0; k < whole; k += Quad, to += Quad * width)
            {
                if (ofPlaces is not null) one = two = three = four = TQuads.Load(ofPlaces + k);
                TVector a = TQuads.MultiplyAdd(TQuads.Convert(first + k), sign, one), b = TQuads.MultiplyAdd(TQuads.Convert(second + k), sign, two);
                TVector c = TQuads.MultiplyAdd(TQuads.Convert(third + k), sign, three), d = TQuads.MultiplyAdd(TQuads.Convert(fourth + k), sign, four);
                TQuads.Transpose(ref a, ref b, ref c, ref d);
                TQuads.Store(a, to);
                TQuads.Store(b, to + width);
                TQuads.Store(c, to + (2 * width));
                TQuads.Store(d, to + (3 * width));
            }
            for (int j = 0; j < Quad; j++) PackLine(first + (j * stride), ofLines is null ? TNumber.Zero : ofLines[i + j], ofPlaces, whole, run, width, Place(target, i + j, run, width));
        }
    }

    private void PackLine(TStored* source, TNumber ofLine, TNumber* ofPlaces, int from, int to, int width, TNumber* target)
    {
        for (int k = from; k < to; k++) target[k * width] = (TNumber.CreateTruncating(source[k * _lines.ColumnStride]) * _sign) + (ofPlaces is null ? ofLine : ofPlaces[k]);
    }

    private static TNumber* Place(TNumber* target, int line, int run, int width) => target + ((long)(line / width) * width * run) + (line % width);
}
