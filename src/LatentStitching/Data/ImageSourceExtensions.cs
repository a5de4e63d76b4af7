using LatentStitching.Numerics;

namespace LatentStitching.Data;

/// <summary>Conveniences on top of <see cref="IImageSource"/>.</summary>
public static class ImageSourceExtensions
{
    /// <summary>Reads a run of images.</summary>
    /// <param name="source">The images.</param>
    /// <param name="start">The first place, from 0.</param>
    /// <param name="count">Number of images, at least 1.</param>
    /// <returns>Image batch [count, c, h, w], float32, values in [0, 1], owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The run leaves the source.</exception>
    public static Tensor Load(this IImageSource source, int start, int count)
    {
        ArgumentNullException.ThrowIfNull(source);
        Guard.NotNegative(start);
        Guard.Positive(count);
        return source.Load([.. Enumerable.Range(start, count)]);
    }

    /// <summary>Reads all images. They take 4 × n × c × h × w bytes.</summary>
    /// <param name="source">The images.</param>
    /// <returns>Image batch [n, c, h, w], float32, values in [0, 1], owned by the caller.</returns>
    public static Tensor LoadAll(this IImageSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return source.Load(0, source.Ids.Count);
    }

    /// <summary>Some of the images, in the order asked for; ids and attributes go with them.</summary>
    /// <param name="source">The images.</param>
    /// <param name="indices">Places in the source, each at most once.</param>
    /// <returns>A view: nothing is read yet.</returns>
    /// <exception cref="ArgumentException">An index is outside the source or comes twice.</exception>
    public static IImageSource Select(this IImageSource source, IReadOnlyList<int> indices)
    {
        ArgumentNullException.ThrowIfNull(source);
        ImageSourceGuard.Indices(indices, source.Ids.Count);
        HashSet<int> seen = new(indices.Count);
        foreach (int index in indices)
        {
            if (!seen.Add(index)) throw new ArgumentException($"indices must differ, but {index} comes twice.", nameof(indices));
        }
        return new ImageSubset(source, [.. indices]);
    }

    /// <summary>The first images of a source.</summary>
    /// <param name="source">The images.</param>
    /// <param name="count">Number of images, from 1 to the source's count.</param>
    /// <returns>A view: nothing is read yet.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The source holds fewer images.</exception>
    public static IImageSource Take(this IImageSource source, int count)
    {
        ArgumentNullException.ThrowIfNull(source);
        Guard.Positive(count);
        return source.Select([.. Enumerable.Range(0, count)]);
    }
}
