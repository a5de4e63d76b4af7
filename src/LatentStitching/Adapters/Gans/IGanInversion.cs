using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>A way back from images to the latents of a generator, which has no encoder of its own.</summary>
/// <remarks>Give it to <see cref="GanModel.Inversion"/>, and the generator is a full model. One that is also <see cref="IFingerprinted"/> is told from others by its <see cref="IFingerprinted.Fingerprint"/> where latents are kept on disk
/// (<see cref="Latents.ModelFingerprint"/>); others of one's own by a run.</remarks>
public interface IGanInversion
{
    /// <summary>Finds latents whose decoded images resemble the given ones.</summary>
    /// <param name="generator">The generator to invert. Not disposed, and its weights do not change.</param>
    /// <param name="images">Image batch [n, c, h, w] of the generator's format, floating point, values in [0, 1]. Not disposed.</param>
    /// <returns>Latent batch [n, D] of the generator's width, on its device, owned by the caller. The same images give the same latents.</returns>
    /// <exception cref="ArgumentException">The images do not fit the generator, or the inversion was made for another generator.</exception>
    Tensor Invert(ILatentModel generator, Tensor images);
}
