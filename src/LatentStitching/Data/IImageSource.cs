using LatentStitching.Models;

namespace LatentStitching.Data;

/// <summary>A fixed, ordered set of images with stable ids, read a batch at a time.</summary>
/// <remarks>Image i has the id Ids[i] and the attributes Attributes row i. Implementations may be read from several threads at once.</remarks>
public interface IImageSource
{
    /// <summary>The name under which the images appear in reports.</summary>
    string Name { get; }

    /// <summary>The format of every image.</summary>
    ImageFormat Image { get; }

    /// <summary>One id an image, all different. The id belongs to the image, not to its place: it survives subsets and shuffles.</summary>
    IReadOnlyList<string> Ids { get; }

    /// <summary>The binary labels of the images, row i for image i, or null where there are none.</summary>
    AttributeTable? Attributes { get; }

    /// <summary>How pictures became these images, in words: crop and resizing. Latents of differently prepared images are not paired by id.</summary>
    /// <value>"as given" where the source says nothing else.</value>
    string Preparation => "as given";

    /// <summary>Tells these pictures from others under the same names, best by a hash of their bytes. Latents of pictures of other hashes are neither reused nor paired by id.</summary>
    /// <value>Null, the default, where the source does not tell: name, format, preparation and ids must then be enough.</value>
    string? ContentHash => null;

    /// <summary>Reads images.</summary>
    /// <param name="indices">Places in <see cref="Ids"/>, each from 0 to Count − 1; any order, repeats allowed.</param>
    /// <returns>Image batch [indices.Count, c, h, w], float32, values in [0, 1], on the CPU, owned by the caller.</returns>
    Tensor Load(IReadOnlyList<int> indices);
}
