using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Flows;
using LatentStitching.Adapters.Gans;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Studies;

/// <summary>What the library's own models are: their family, and the architecture that two trainings share.</summary>
internal static class ModelFamilies
{
    private const int ShownDigits = 8;

    private static readonly Dictionary<string, ModelFamily> _families = new(StringComparer.Ordinal)
    {
        [PcaModel.Kind] = ModelFamily.Linear,
        [Autoencoder.Kind] = ModelFamily.Autoencoder,
        [TinyAutoencoder.Kind] = ModelFamily.Autoencoder,
        [Vae.Kind] = ModelFamily.Vae,
        [AspertiVae.Kind] = ModelFamily.Vae,
        [DiffuseVae.Kind] = ModelFamily.Vae,
        [MlpVae.Kind] = ModelFamily.Vae,
        [VanillaVae.Kind] = ModelFamily.Vae,
        [SplitVae.Kind] = ModelFamily.SplitVae,
        [VqVae.Kind] = ModelFamily.VqVae,
        [Gan.Kind] = ModelFamily.Gan,
        [MlpGan.Kind] = ModelFamily.Gan,
        [StyleGan2.Kind] = ModelFamily.Gan,
        [Glow.Kind] = ModelFamily.Flow,
        [DiffusionModel.Kind] = ModelFamily.Diffusion,
    };

    public static (ModelFamily Family, string? Architecture) Of(ILatentModel model)
    {
        using var scope = NewDisposeScope();
        if (model.GetService<LatentModel>() is not { } inner || inner.Describe() is not { } description) return (ModelFamily.Unknown, null);
        // The weights' shapes tell what the options leave to them, such as depth.
        string layout = string.Join('\n', description.Weights.Select(weight => $"{weight.Name} {string.Join('×', weight.Tensor.shape)}").Order(StringComparer.Ordinal));
        string digits = TensorChecksum.Of($"{description.Configuration.ToJsonString()}\n{layout}")[..ShownDigits];
        return (_families.GetValueOrDefault(description.Kind), $"{description.Kind} {inner.Image} ↔ {inner.Latent}, layout {digits}");
    }
}
