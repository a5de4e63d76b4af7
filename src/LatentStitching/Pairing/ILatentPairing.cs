using LatentStitching.Models;

namespace LatentStitching.Pairing;

/// <summary>A way to get pairs of latents of the same images from two models.</summary>
public interface ILatentPairing
{
    /// <summary>Makes the pairs.</summary>
    /// <param name="source">The model whose encoder will be used.</param>
    /// <param name="target">The model whose decoder will be used.</param>
    /// <param name="progress">Told how many images are done, or null.</param>
    /// <param name="cancellationToken">Cancels between batches; no tensor is left alive.</param>
    /// <returns>The pairs, owned by the caller.</returns>
    LatentPairs Pair(ILatentModel source, ILatentModel target, IProgress<PairingProgress>? progress = null, CancellationToken cancellationToken = default);
}
