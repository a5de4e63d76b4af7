using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Data;

/// <summary>Aligned CelebA pictures (178 wide, 218 high) from a folder or a zip archive, with their binary attributes.</summary>
/// <remarks>
/// <para>Ids are the file names, such as "000002.jpg", in ordinal order; folders inside an archive do not count.</para>
/// <para>CelebA is for non-commercial research and may not be passed on; it comes with no package of this library.</para>
/// <para>Thread safety: may be read from several threads at once; each read decodes on all cores. Dispose closes the archive: views such as
/// <see cref="Partition"/> and <c>Select</c> read through this object and end with it.</para>
/// <para>Source: <see href="https://arxiv.org/abs/1411.7766">Liu, Luo, Wang and Tang (2015), Deep Learning Face Attributes in the Wild</see>.</para>
/// </remarks>
public sealed class CelebA : IImageSource, IDisposable
{
    private readonly ImageStore _store;
    private readonly ImageReader _reader;
    private bool _disposed;

    private CelebA(ImageStore store, AttributeTable? attributes, ImageGeometry geometry, bool grey)
    {
        _store = store;
        _reader = new ImageReader(store, geometry, grey);
        Attributes = attributes;
        Geometry = geometry;
    }

    /// <summary>"CelebA".</summary>
    public string Name => "CelebA";

    /// <summary>How the pictures become images.</summary>
    public ImageGeometry Geometry { get; }

    string IImageSource.Preparation => Geometry.ToString();

    /// <inheritdoc />
    public ImageFormat Image => _reader.Format;

    /// <summary>The file names, in ordinal order.</summary>
    public IReadOnlyList<string> Ids => _store.Ids;

    /// <summary>The attributes, row i for image i, or null where no table was given.</summary>
    public AttributeTable? Attributes { get; }

    /// <summary>Lists the pictures and reads the attribute table. No picture is decoded yet.</summary>
    /// <param name="path">A folder of pictures, or a zip archive of them such as img_align_celeba.zip.</param>
    /// <param name="attributes">
    /// The attribute table, or null for none: the official list_attr_celeba.txt, or CSV whose header begins with image_id and whose other columns hold 0 or 1 (or −1 or 1);
    /// a column "identity" is left out. Rows without a picture are left out.
    /// </param>
    /// <param name="geometry">How pictures become images; null for <see cref="ImageGeometry.CelebADefault"/>.</param>
    /// <param name="grey">Whether images have one grey channel, the luma 0.299 R + 0.587 G + 0.114 B rounded to a byte (Pillow's "L"), instead of RGB.</param>
    /// <returns>The images, in ordinal order of their file names. To be disposed by the caller.</returns>
    /// <exception cref="FileNotFoundException">There is neither such a folder nor such a file, or no such table.</exception>
    /// <exception cref="InvalidDataException">The archive or the table is damaged; the text names the file and the line.</exception>
    /// <exception cref="ArgumentException">The path is blank, holds no pictures or one name twice, or the table lacks some of the pictures; the text counts them.</exception>
    public static CelebA Open(string path, string? attributes = null, ImageGeometry? geometry = null, bool grey = false)
    {
        Guard.NotBlank(path);
        ImageStore store = Directory.Exists(path) ? new FolderStore(path, bareNames: true) : new ZipStore(path);
        try
        {
            AttributeTable? table = attributes is null ? null : CelebATables.Attributes(Guard.NotBlank(attributes), store.Ids);
            return new CelebA(store, table, geometry ?? ImageGeometry.CelebADefault, grey);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentException">No index is given, or one is outside the source.</exception>
    /// <exception cref="InvalidDataException">A file is no picture, is damaged, or does not fit the geometry; the text names it.</exception>
    /// <exception cref="ObjectDisposedException">The pictures were disposed.</exception>
    public Tensor Load(IReadOnlyList<int> indices)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _reader.Load(indices);
    }

    /// <summary>The pictures of one official part.</summary>
    /// <param name="partition">The part.</param>
    /// <param name="path">The official list_eval_partition.txt: a file name and 0 (train), 1 (validation) or 2 (test) a line. Rows without a picture are left out.</param>
    /// <returns>A view, in this source's order.</returns>
    /// <exception cref="FileNotFoundException">There is no such list.</exception>
    /// <exception cref="InvalidDataException">The list is damaged; the text names the line.</exception>
    /// <exception cref="ArgumentException">The list lacks some of the pictures, or none of them is in the part.</exception>
    public IImageSource Partition(CelebAPartition partition, string path)
    {
        Guard.NotBlank(path);
        if (!Enum.IsDefined(partition))
        {
            throw new ArgumentOutOfRangeException(nameof(partition), $"partition must be Train, Validation or Test, but it is {(int)partition}.");
        }
        CelebAPartition[] parts = CelebATables.Partitions(path, Ids);
        int[] members = [.. Enumerable.Range(0, parts.Length).Where(i => parts[i] == partition)];
        return members.Length > 0
            ? this.Select(members)
            : throw new ArgumentException($"partition must hold at least one of the {parts.Length} images, but none of them is in {partition}.", nameof(partition));
    }

    /// <summary>Closes the archive.</summary>
    public void Dispose()
    {
        _disposed = true;
        _store.Dispose();
    }
}
