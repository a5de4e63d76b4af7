namespace LatentStitching.Checkpoints;

/// <summary>What a pickle may name.</summary>
internal enum TorchGlobalKind
{
    /// <summary>collections.OrderedDict.</summary>
    OrderedDict,

    /// <summary>torch.Size: a shape.</summary>
    Size,

    /// <summary>torch.FloatStorage and its like.</summary>
    Storage,

    /// <summary>torch._utils._rebuild_tensor and _rebuild_tensor_v2.</summary>
    Tensor,

    /// <summary>torch._utils._rebuild_parameter.</summary>
    Parameter,

    /// <summary>_codecs.encode: how protocol 2 writes bytes.</summary>
    Bytes,
}

/// <summary>A Python class or function on the list of those that a pickle may name. It stands for itself; no Python is run.</summary>
internal sealed record TorchGlobal(TorchGlobalKind Kind, ElementType? Type = null)
{
    /// <summary>The entry of the list, or null if the name is not on it.</summary>
    public static TorchGlobal? Find(string module, string name) => (module, name) switch
    {
        ("collections", "OrderedDict") => new(TorchGlobalKind.OrderedDict),
        ("torch", "Size") => new(TorchGlobalKind.Size),
        ("torch._utils", "_rebuild_tensor" or "_rebuild_tensor_v2") => new(TorchGlobalKind.Tensor),
        ("torch._utils", "_rebuild_parameter") => new(TorchGlobalKind.Parameter),
        ("_codecs", "encode") => new(TorchGlobalKind.Bytes),
        ("torch", _) when ElementType.OfStorage(name) is { } type => new(TorchGlobalKind.Storage, type),
        _ => null,
    };
}
