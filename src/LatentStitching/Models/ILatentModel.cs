namespace LatentStitching.Models;

/// <summary>A generative image model seen as a pair of functions: an encoder from images to latents and a decoder back.</summary>
/// <remarks>
/// <para>Own models are easiest to write by deriving from <see cref="LatentModel"/>, which does the checks, batching, device moves and tensor ownership, or with
/// <see cref="LatentModel.FromFunctions"/>.</para>
/// <para>Neither method mutates or disposes its input. Each returns a fresh tensor that the caller owns, on the model's device.</para>
/// </remarks>
public interface ILatentModel : IDisposable
{
    /// <summary>The name under which the model appears in reports.</summary>
    string Name { get; }

    /// <summary>The images the model takes and gives.</summary>
    ImageFormat Image { get; }

    /// <summary>The latent the model gives and takes.</summary>
    LatentSpace Latent { get; }

    /// <summary>Encodes images.</summary>
    /// <param name="images">Image batch [n, c, h, w] of the format <see cref="Image"/>, floating point, values in [0, 1]. Not disposed.</param>
    /// <returns>Latent batch [n, D], owned by the caller.</returns>
    Tensor Encode(Tensor images);

    /// <summary>Decodes latents.</summary>
    /// <param name="latents">Latent batch [n, D], floating point. Not disposed.</param>
    /// <returns>Image batch [n, c, h, w] with values in [0, 1], owned by the caller.</returns>
    Tensor Decode(Tensor latents);

    /// <summary>Asks for an optional ability of the model or of a model that it wraps, such as <see cref="ILatentPrior"/>.</summary>
    /// <param name="serviceType">The type of the ability.</param>
    /// <returns>The ability, or null where the model has none.</returns>
    object? GetService(Type serviceType)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceType.IsInstanceOfType(this) ? this : null;
    }
}
