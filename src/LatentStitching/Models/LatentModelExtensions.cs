namespace LatentStitching.Models;

/// <summary>Conveniences on top of <see cref="ILatentModel"/>.</summary>
public static class LatentModelExtensions
{
    /// <summary>Asks for an optional ability by its type.</summary>
    /// <typeparam name="T">The ability, for example <see cref="ILatentPrior"/>.</typeparam>
    /// <param name="model">The model.</param>
    /// <returns>The ability, or null where the model has none.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    public static T? GetService<T>(this ILatentModel model)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(model);
        return (T?)model.GetService(typeof(T));
    }

    /// <summary>Encodes and decodes: the model's own reconstruction, which bounds what any stitched decoder can reach.</summary>
    /// <param name="model">The model.</param>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <returns>Image batch of the same shape, owned by the caller.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    public static Tensor Reconstruct(this ILatentModel model, Tensor images)
    {
        ArgumentNullException.ThrowIfNull(model);
        using Tensor latents = model.Encode(images);
        return model.Decode(latents);
    }

    /// <summary>Wraps a model so that it takes and gives images of another height and width.</summary>
    /// <param name="model">The model. Not disposed with the wrapper.</param>
    /// <param name="image">The wanted format; its channels must be the model's.</param>
    /// <returns>A model over the same latent. Images are resized by bilinear interpolation, with anti-aliasing where they shrink, on the way in and out.</returns>
    /// <exception cref="ArgumentException">The number of channels differs.</exception>
    public static ILatentModel WithImage(this ILatentModel model, ImageFormat image)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(image);
        return model.Image == image ? model : new ResizingLatentModel(model, image);
    }
}
