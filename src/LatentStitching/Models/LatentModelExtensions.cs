using LatentStitching.Numerics;

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

    /// <summary>Sees a model at one level of its latent, or at another space it offers, as a latent space of its own: for studies of hierarchies.</summary>
    /// <param name="model">The model. Not disposed with the view.</param>
    /// <param name="level">A level of <see cref="ILatentModel.Latent"/>, or one of <see cref="IModelLevels.LevelNames"/>.</param>
    /// <param name="rest">What the other levels hold when the view decodes: one latent [1, D] or [D] of the whole model; if null, zeros, the mean of a standard Gaussian prior,
    /// or the stored mean of w in the w+ of a StyleGAN2. Copied, not disposed.
    /// Only for a level of the latent.</param>
    /// <returns>A model that encodes to the level and decodes from it.</returns>
    /// <exception cref="ArgumentException">There is no such level, or <paramref name="rest"/> has another width, is not finite, or is given for a space that has no rest.</exception>
    public static ILatentModel At(this ILatentModel model, string level, Tensor? rest = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(level);
        IReadOnlyList<string> others = model.GetService<IModelLevels>()?.LevelNames ?? [];
        if (others.Any(other => other == level))
        {
            if (rest is not null) throw new ArgumentException($"rest must be null for '{level}', which is no part of the latent of {model.Name}.", nameof(rest));
            return model.GetService<IModelLevels>()!.At(level);
        }
        LatentLevel? own = model.Latent.Levels.FirstOrDefault(known => known.Name == level);
        if (own is null)
        {
            IEnumerable<string> names = model.Latent.Levels.Select(known => known.Name).Concat(others);
            throw new ArgumentException($"level must be one of {string.Join(", ", names)} of {model.Name}, but it is '{level}'.", nameof(level));
        }
        float[] fixedLatent = new float[model.Latent.Dimension];
        using var scope = NewDisposeScope();
        if (rest is null && model.GetService<ILatentCentre>() is { } centred)
        {
            using var grad = no_grad();
            fixedLatent = Numbers(centred.Centre());
        }
        if (rest is not null)
        {
            if (rest.numel() != fixedLatent.Length || rest.dim() > 2)
            {
                throw new ArgumentException($"rest must be one latent [1, {fixedLatent.Length}] of {model.Name}, but its shape is {TensorGuard.Shape(rest)}.", nameof(rest));
            }
            TensorGuard.FiniteMatrix(rest.reshape(1, -1), nameof(rest));
            fixedLatent = Numbers(rest);
        }
        return new LevelModel(model, own, fixedLatent);

        static float[] Numbers(Tensor latent) => latent.detach().to(ScalarType.Float32, CPU).contiguous().data<float>().ToArray();
    }
}
