using System.Security.Cryptography;
using System.Text;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Data;

/// <summary>All pictures below a folder: files that end in .jpg, .jpeg, .png, .bmp or .webp, in any case.</summary>
/// <remarks>
/// <para>Ids are the paths below the folder, with '/', in ordinal order. Hidden files are left out. The files are read anew each time, so they should stay as they are.</para>
/// <para>Transparency, colour profiles and the EXIF turning are not applied: pixels are the numbers in the file, divided by 255.</para>
/// <para>Thread safety: may be read from several threads at once; each read decodes on all cores.</para>
/// </remarks>
public sealed class ImageFolder : IImageSource
{
    private readonly ImageStore _store;
    private const int Sampled = 16;
    private readonly ImageReader _reader;
    private readonly Lazy<string> _contentHash;

    private ImageFolder(ImageStore store, ImageGeometry geometry, bool grey)
    {
        _store = store;
        _reader = new ImageReader(store, geometry, grey);
        Geometry = geometry;
        _contentHash = new Lazy<string>(() => HashOf(store));
        Name = System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(store.Path)));
    }

    /// <summary>The folder's name.</summary>
    public string Name { get; }

    /// <summary>How the pictures become images.</summary>
    public ImageGeometry Geometry { get; }

    string IImageSource.Preparation => Geometry.ToString();

    /// <inheritdoc />
    public ImageFormat Image => _reader.Format;

    /// <summary>The paths of the pictures below the folder, with '/', in ordinal order.</summary>
    public IReadOnlyList<string> Ids => _store.Ids;

    /// <summary>SHA-256 of the names and bytes of 16 files spread over the folder: folders of equal names and pictures of equal names are told apart. Read when first asked for.</summary>
    string? IImageSource.ContentHash => _contentHash.Value;

    /// <summary>Null: a folder holds no labels.</summary>
    public AttributeTable? Attributes => null;

    /// <summary>Lists the pictures below a folder. None is decoded yet.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="geometry">How pictures become images; they may differ in size.</param>
    /// <param name="grey">Whether images have one grey channel, the luma 0.299 R + 0.587 G + 0.114 B rounded to a byte (Pillow's "L"), instead of RGB.</param>
    /// <returns>The images, in ordinal order of their paths.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="ArgumentException">The path is blank, or the folder holds no pictures.</exception>
    public static ImageFolder Open(string path, ImageGeometry geometry, bool grey = false)
    {
        Guard.NotBlank(path);
        ArgumentNullException.ThrowIfNull(geometry);
        return new ImageFolder(new FolderStore(path, bareNames: false), geometry, grey);
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentException">No index is given, or one is outside the source.</exception>
    /// <exception cref="InvalidDataException">A file is no picture, is damaged, or does not fit the geometry; the text names it.</exception>
    public Tensor Load(IReadOnlyList<int> indices) => _reader.Load(indices);

    private static string HashOf(ImageStore store)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int count = store.Ids.Count, sampled = Math.Min(Sampled, count);
        for (int i = 0; i < sampled; i++)
        {
            int index = (int)((long)i * count / sampled);
            byte[] bytes = store.Read(index);
            hash.AppendData(Encoding.UTF8.GetBytes($"{store.Ids[index]}\n{bytes.Length}\n"));
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
