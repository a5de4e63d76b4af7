namespace LatentStitching.Checkpoints;

/// <summary>The element types that tensors and both file formats share: their names in the files, and their sizes there.</summary>
/// <param name="Dtype">The tensor's type. Unsigned numbers of more than one byte, which TorchSharp lacks, are widened.</param>
/// <param name="Size">Bytes an element takes in the file.</param>
/// <param name="SafeTensorsName">Its name in safetensors files.</param>
/// <param name="StorageName">Its storage's name in PyTorch files; empty where they hold none that is read.</param>
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
        new(ScalarType.ComplexFloat32, 8, "C64", ""),
        new(ScalarType.Int32, 2, "U16", ""),
        new(ScalarType.Int64, 4, "U32", ""),
        new(ScalarType.Int64, 8, "U64", ""),
    ];

    // What the format has and TorchSharp has no type for.
    private static readonly string[] _unsupported = ["F4", "F6_E2M3", "F6_E3M2", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"];

    /// <summary>What is written, as a text may list it: "F16, BF16, …".</summary>
    public static string SafeTensorsNames { get; } = string.Join(", ", _all.Where(type => type.IsWritten).Select(type => type.SafeTensorsName));

    /// <summary>What is read, as a text may list it.</summary>
    public static string ReadNames { get; } = string.Join(", ", _all.Select(type => type.SafeTensorsName));

    /// <summary>Whether the file's elements are unsigned numbers that become wider ones.</summary>
    public bool IsWidened => SafeTensorsName is "U16" or "U32" or "U64";

    // Complex numbers are written as pairs, which every reader knows.
    private bool IsWritten => StorageName.Length > 0;

    /// <summary>Bytes an element takes in a tensor.</summary>
    public int TensorSize => SafeTensorsName switch { "U16" => 4, "U32" => 8, _ => Size };

    /// <summary>Whether the format has a type of this name, which cannot be read.</summary>
    public static bool IsUnsupported(string name) => Array.IndexOf(_unsupported, name) >= 0;

    public static ElementType? Of(ScalarType dtype) => Array.Find(_all, type => type.Dtype == dtype && type.IsWritten);

    public static ElementType? OfSafeTensors(string name) => Array.Find(_all, type => type.SafeTensorsName == name);

    public static ElementType? OfStorage(string name) => name.Length == 0 ? null : Array.Find(_all, type => type.StorageName == name);

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
            if (bytes / Size * TensorSize > long.MaxValue) return null;
        }
        return empty ? 0 : (long)bytes;
    }
}
