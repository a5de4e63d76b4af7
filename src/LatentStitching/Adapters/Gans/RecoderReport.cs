using LatentStitching.Training;

namespace LatentStitching.Adapters.Gans;

/// <summary>How a <see cref="Recoder"/> was trained, and how well it does on generated images that it has not seen.</summary>
public sealed record RecoderReport
{
    /// <summary>The run. Losses are mean squared errors of the latents, with dropped features while training.</summary>
    public required TrainingReport Training { get; init; }

    /// <summary>Mean squared error of the latents of held-out generated images, in squared latent units.</summary>
    public required double LatentError { get; init; }

    /// <summary>That error as a share of the latents' variance about the mean of each column: 0 is perfect, 1 is no better than the mean.</summary>
    public required double RelativeLatentError { get; init; }

    /// <summary>Mean squared error of the pixels, G(R(G(z))) against G(z), in squared units of [0, 1].</summary>
    public required double ImageError { get; init; }
}
