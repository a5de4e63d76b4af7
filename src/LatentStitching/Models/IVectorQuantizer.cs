namespace LatentStitching.Models;

/// <summary>The ability of a model with a codebook to tell which of its vectors a latent snaps to, and how far it moves.</summary>
/// <remarks>A latent is a map of vectors, [e, h, w] flattened; each of its h·w vectors snaps to the nearest of the codebook by Euclidean distance.</remarks>
public interface IVectorQuantizer
{
    /// <summary>Number of vectors in the codebook.</summary>
    long CodebookSize { get; }

    /// <summary>Finds the nearest vectors.</summary>
    /// <param name="latents">Latent batch [n, D], floating point. Not disposed.</param>
    /// <returns>Their indices [n, h, w], int64, owned by the caller.</returns>
    Tensor Indices(Tensor latents);

    /// <summary>Snaps latents to the codebook.</summary>
    /// <param name="latents">Latent batch [n, D], floating point. Not disposed.</param>
    /// <returns>Latent batch [n, D] made of vectors of the codebook, owned by the caller.</returns>
    Tensor Quantise(Tensor latents);

    /// <summary>Tells how far snapping moves latents.</summary>
    /// <param name="latents">Latent batch [n, D], floating point. Not disposed.</param>
    /// <returns>For each row the mean over its h·w vectors of the Euclidean distance to the nearest of the codebook, [n], in units of the latent, owned by the caller.</returns>
    Tensor SnappingDistance(Tensor latents);
}
