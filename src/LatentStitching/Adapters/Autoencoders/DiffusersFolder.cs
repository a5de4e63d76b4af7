using System.Text.Json;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>A folder that diffusers' save_pretrained wrote: config.json beside the weights.</summary>
internal sealed record DiffusersFolder(string WeightPath, ImageFormat? Image, long Groups)
{
    public static DiffusersFolder Open(string path)
    {
        string config = Path.Combine(path, "config.json");
        if (!File.Exists(config)) throw new FileNotFoundException($"{path} must be a folder of diffusers with config.json, but it has none.", config);
        string? weights = ((string[])["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"]).Select(file => Path.Combine(path, file)).FirstOrDefault(File.Exists);
        if (weights is null) throw new FileNotFoundException($"{path} must hold diffusion_pytorch_model.safetensors or diffusion_pytorch_model.bin, but it has neither.", path);
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(config));
            string kind = json.RootElement.GetProperty("_class_name").GetString() ?? "null";
            if (kind != "VQModel") throw new InvalidDataException($"config.json in {path} must describe a VQModel, but it describes a {kind}.");
            long? size = json.RootElement.TryGetProperty("sample_size", out JsonElement side) && side.ValueKind == JsonValueKind.Number ? side.GetInt64() : null;
            long channels = json.RootElement.TryGetProperty("in_channels", out JsonElement count) ? count.GetInt64() : 3;
            long groups = json.RootElement.TryGetProperty("norm_num_groups", out JsonElement group) ? group.GetInt64() : 32;
            if (size <= 0 || channels <= 0 || groups <= 0) throw new InvalidDataException($"config.json in {path} must hold positive sizes, but sample_size, in_channels or norm_num_groups is not.");
            return new DiffusersFolder(weights, size is null ? null : new ImageFormat(channels, size.Value, size.Value), groups);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"config.json in {path} must describe a VQModel, but it cannot be read: {e.Message}", e);
        }
    }
}
