using System.Globalization;
using LatentStitching.Data.Faces;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Data;

/// <summary>Faces drawn in code: labelled RGB portraits of any size that need no download.</summary>
/// <remarks>
/// <para>
/// Each face is a point in a space of continuous factors (pose, proportions, expression, colours, light), drawn given ten binary
/// attributes with CelebA's names and CelebA-like correlations; docs/procedural-faces.md lists both. The factors determine the picture
/// completely, so <see cref="Factors"/> is the ground truth that a latent space can be compared with.
/// </para>
/// <para>
/// Image i of a seed is the same picture, byte for byte, whatever the count, the order of loading or the images loaded with it.
/// Another <c>size</c> shows the same faces at another resolution.
/// </para>
/// <para>Cost: pictures are drawn at each <see cref="Load"/>, in blocks, so that up to 256 pixels some 200 MB besides the result are enough.</para>
/// <para>Thread safety: immutable; <see cref="Load"/> may run on several threads at once.</para>
/// </remarks>
public sealed class ProceduralFaces : IImageSource
{
    /// <summary>The least size of the pictures, in pixels.</summary>
    public const int MinimumSize = 16;

    private readonly Face[] _faces;

    /// <summary>Makes a set of faces. Nothing is drawn yet.</summary>
    /// <param name="count">Number of faces, at least 1.</param>
    /// <param name="size">Height and width in pixels, at least <see cref="MinimumSize"/>.</param>
    /// <param name="seed">Chooses the faces: other seeds give other people. Sets of one seed begin with the same faces.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive, or <paramref name="size"/> is below 16.</exception>
    public ProceduralFaces(int count, int size = 64, ulong seed = 0)
    {
        Guard.Positive(count);
        if (size < MinimumSize)
        {
            throw new ArgumentOutOfRangeException(nameof(size), $"size must be at least {MinimumSize} pixels, but it is {size}. Draw larger and shrink.");
        }
        Size = size;
        Seed = seed;
        Image = ImageFormat.Rgb(size);
        _faces = new Face[count];
        for (int i = 0; i < count; i++) _faces[i] = FaceSampler.Draw(seed, i);
        Ids = [.. Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"face-{seed}-{i:D6}"))];
        Attributes = new AttributeTable(FaceAttributes.Names, [.. _faces.Select(face => face.Attributes.ToRow())]);
    }

    /// <inheritdoc/>
    public string Name => "procedural-faces";

    /// <summary>Height and width of the pictures, in pixels.</summary>
    public int Size { get; }

    /// <summary>The seed that chose the faces.</summary>
    public ulong Seed { get; }

    /// <inheritdoc/>
    public ImageFormat Image { get; }

    /// <summary>One id a face, "face-{seed}-{index}": it names the face, at every size.</summary>
    public IReadOnlyList<string> Ids { get; }

    /// <summary>The ten labels of each face, under CelebA's names; never null.</summary>
    public AttributeTable Attributes { get; }

    AttributeTable? IImageSource.Attributes => Attributes;

    /// <summary>The names of the columns of <see cref="Factors"/>; docs/procedural-faces.md gives the unit and the range of each.</summary>
    public static IReadOnlyList<string> FactorNames => FaceFactorInfo.Names;

    /// <summary>The numbers that determine the pictures: the ground-truth latents.</summary>
    /// <param name="indices">Places in <see cref="Ids"/>, each from 0 to Count − 1; any order, repeats allowed.</param>
    /// <returns>Factors [indices.Count, FactorNames.Count], float32, on the CPU, each column in its documented unit and range; owned by the caller.</returns>
    /// <exception cref="ArgumentException">There are no indices.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside the set.</exception>
    public Tensor Factors(IReadOnlyList<int> indices)
    {
        ImageSourceGuard.Indices(indices, _faces.Length);
        float[] values = [.. indices.SelectMany(index => _faces[index].Factors)];
        return tensor(values, indices.Count, FactorNames.Count);
    }

    /// <summary>Draws faces.</summary>
    /// <param name="indices">Places in <see cref="Ids"/>, each from 0 to Count − 1; any order, repeats allowed.</param>
    /// <returns>Image batch [indices.Count, 3, size, size], float32, values in [0, 1], RGB, on the CPU, owned by the caller.</returns>
    /// <exception cref="ArgumentException">There are no indices.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside the set.</exception>
    public Tensor Load(IReadOnlyList<int> indices)
    {
        ImageSourceGuard.Indices(indices, _faces.Length);
        return FaceRenderer.Draw([.. indices.Select(index => _faces[index])], Size);
    }
}
