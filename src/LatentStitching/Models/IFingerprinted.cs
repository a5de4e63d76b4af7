namespace LatentStitching.Models;

/// <summary>The ability to tell which weights a model computes with.</summary>
/// <remarks>
/// Latents on disk are taken for those of a model where the fingerprints agree. A model that offers this is told from another exactly, on every machine and device, and is not run to find out. A wrapper that changes the latents must not hand on the fingerprint of what it wraps; one that changes the size of the images may.
/// </remarks>
public interface IFingerprinted
{
    /// <summary>A text that is the same for the same weights and settings of the encoder, and another for any other: best a hash of both.</summary>
    /// <value>Not blank. Latents.ModelFingerprint.OfWeights makes one of named tensors.</value>
    string Fingerprint { get; }
}
