using System.Security.Cryptography;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Data;

/// <summary>Grey images in the IDX format of MNIST and its relatives, plain or gzipped, held in memory as bytes.</summary>
/// <remarks>
/// <para>Ids are the file's name without .gz and the place in the file: "t10k-images-idx3-ubyte:00000". Attributes are the classes, each against the rest.</para>
/// <para>Thread safety: immutable; may be read from several threads at once.</para>
/// <para>Source: <see href="http://yann.lecun.com/exdb/mnist/">LeCun, Cortes and Burges, The MNIST database of handwritten digits</see>, section "File formats".</para>
/// </remarks>
public sealed class IdxImages : IImageSource
{
    private readonly byte[] _pixels;
    private readonly int _height;
    private readonly int _width;

    private IdxImages(string name, IdxFile images, IReadOnlyList<byte>? labels, AttributeTable? attributes, int? size)
    {
        Name = name;
        _pixels = images.Bytes;
        (_height, _width) = (images.Dimensions[1], images.Dimensions[2]);
        Image = new ImageFormat(1, size ?? _height, size ?? _width);
        Ids = Array.AsReadOnly(Enumerable.Range(0, images.Dimensions[0]).Select(i => $"{name}:{i:D5}").ToArray());
        ContentHash = Convert.ToHexStringLower(SHA256.HashData(images.Bytes));
        Labels = labels;
        Attributes = attributes;
    }

    /// <summary>The name of the image file without .gz.</summary>
    public string Name { get; }

    /// <inheritdoc />
    public ImageFormat Image { get; }

    /// <inheritdoc />
    public IReadOnlyList<string> Ids { get; }

    /// <summary>SHA-256 of the pixels in the file: data sets that share their files' names, as those after MNIST do, are told apart.</summary>
    public string ContentHash { get; }

    /// <summary>The class of each image, from 0, or null where no label file was given.</summary>
    public IReadOnlyList<byte>? Labels { get; }

    /// <summary>One attribute a class, true where the image is of that class, or null where no label file was given.</summary>
    public AttributeTable? Attributes { get; }

    /// <summary>Reads a file of images, and of labels.</summary>
    /// <param name="images">The image file (magic 0x00000803). Whether it is gzipped is seen from its content.</param>
    /// <param name="labels">The label file (magic 0x00000801), or null for none.</param>
    /// <param name="size">Height and width to resize to, bilinear as <see cref="ImageGeometry.Squash"/>: 32 for VAEs on 32×32 digits. Null for the size in the file.</param>
    /// <param name="classNames">Names of the classes, label 0 first. Null for "0" to "9", or up to the highest label where it is above 9.</param>
    /// <returns>The images, in the order of the file.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A file is not IDX, or its length is not what its header says.</exception>
    /// <exception cref="ArgumentException">There are not as many labels as images, a label has no name, or names are given without labels.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public static IdxImages Open(string images, string? labels = null, int? size = null, IReadOnlyList<string>? classNames = null)
    {
        Guard.NotBlank(images);
        if (size is { } given) Guard.Positive(given, nameof(size));
        if (labels is null && classNames is not null) throw new ArgumentException("classNames must come with labels, but labels is null.", nameof(classNames));
        IdxFile pictures = IdxFile.Read(images, dimensions: 3);
        string name = Path.GetFileName(images);
        if (name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) name = name[..^3];
        if (labels is null) return new IdxImages(name, pictures, labels: null, attributes: null, size);

        IdxFile classes = IdxFile.Read(Guard.NotBlank(labels), dimensions: 1);
        if (classes.Bytes.Length != pictures.Dimensions[0])
        {
            throw new ArgumentException(
                $"labels must hold one label an image, but there are {classes.Bytes.Length} labels and {pictures.Dimensions[0]} images. Take the label file that belongs to '{images}'.",
                nameof(labels));
        }
        int highest = classes.Bytes.Max();
        classNames ??= [.. Enumerable.Range(0, Math.Max(10, highest + 1)).Select(label => $"{label}")];
        if (classNames.Count <= highest)
        {
            throw new ArgumentException($"classNames must name every label, but it holds {classNames.Count} names and the highest label is {highest}.", nameof(classNames));
        }
        bool[][] oneOfMany = Array.ConvertAll(classes.Bytes, label =>
        {
            bool[] row = new bool[classNames.Count];
            row[label] = true;
            return row;
        });
        return new IdxImages(name, pictures, Array.AsReadOnly(classes.Bytes), new AttributeTable(classNames, oneOfMany), size);
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentException">No index is given, or one is outside the source.</exception>
    public Tensor Load(IReadOnlyList<int> indices)
    {
        ImageSourceGuard.Indices(indices, Ids.Count);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor bytes = empty(indices.Count, 1, _height, _width, dtype: ScalarType.Byte);
        Span<byte> memory = bytes.bytes;
        int pixels = _height * _width;
        for (int i = 0; i < indices.Count; i++)
        {
            _pixels.AsSpan(indices[i] * pixels, pixels).CopyTo(memory[(i * pixels)..]);
        }
        Tensor images = bytes.to_type(ScalarType.Float32).Over(255);
        return ImageResize.Bilinear(images, Image.Height, Image.Width).MoveToOuterDisposeScope();
    }
}
