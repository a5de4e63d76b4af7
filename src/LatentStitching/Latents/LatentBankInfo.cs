using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LatentStitching.Data;
using LatentStitching.Models;

namespace LatentStitching.Latents;

/// <summary>Where the latents of a bank come from: which model, which images, and how those were prepared.</summary>
public sealed record LatentBankInfo
{
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The model's name in reports.</summary>
    public required string ModelName { get; init; }

    /// <summary>What tells the model from others: <see cref="Latents.ModelFingerprint.Of"/>, or a text of the caller's own.</summary>
    public required string ModelFingerprint { get; init; }

    /// <summary>The model's latent: its width and its levels.</summary>
    public required LatentSpace Latent { get; init; }

    /// <summary>The name of the set of images.</summary>
    public required string ImageSourceName { get; init; }

    /// <summary>The format of the images as they came from their source.</summary>
    public required ImageFormat Image { get; init; }

    /// <summary>How pictures became these images; see <see cref="IImageSource.Preparation"/>.</summary>
    /// <value>Default "as given".</value>
    public string Preparation { get; init; } = "as given";

    /// <summary>What tells the pictures from others under the same names; see <see cref="IImageSource.ContentHash"/>.</summary>
    /// <value>Null by default: their source does not tell.</value>
    public string? ImagesContentHash { get; init; }

    /// <summary>One id a row, all different.</summary>
    public required IReadOnlyList<string> Ids { get; init; }

    /// <summary>Binary labels, row i for row i of the bank.</summary>
    /// <value>Null by default: none.</value>
    public AttributeTable? Attributes { get; init; }

    /// <summary>Tells sets of images apart: SHA-256 of their source's name, format, preparation, ids in order and content hash, if it has one, as 64 hexadecimal digits. Labels do not count.</summary>
    public string ImagesFingerprint
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (string text in (IEnumerable<string>)[ImageSourceName, $"{Image}", Preparation, .. Ids, .. ImagesContentHash is { } content ? [content] : (string[])[]])
            {
                byte[] bytes = Encoding.UTF8.GetBytes(text);
                // The length first, so that no two lists run together to the same bytes.
                hash.AppendData(BitConverter.GetBytes(bytes.LongLength));
                hash.AppendData(bytes);
            }
            return Convert.ToHexString(hash.GetHashAndReset()).ToLower(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The facts of a bank of all images of a source, encoded by a model. Finds the model's fingerprint.</summary>
    /// <param name="model">The model.</param>
    /// <param name="images">The images.</param>
    /// <returns>The facts.</returns>
    /// <exception cref="InvalidOperationException">The model has no fingerprint; see <see cref="Latents.ModelFingerprint.Of"/>.</exception>
    public static LatentBankInfo Of(ILatentModel model, IImageSource images)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        return new LatentBankInfo
        {
            ModelName = model.Name,
            ModelFingerprint = Latents.ModelFingerprint.Of(model),
            Latent = model.Latent,
            ImageSourceName = images.Name,
            Image = images.Image,
            Preparation = images.Preparation,
            ImagesContentHash = images.ContentHash,
            Ids = images.Ids,
            Attributes = images.Attributes,
        };
    }

    /// <summary>Says model, images and sizes.</summary>
    /// <returns>For example "vae of CelebA (3×64×64, squash 64×64): 5000 rows of 512 (z [512])".</returns>
    public override string ToString() => $"{ModelName} of {ImageSourceName} ({Image}, {Preparation}): {Ids.Count} rows of {Latent}";

    /// <summary>Whether two banks hold the latents of images that were made alike, so that an id names the same pixels in both.</summary>
    internal bool SamePreparation(LatentBankInfo other) => ImageSourceName == other.ImageSourceName && Image == other.Image && Preparation == other.Preparation
        && (ImagesContentHash is null || other.ImagesContentHash is null || ImagesContentHash == other.ImagesContentHash);

    /// <summary>Requires what a bank can hold.</summary>
    internal void Check(string name)
    {
        foreach ((string fact, string value) in (IEnumerable<(string, string)>)
            [(nameof(ModelName), ModelName), (nameof(ModelFingerprint), ModelFingerprint), (nameof(ImageSourceName), ImageSourceName), (nameof(Preparation), Preparation)])
        {
            if (string.IsNullOrWhiteSpace(value)) throw new ArgumentException($"{name} must tell {fact}, but it is blank.", name);
            CheckText(value, fact, name);
        }
        if (ImagesContentHash is { } content)
        {
            if (string.IsNullOrWhiteSpace(content)) throw new ArgumentException($"{name} must tell {nameof(ImagesContentHash)} or leave it null, but it is blank.", name);
            CheckText(content, nameof(ImagesContentHash), name);
        }
        if (Latent is null || Image is null || Ids is null) throw new ArgumentException($"{name} must tell Latent, Image and Ids, but one is null.", name);
        if (Ids.Count == 0) throw new ArgumentException($"{name} must hold at least one id, but Ids is empty.", name);
        HashSet<string> seen = new(Ids.Count, StringComparer.Ordinal);
        foreach (string id in Ids)
        {
            if (id is null) throw new ArgumentException($"{name} must hold ids, but one is null.", name);
            CheckText(id, nameof(Ids), name);
            if (!seen.Add(id)) throw new ArgumentException($"{name} must hold different ids, but '{id}' comes twice.", name);
        }
        if (Attributes is { } attributes && attributes.Count != Ids.Count)
        {
            throw new ArgumentException($"{name} must hold one row of attributes an id, but there are {attributes.Count} rows and {Ids.Count} ids.", name);
        }
    }

    // Half a surrogate pair would come back as another text.
    private static void CheckText(string text, string fact, string name)
    {
        try
        {
            _ = _strict.GetByteCount(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException($"{name} must hold texts of whole Unicode characters, but one of {fact} is '{text}'.", name, e);
        }
    }
}
