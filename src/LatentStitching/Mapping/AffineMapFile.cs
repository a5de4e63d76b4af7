using System.Collections.ObjectModel;
using System.Globalization;
using System.Security.Cryptography;
using LatentStitching.Checkpoints;

namespace LatentStitching.Mapping;

/// <summary>The file of an affine map.</summary>
/// <remarks>
/// A safetensors file with the tensors "weight" [target, source] and "bias" [target], and in its metadata "latentstitching.kind" = "affine-map", "latentstitching.format" = "1",
/// "latentstitching.version" (of the library that wrote it), "latentstitching.sha256" (of the bytes of weight, then bias, little-endian and C order) and whatever provenance the caller gave.
/// </remarks>
internal static class AffineMapFile
{
    private const string Prefix = "latentstitching.";
    private const string Kind = Prefix + "kind";
    private const string Format = Prefix + "format";
    private const string Checksum = Prefix + "sha256";

    public static void Save(AffineMap map, string path, IReadOnlyDictionary<string, string>? provenance)
    {
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        foreach ((string key, string value) in provenance ?? ReadOnlyDictionary<string, string>.Empty)
        {
            if (key.StartsWith(Prefix, StringComparison.Ordinal))
            {
                throw new ArgumentException($"provenance must not use keys that start with '{Prefix}', but it has '{key}'.", nameof(provenance));
            }
            metadata[key] = value;
        }
        using var scope = NewDisposeScope();
        Tensor weight = map.Weight.cpu().contiguous();
        Tensor bias = map.Bias.cpu().contiguous();
        metadata[Kind] = "affine-map";
        metadata[Format] = "1";
        metadata[Prefix + "version"] = typeof(AffineMap).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
        metadata[Checksum] = Hash(weight, bias);
        SafeTensors.Save(path, [("weight", weight), ("bias", bias)], metadata);
    }

    public static AffineMap Load(string path)
    {
        using StateDictionary file = SafeTensors.Load(path);
        if (!file.Metadata.TryGetValue(Kind, out string? kind) || kind != "affine-map")
        {
            throw new InvalidDataException($"{path} must be an affine map, but its metadata names the kind '{kind ?? "none"}'. Write maps with AffineMap.Save.");
        }
        if (!file.Metadata.TryGetValue(Format, out string? format) || format != "1")
        {
            throw new InvalidDataException($"{path} must be of format 1, but it is of format '{format ?? "none"}'. A newer version of the library wrote it.");
        }
        foreach (string name in (string[])["weight", "bias"])
        {
            if (!file.Contains(name)) throw new InvalidDataException($"{path} must hold the tensor '{name}', but it holds {string.Join(", ", file.Names)}.");
        }
        string actual = Hash(file["weight"], file["bias"]);
        if (!file.Metadata.TryGetValue(Checksum, out string? stored) || !string.Equals(stored, actual, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidDataException($"{path} must match its checksum {stored ?? "none"}, but its tensors have {actual}. The file was changed or damaged.");
        }
        try
        {
            return new AffineMap(file["weight"], file["bias"]);
        }
        catch (ArgumentException exception)
        {
            throw new InvalidDataException($"{path} must hold a well-formed map, but {exception.Message}", exception);
        }
    }

    private static string Hash(params ReadOnlySpan<Tensor> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor tensor in tensors)
        {
            if (tensor.dim() == 0)
            {
                hash.AppendData(tensor.bytes);
                continue;
            }
            // A tensor's bytes come as one span of at most 2 GB, so row by row.
            for (long row = 0; row < tensor.size(0); row++)
            {
                using Tensor one = tensor[row];
                using Tensor flat = one.flatten();
                hash.AppendData(flat.bytes);
            }
        }
        return Convert.ToHexString(hash.GetHashAndReset()).ToLower(CultureInfo.InvariantCulture);
    }
}
