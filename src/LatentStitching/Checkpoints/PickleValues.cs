using System.Globalization;
using System.Numerics;

namespace LatentStitching.Checkpoints;

// What a pickle can hold here: null, bool, long, BigInteger, double, string, byte[] and these.

/// <summary>A list (its items may still grow) or a tuple.</summary>
internal sealed class PickleSequence(List<object?> items, bool isTuple)
{
    public List<object?> Items { get; } = items;

    public bool IsTuple { get; } = isTuple;
}

/// <summary>A dictionary, in the order of its writing.</summary>
internal sealed class PickleDictionary(bool isOrderedDict)
{
    /// <summary>True for collections.OrderedDict, which alone may carry attributes.</summary>
    public bool IsOrderedDict { get; } = isOrderedDict;

    public List<(object? Key, object? Value)> Items { get; } = [];
}

/// <summary>A storage: a run of elements of one type, whose bytes lie elsewhere in the file.</summary>
internal sealed record TorchStorage(string Key, ElementType Type, long Count)
{
    public long Bytes => Count * Type.Size;
}

/// <summary>Part of a storage, as the legacy format knows it; else the whole.</summary>
internal sealed record TorchStorageSlice(TorchStorage Storage, long Start, long Count);

/// <summary>A tensor that is described and checked, but not yet read: a strided view of a storage.</summary>
internal sealed class TorchTensor(TorchStorage storage, long offset, long[] shape, long[] strides)
{
    public TorchStorage Storage { get; } = storage;

    public long Offset { get; } = offset;

    public long[] Shape { get; } = shape;

    public long[] Strides { get; } = strides;

    public long Bytes => Storage.Type.BytesOf(Shape)!.Value;

    /// <summary>True if the tensor is its whole storage, row by row.</summary>
    public bool IsWholeStorage
    {
        get
        {
            long expected = 1;
            for (int i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected) return false;
                expected *= Shape[i];
            }
            return Offset == 0 && expected == Storage.Count;
        }
    }
}

/// <summary>Words for values, in error texts and metadata.</summary>
internal static class PickleText
{
    /// <summary>A plain value as text, or null if it is none.</summary>
    public static string? OfPlain(object? value) => value switch
    {
        string text => text,
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        _ => null,
    };

    public static string KindOf(object? value) => value switch
    {
        null => "None",
        bool => "a truth value",
        long or BigInteger => "a whole number",
        double => "a number",
        string => "a text",
        byte[] => "bytes",
        PickleSequence { IsTuple: true } => "a tuple",
        PickleSequence => "a list",
        PickleDictionary => "a dictionary",
        TorchStorageSlice => "a storage",
        TorchTensor => "a tensor",
        _ => "a class or function",
    };

    /// <summary>A text of the file made fit for a message: short and without control characters.</summary>
    public static string Safe(string text) =>
        new([.. text.Take(100).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c), .. text.Length > 100 ? "…" : ""]);
}
