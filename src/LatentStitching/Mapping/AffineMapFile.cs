using System.Collections.ObjectModel;
using LatentStitching.Checkpoints;
using LatentStitching.Mapping.Forms;

namespace LatentStitching.Mapping;

/// <summary>The file of an affine map.</summary>
/// <remarks>
/// <para>A safetensors file whose metadata hold "latentstitching.kind" = "affine-map", "latentstitching.format", "latentstitching.version" (of the library that wrote it), "latentstitching.sha256", and whatever provenance
/// the caller gave.</para>
/// <para>Format "1", a dense map: the tensors "weight" [target, source] and "bias" [target]; the checksum is of the bytes of weight, then bias, little-endian and C order.</para>
/// <para>Format "2", any other form: "latentstitching.form" names it, and the tensors are "bias" [target] and
/// "left" [target, r] and "right" [r, source] of "factored", W = left·right;
/// "kernel" [c', c, k, k] of "convolution", with "latentstitching.height" and ".width", a correlation with zero padding k/2;
/// "space" and "channel" of "kronecker", W = kron(channel, space);
/// and of "blocks", with "latentstitching.source" (the width) and ".blocks" (how many), for each block i "latentstitching.block.i.form", ".source_offset", ".target_offset" and what that form has, its tensors as "block.i.weight" and so on.
/// The checksum is of a line "key=value\n" for each of these facts, sorted by key, and then for each tensor, sorted by name, of a line "name[sizes joined by ,]\n" and its bytes.</para>
/// </remarks>
internal static class AffineMapFile
{
    private const string Prefix = "latentstitching.";
    private const string Kind = Prefix + "kind";
    public const string Format = Prefix + "format";
    public const string Checksum = Prefix + "sha256";
    private const string FormKey = Prefix + "form";

    public static void Save(AffineMap map, string path, IReadOnlyDictionary<string, string>? provenance)
    {
        Dictionary<string, string> metadata = Metadata("affine-map", provenance);
        using var scope = NewDisposeScope();
        LinearForm form = map.Linear.Explicit();
        bool dense = form is DenseForm;
        (string Name, Tensor Tensor)[] tensors = [.. form.Tensors.Append((Name: "bias", Tensor: map.Bias)).Select(part => (part.Name, part.Tensor.cpu().contiguous()))];
        metadata[Format] = dense ? "1" : "2";
        if (!dense)
        {
            metadata[FormKey] = form.Kind;
            foreach ((string key, string value) in form.Facts()) metadata[Prefix + key] = value;
        }
        metadata[Checksum] = dense ? TensorChecksum.Of("", tensors[0].Tensor, tensors[1].Tensor) : Hash(metadata, tensors);
        SafeTensors.Save(path, tensors, metadata);
    }

    public static AffineMap Load(string path)
    {
        using StateDictionary file = SafeTensors.Load(path);
        RequireKind(file, path, "affine-map", "an affine map", nameof(AffineMap));
        if (!file.Metadata.TryGetValue(Format, out string? format) || format is not ("1" or "2"))
        {
            throw new InvalidDataException($"{path} must be of format 1 or 2, but it is of format '{format ?? "none"}'. A newer version of the library wrote it.");
        }
        AffineMapReader reader = new(file, path, Prefix);
        bool dense = format == "1";
        if (dense) reader.Require("weight");
        reader.Require("bias");
        string actual = dense ? TensorChecksum.Of("", file["weight"], file["bias"]) : Hash(file.Metadata, [.. file.Names.Select(name => (name, file[name]))]);
        RequireChecksum(file, path, actual);
        try
        {
            return dense ? new AffineMap(file["weight"], file["bias"]) : reader.Read();
        }
        catch (Exception exception) when (exception is ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"{path} must hold a well-formed map, but {exception.Message}", exception);
        }
    }

    /// <summary>The caller's facts and what every map's file says of itself.</summary>
    public static Dictionary<string, string> Metadata(string kind, IReadOnlyDictionary<string, string>? provenance)
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
        metadata[Kind] = kind;
        metadata[Prefix + "version"] = typeof(AffineMap).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
        return metadata;
    }

    public static void RequireKind(StateDictionary file, string path, string kind, string words, string type)
    {
        if (file.Metadata.TryGetValue(Kind, out string? actual) && actual == kind) return;
        throw new InvalidDataException($"{path} must be {words}, but its metadata names the kind '{actual ?? "none"}'. Write maps with {type}.Save.");
    }

    public static void RequireChecksum(StateDictionary file, string path, string actual)
    {
        if (file.Metadata.TryGetValue(Checksum, out string? stored) && string.Equals(stored, actual, StringComparison.OrdinalIgnoreCase)) return;
        throw new InvalidDataException($"{path} must match its checksum {stored ?? "none"}, but its tensors have {actual}. The file was changed or damaged.");
    }

    /// <summary>The checksum of all facts and tensors: a height and width exchanged make another map of the same numbers.</summary>
    public static string Hash(IReadOnlyDictionary<string, string> metadata, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        using TensorChecksum checksum = new();
        foreach ((string key, string value) in metadata.Where(fact => fact.Key.StartsWith(Prefix, StringComparison.Ordinal) && fact.Key != Checksum && fact.Key != Prefix + "version").OrderBy(fact => fact.Key, StringComparer.Ordinal))
        {
            checksum.Add($"{key}={value}\n");
        }
        foreach ((string name, Tensor tensor) in tensors.OrderBy(part => part.Name, StringComparer.Ordinal))
        {
            checksum.Add($"{name}[{string.Join(",", tensor.shape)}]\n");
            checksum.Add(tensor);
        }
        return checksum.Finish();
    }
}
