namespace LatentStitching.Checkpoints;

/// <summary>The ten element types that tensors and both file formats share: their names in the files, and their sizes.</summary>
internal sealed record ElementType(ScalarType Dtype, int Size, string SafeTensorsName, string StorageName)
{
    private static readonly ElementType[] _all =
    [
        new(ScalarType.Float16, 2, "F16", "HalfStorage"),
        new(ScalarType.BFloat16, 2, "BF16", "BFloat16Storage"),
        new(ScalarType.Float32, 4, "F32", "FloatStorage"),
        new(ScalarType.Float64, 8, "F64", "DoubleStorage"),
        new(ScalarType.Int8, 1, "I8", "CharStorage"),
        new(ScalarType.Int16, 2, "I16", "ShortStorage"),
        new(ScalarType.Int32, 4, "I32", "IntStorage"),
        new(ScalarType.Int64, 8, "I64", "LongStorage"),
        new(ScalarType.Byte, 1, "U8", "ByteStorage"),
        new(ScalarType.Bool, 1, "BOOL", "BoolStorage"),
    ];

    /// <summary>What a text may list: "F16, BF16, …".</summary>
    public static string SafeTensorsNames { get; } = string.Join(", ", _all.Select(type => type.SafeTensorsName));

    public static ElementType? Of(ScalarType dtype) => Array.Find(_all, type => type.Dtype == dtype);

    public static ElementType? OfSafeTensors(string name) => Array.Find(_all, type => type.SafeTensorsName == name);

    public static ElementType? OfStorage(string name) => Array.Find(_all, type => type.StorageName == name);

    /// <summary>The bytes that a shape takes, or null if a dimension is negative, there are more than 64, or a long cannot hold it.</summary>
    public long? BytesOf(ReadOnlySpan<long> shape)
    {
        if (shape.Length > 64) return null;
        Int128 bytes = Size;
        bool empty = false;
        foreach (long length in shape)
        {
            if (length < 0) return null;
            if (length == 0) empty = true;
            else bytes *= length;
            // Also where another dimension is zero: the strides of an empty tensor must fit too.
            if (bytes > long.MaxValue) return null;
        }
        return empty ? 0 : (long)bytes;
    }
}
