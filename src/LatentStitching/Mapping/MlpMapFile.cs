using LatentStitching.Checkpoints;

namespace LatentStitching.Mapping;

/// <summary>The file of a map with one hidden layer.</summary>
/// <remarks>
/// A safetensors file whose metadata hold "latentstitching.kind" = "mlp-map", "latentstitching.format" = "1", "latentstitching.version", "latentstitching.sha256", and whatever provenance the caller gave. Tensors, all of one dtype:
/// "source_mean" and "source_scale" [source], "hidden.weight" [hidden, source], "hidden.bias" [hidden], "output.weight" [target, hidden], "output.bias" [target], "target_scale" and "target_mean" [target]. The checksum is that of
/// <see cref="AffineMapFile"/>'s format 2.
/// </remarks>
internal static class MlpMapFile
{
    /// <summary>The tensors' names, in the order of the map's parameters.</summary>
    private static readonly string[] _names = ["source_mean", "source_scale", "hidden.weight", "hidden.bias", "output.weight", "output.bias", "target_scale", "target_mean"];

    public static void Save(IReadOnlyList<Tensor> parameters, string path, IReadOnlyDictionary<string, string>? provenance)
    {
        Dictionary<string, string> metadata = AffineMapFile.Metadata("mlp-map", provenance);
        using var scope = NewDisposeScope();
        (string Name, Tensor Tensor)[] tensors = [.. _names.Zip(parameters, (name, tensor) => (name, tensor.cpu().contiguous()))];
        metadata[AffineMapFile.Format] = "1";
        metadata[AffineMapFile.Checksum] = AffineMapFile.Hash(metadata, tensors);
        SafeTensors.Save(path, tensors, metadata);
    }

    public static MlpMap Load(string path)
    {
        using StateDictionary file = SafeTensors.Load(path);
        AffineMapFile.RequireKind(file, path, "mlp-map", "a map with one hidden layer", nameof(MlpMap));
        if (!file.Metadata.TryGetValue(AffineMapFile.Format, out string? format) || format != "1")
        {
            throw new InvalidDataException($"{path} must be of format 1, but it is of format '{format ?? "none"}'. A newer version of the library wrote it.");
        }
        foreach (string name in _names)
        {
            if (!file.Contains(name)) throw new InvalidDataException($"{path} must hold the tensor '{name}', but it holds {string.Join(", ", file.Names)}.");
        }
        AffineMapFile.RequireChecksum(file, path, AffineMapFile.Hash(file.Metadata, [.. file.Names.Select(name => (name, file[name]))]));
        Tensor[] parts = Array.ConvertAll(_names, name => file[name]);
        Tensor hidden = parts[2], output = parts[4];
        long[] hiddenShape = hidden.shape, outputShape = output.shape;
        bool fits = hiddenShape is [> 0, > 0] && outputShape is [> 0, > 0] && outputShape[1] == hiddenShape[0]
            && Has(0, hiddenShape[1]) && Has(1, hiddenShape[1]) && Has(3, hiddenShape[0]) && Has(5, outputShape[0]) && Has(6, outputShape[0]) && Has(7, outputShape[0]);
        if (!fits || parts.Any(part => part.dtype != hidden.dtype || !part.is_floating_point() || !IsFinite(part)))
        {
            throw new InvalidDataException($"{path} must hold a well-formed map, but its tensors are not finite floating-point numbers of one type whose shapes fit: {string.Join(", ", _names.Zip(parts, (name, part) => $"{name} [{string.Join(", ", part.shape)}]"))}.");
        }
        using var scope = NewDisposeScope();
        Tensor[] own = Array.ConvertAll(parts, part => part.clone());
        return new MlpMap(own[0], own[1], own[2], own[3], own[4], own[5], own[6], own[7]);

        bool Has(int part, long width) => parts[part].shape is [long size] && size == width;
    }

    private static bool IsFinite(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.isfinite().all().ToBoolean();
    }
}
