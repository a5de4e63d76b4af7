using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Gans;
using LatentStitching.Models;

namespace LatentStitching.Adapters;

/// <summary>The library's own kinds of model folder, one line a kind.</summary>
internal static class BuiltInModels
{
    public static IReadOnlyDictionary<string, Func<ModelFolder, LatentModel>> Kinds { get; } = new Dictionary<string, Func<ModelFolder, LatentModel>>(StringComparer.Ordinal)
    {
        [PcaModel.Kind] = PcaModel.Open,
        [Vae.Kind] = Vae.Open,
        [Gan.Kind] = Gan.Open,
        [MlpGan.Kind] = MlpGan.Open,
        [StyleGan2.Kind] = StyleGan2.Open,
    };
}
