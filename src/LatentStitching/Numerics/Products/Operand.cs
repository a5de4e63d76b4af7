namespace LatentStitching.Numerics.Products;

/// <summary>A matrix as a product takes it: a tensor, or one with a row taken off each of its rows while it is read.</summary>
internal readonly struct Operand
{
    private readonly Tensor _values;
    private readonly Tensor? _centre; // [1, columns of _values], of the type that is multiplied
    private readonly bool _transposed;

    private Operand(Tensor values, Tensor? centre, bool transposed)
    {
        _values = values;
        _centre = centre;
        _transposed = transposed;
    }

    /// <summary>The matrix [n, d] less the row [1, d] in the row's dtype.</summary>
    public static Operand Centred(Tensor values, Tensor centre) => new(values, centre, transposed: false);

    public static implicit operator Operand(Tensor matrix) => new(matrix, null, transposed: false);

    public long Rows => _values.size(_transposed ? 1 : 0);

    public long Columns => _values.size(_transposed ? 0 : 1);

    /// <summary>What is multiplied.</summary>
    public ScalarType Type => (_centre ?? _values).dtype;

    /// <summary>Whether it is a tensor as it stands.</summary>
    public bool IsPlain => _centre is null;

    public bool IsTransposed => _transposed;

    public bool IsTransposeOf(Operand other) => _transposed != other._transposed && ReferenceEquals(_values, other._values) && ReferenceEquals(_centre, other._centre);

    public bool RequiresGrad => _values.requires_grad;

    /// <summary>Whether its numbers can be read where they are.</summary>
    public bool IsReadable => _values.device_type == DeviceType.CPU && _values.dtype is ScalarType.Float32 or ScalarType.Float64;

    public Operand T => new(_values, _centre, !_transposed);

    /// <summary>Some of the rows.</summary>
    public Operand SomeRows(long start, long size) => _transposed ? T.SomeColumns(start, size).T : new(_values.narrow(0, start, size), _centre, transposed: false);

    /// <summary>Some of the columns.</summary>
    public Operand SomeColumns(long start, long size) =>
        _transposed ? T.SomeRows(start, size).T : new(_values.narrow(1, start, size), _centre?.narrow(1, start, size), transposed: false);

    /// <summary>The matrix as a tensor, in fresh memory where something is taken off.</summary>
    public Tensor Made()
    {
        Tensor whole = _centre is null ? _values : _values.to(_centre.dtype, _values.device, copy: true).sub_(_centre);
        return _transposed ? whole.t() : whole;
    }

    /// <summary>Its rows, or its columns, as lines of a product. Whoever uses them keeps the operand alive.</summary>
    public Panels<double> DoubleLines(bool columns, bool negative) => _values.dtype == ScalarType.Float64
        ? Lines<DoubleQuads, System.Runtime.Intrinsics.Vector256<double>, double, double>(columns, negative)
        : Lines<DoubleQuads, System.Runtime.Intrinsics.Vector256<double>, float, double>(columns, negative);

    /// <summary>The same in float32.</summary>
    public Panels<float> SingleLines(bool columns, bool negative) => _values.dtype == ScalarType.Float64
        ? Lines<SingleQuads, System.Runtime.Intrinsics.Vector128<float>, double, float>(columns, negative)
        : Lines<SingleQuads, System.Runtime.Intrinsics.Vector128<float>, float, float>(columns, negative);

    /// <summary>Keeps the memory alive up to here.</summary>
    public void KeepAlive()
    {
        GC.KeepAlive(_values);
        GC.KeepAlive(_centre);
    }

    private Panels<TNumber> Lines<TQuads, TVector, TStored, TNumber>(bool columns, bool negative)
        where TQuads : struct, IQuads<TVector, TNumber>
        where TVector : struct
        where TStored : unmanaged, System.Numerics.INumber<TStored>
        where TNumber : unmanaged, System.Numerics.INumber<TNumber>
    {
        Strided<TStored> values = new(_values);
        bool ofColumns = columns != _transposed;
        TNumber[] centre = [];
        if (_centre is not null)
        {
            using Tensor row = _centre.contiguous();
            centre = row.data<TNumber>().ToArray();
        }
        return new StoredPanels<TQuads, TVector, TStored, TNumber>(ofColumns ? values.Transposed : values, centre, ofColumns, negative);
    }
}
