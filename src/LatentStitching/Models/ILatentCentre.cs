namespace LatentStitching.Models;

/// <summary>Where the latents of a model lie, asked for through <see cref="ILatentModel.GetService"/>, where that is not zero.</summary>
internal interface ILatentCentre
{
    /// <summary>The middle of the latents that the model decodes.</summary>
    /// <returns>One latent [1, D], owned by the caller.</returns>
    Tensor Centre();
}
