using System.Text.Json;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>What diffusers' configuration of a VQModel tells and its weights do not.</summary>
internal sealed record VqVaeConfig(ImageFormat? Image, long Groups)
{
    public static VqVaeConfig Read(HuggingFaceFolder folder)
    {
        string? kind = folder.Config.TryGetProperty("_class_name", out JsonElement name) ? name.ToString() : null;
        if (kind != "VQModel") throw new InvalidDataException($"config.json in {folder.FolderPath} must describe a VQModel, but its _class_name is {kind ?? "missing"}.");
        string? activation = folder.Config.TryGetProperty("act_fn", out JsonElement act) && act.ValueKind != JsonValueKind.Null ? act.ToString() : null;
        if (activation is not (null or "silu" or "swish")) throw new InvalidDataException($"config.json in {folder.FolderPath} must have the activation silu, as all published models, but its act_fn is {activation}.");
        long? size = Number("sample_size"), channels = Number("in_channels");
        return new VqVaeConfig(size is null ? null : new ImageFormat(channels ?? 3, size.Value, size.Value), Number("norm_num_groups") ?? 32);

        long? Number(string key)
        {
            if (!folder.Config.TryGetProperty(key, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return null;
            return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number > 0
                ? number
                : throw new InvalidDataException($"config.json in {folder.FolderPath} must hold a positive whole number {key}, but it is {value}.");
        }
    }
}
