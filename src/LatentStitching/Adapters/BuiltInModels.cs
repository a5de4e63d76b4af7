using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Flows;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Gans;
using LatentStitching.Models;

namespace LatentStitching.Adapters;

/// <summary>The library's own kinds of model folder, one line a kind.</summary>
internal static class BuiltInModels
{
    public static IReadOnlyDictionary<string, Func<ModelFolder, LatentModel>> Kinds { get; } = new Dictionary<string, Func<ModelFolder, LatentModel>>(StringComparer.Ordinal)
    {
        [DiffusionModel.Kind] = DiffusionFolder.Open,
        [PcaModel.Kind] = PcaModel.Open,
        [Vae.Kind] = Vae.Open,
        [Glow.Kind] = Glow.Open,
        [AspertiVae.Kind] = AspertiVae.Open,
        [Autoencoder.Kind] = Autoencoder.Open,
        [DiffuseVae.Kind] = DiffuseVae.Open,
        [MlpVae.Kind] = MlpVae.Open,
        [SplitVae.Kind] = SplitVae.Open,
        [TinyAutoencoder.Kind] = TinyAutoencoder.Open,
        [VanillaVae.Kind] = VanillaVae.Open,
        [VqVae.Kind] = VqVae.Open,
        [Gan.Kind] = Gan.Open,
        [MlpGan.Kind] = MlpGan.Open,
        [StyleGan2.Kind] = StyleGan2.Open,
    };
}
