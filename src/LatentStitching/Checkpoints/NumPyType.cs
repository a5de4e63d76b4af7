namespace LatentStitching.Checkpoints;

/// <summary>An element type of NumPy: its code in a file, without the byte order, and what it becomes here.</summary>
/// <param name="Code">Kind and bytes, as in "f4".</param>
/// <param name="Size">Bytes an element takes in the file.</param>
/// <param name="Dtype">The tensor's type. Unsigned numbers of more than one byte, which TorchSharp lacks, are widened.</param>
internal sealed record NumPyType(string Code, int Size, ScalarType Dtype)
{
    private static readonly NumPyType[] _all =
    [
        new("b1", 1, ScalarType.Bool),
        new("i1", 1, ScalarType.Int8),
        new("i2", 2, ScalarType.Int16),
        new("i4", 4, ScalarType.Int32),
        new("i8", 8, ScalarType.Int64),
        new("u1", 1, ScalarType.Byte),
        new("u2", 2, ScalarType.Int32),
        new("u4", 4, ScalarType.Int64),
        new("u8", 8, ScalarType.Int64),
        new("f2", 2, ScalarType.Float16),
        new("f4", 4, ScalarType.Float32),
        new("f8", 8, ScalarType.Float64),
        new("c8", 8, ScalarType.ComplexFloat32),
        new("c16", 16, ScalarType.ComplexFloat64),
    ];

    /// <summary>Whether the file's elements are unsigned numbers that become wider ones.</summary>
    public bool IsWidened => Code is "u2" or "u4" or "u8";

    /// <summary>Bytes of one number: half an element if that is complex.</summary>
    public int NumberSize => Code[0] == 'c' ? Size / 2 : Size;

    /// <summary>The code as it is written: with the byte order where there is one.</summary>
    public string Descriptor => (Size == 1 ? "|" : "<") + Code;

    public static NumPyType? Of(string code) => Array.Find(_all, type => type.Code == code);

    public static NumPyType? Of(ScalarType dtype) => Array.Find(_all, type => type.Dtype == dtype && !type.IsWidened);

    /// <summary>The bytes that a shape takes in the file and as a tensor, or null if a long cannot hold them.</summary>
    public (long File, long Tensor)? BytesOf(ReadOnlySpan<long> shape)
    {
        int wide = Code == "u2" ? 4 : Math.Max(Size, IsWidened ? 8 : 0);
        Int128 elements = 1;
        bool empty = false;
        foreach (long length in shape)
        {
            if (length == 0) empty = true;
            else elements *= length;
            // Also where another dimension is zero: the strides of an empty tensor must fit too.
            if (elements * wide > long.MaxValue) return null;
        }
        return empty ? (0, 0) : ((long)elements * Size, (long)elements * wide);
    }
}
