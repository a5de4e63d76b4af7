using LatentStitching.Fitting;

namespace LatentStitching.Probing;

/// <summary>Trains linear probes of a latent space, all attributes at once.</summary>
/// <remarks>A trainer holds options alone and may be used from several threads.</remarks>
public interface IProbeTrainer
{
    /// <summary>The choices that a result depends on, for example "probe|model:logistic|penalty:l2|c:1".</summary>
    string Signature { get; }

    /// <summary>Trains.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed, not changed.</param>
    /// <param name="labels">Labels of the n rows; each attribute learns from the rows it uses.</param>
    /// <param name="progress">Told as it goes on, or null.</param>
    /// <param name="cancellationToken">Cancels; no tensor is left alive.</param>
    /// <returns>The probes with a report for each, owned by the caller.</returns>
    ProbeFit Train(Tensor latents, ProbeLabels labels, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default);
}
