using System.Text.Json.Nodes;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>The use of a StyleGAN2 in its model folder.</summary>
internal static class StyleGan2Folder
{
    public static JsonObject Describe(StyleGan2Decoding decoding) => new()
    {
        ["latent"] = decoding.Latent.ToString(),
        ["noise"] = decoding.Noise.ToString(),
        ["truncation"] = decoding.Truncation,
        ["truncatedLayers"] = decoding.TruncatedLayers ?? 0,
        ["label"] = decoding.Label ?? -1,
        ["activationLimit"] = decoding.ActivationLimit ?? 0,
    };

    public static StyleGan2Decoding Decoding(ModelFolder folder)
    {
        int layers = folder.Option<int>("truncatedLayers"), label = folder.Option<int>("label");
        double limit = folder.Option<double>("activationLimit");
        return new StyleGan2Decoding
        {
            Latent = Named<StyleGan2Latent>(folder, "latent"),
            Noise = Named<SynthesisNoise>(folder, "noise"),
            Truncation = folder.Option<double>("truncation"),
            TruncatedLayers = layers == 0 ? null : layers,
            Label = label < 0 ? null : label,
            ActivationLimit = limit == 0 ? null : limit,
        };
    }

    private static T Named<T>(ModelFolder folder, string key)
        where T : struct, Enum =>
        Enum.TryParse(folder.Option<string>(key), out T value)
            ? value
            : throw new InvalidDataException($"config.json in '{folder.FolderPath}' is not that of a model: '{key}' must be one of {string.Join(", ", Enum.GetNames<T>())}, but it is '{folder.Option<string>(key)}'.");
}
