namespace LatentStitching.Models;

/// <summary>The ability to be seen at other latent spaces than the model's own: features before the latent, the style space behind it, a part of it alone.</summary>
/// <remarks>Reached by <see cref="LatentModelExtensions.At"/>, which also offers every level of <see cref="LatentSpace"/>.</remarks>
public interface IModelLevels
{
    /// <summary>Names of the spaces besides the levels of the model's own latent.</summary>
    IReadOnlyList<string> LevelNames { get; }

    /// <summary>Sees the model at one of them.</summary>
    /// <param name="level">One of <see cref="LevelNames"/>.</param>
    /// <returns>A model over the same weights whose latent is that space. Disposing it does nothing: the weights belong to the whole model.</returns>
    /// <exception cref="ArgumentException">There is no such space.</exception>
    ILatentModel At(string level);
}
