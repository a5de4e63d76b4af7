using System.Globalization;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>TAESD and its relatives: small convolutional autoencoders of the latent spaces of large diffusion models, fast enough for a processor.</summary>
/// <remarks>
/// <para>Opens the published weights of madebyollin/taesd (TAESD, TAESDXL, TAESD3, TAEF1, TAEF2, both files, and TAESANA's layout) and those of diffusers' AutoencoderTiny. Pixels are [0, 1]; latents are of the raw scale of
/// the large model, channels × height/8 × width/8. It has no prior: in use, a diffusion model supplies the latents.</para>
/// <para>It is distilled from the large autoencoder with an adversarial loss; training it is not part of the library.</para>
/// <para>Source: <see href="https://github.com/madebyollin/taesd">madebyollin/taesd</see>, taesd.py, whose code and weights are all that was published of it.</para>
/// </remarks>
public sealed class TinyAutoencoder : LatentModel
{
    internal const string Kind = "tiny-autoencoder";
    private readonly TinyAutoencoderNetwork _network;

    private TinyAutoencoder(string name, ImageFormat image, long channels, long reduction, TinyAutoencoderNetwork network, Device device)
        : base(name, image, LatentSpace.Of(("z", [channels, image.Height / reduction, image.Width / reduction])), device) => _network = network;

    /// <summary>Names of diffusers' AutoencoderTiny.</summary>
    public static KeyMap DiffusersKeys { get; } = new(
        "diffusers AutoencoderTiny",
        [
            KeyRule.Rename(@"encoder\.layers\.(.*)", "encoder.$1"),
            // Its decoder has no layer of its own for the squashing, which comes first here.
            .. Enumerable.Range(0, 29).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i}")).Zip(
                Enumerable.Range(1, 29).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i}")),
                (theirs, ours) => KeyRule.Rename($@"decoder\.layers\.{theirs}\.(.*)", $"decoder.{ours}.$1")),
        ]);

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => _network.Weights.ParameterCount;

    /// <summary>Makes an untrained model with seeded weights, for use as a control.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The image is not RGB, or the reduction does not divide its height and width.</exception>
    public static TinyAutoencoder Create(TinyAutoencoderOptions? options = null, Device? device = null)
    {
        options ??= new TinyAutoencoderOptions();
        RequireFormat(options.Image, options.Reduction, nameof(options));
        Device where = device ?? CPU;
        return new TinyAutoencoder(options.Name, options.Image, options.LatentChannels, options.Reduction, TinyAutoencoderNetwork.Create(options, where), where);
    }

    /// <summary>Opens the two files of madebyollin/taesd.</summary>
    /// <param name="encoderPath">The encoder's weights, such as taesd_encoder.pth. Channels and layout are read off the shapes. Nothing in it is executed.</param>
    /// <param name="decoderPath">The decoder's weights.</param>
    /// <param name="image">The images: any RGB size that the reduction divides.</param>
    /// <param name="name">The name in reports; if null, the encoder file's name without "_encoder".</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Half-precision weights become float32.</returns>
    /// <exception cref="ArgumentException">The image is not RGB, or the reduction does not divide its height and width.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static TinyAutoencoder LoadParts(string encoderPath, string decoderPath, ImageFormat image, string? name = null, Device? device = null)
    {
        Guard.NotBlank(encoderPath);
        Guard.NotBlank(decoderPath);
        ArgumentNullException.ThrowIfNull(image);
        using StateDictionary encoder = StateDictionary.Load(encoderPath), decoder = StateDictionary.Load(decoderPath);
        using StateDictionary state = new([.. encoder.Names.Select(key => ("encoder." + key, encoder[key])), .. decoder.Names.Select(key => ("decoder." + key, decoder[key]))]);
        return From(state, $"{encoderPath} and {decoderPath}", name ?? Path.GetFileNameWithoutExtension(encoderPath).Replace("_encoder", "", StringComparison.Ordinal), image, device ?? CPU);
    }

    /// <summary>Opens a file with both sides, of diffusers' AutoencoderTiny or what <see cref="SaveWeights"/> wrote, or a folder of diffusers.</summary>
    /// <param name="path">The file or folder. Channels and layout are read off the shapes. Nothing in it is executed.</param>
    /// <param name="image">The images: any RGB size that the reduction divides.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Half-precision weights become float32.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="ArgumentException">The image is not RGB, or the reduction does not divide its height and width.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static TinyAutoencoder Load(string path, ImageFormat image, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        ArgumentNullException.ThrowIfNull(image);
        using StateDictionary file = Directory.Exists(path) ? HuggingFaceFolder.Open(path).LoadWeights() : WeightFile.Open(path, container), state = DiffusersKeys.Apply(file);
        return From(state, path, name ?? WeightFile.NameOf(path), image, device ?? CPU);
    }

    /// <summary>Writes the weights to a safetensors file, named by side and place: encoder.0.weight.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        ThrowIfDisposed();
        SafeTensors.Save(path, _network.Weights.All, new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name });
    }

    internal static TinyAutoencoder Open(ModelFolder folder) => From(folder.Weights, folder.FolderPath, folder.Name, folder.Image("image"), folder.Device);

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images) => _network.Encode(images).flatten(1);

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents) => _network.Decode(latents.reshape([latents.size(0), .. Latent.Levels[0].Shape]));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _network.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(Kind, new() { ["image"] = ModelFolder.ToJson(Image) }, _network.Weights.All);

    private static TinyAutoencoder From(StateDictionary state, string path, string name, ImageFormat image, Device device)
    {
        long reduction = TinyAutoencoderNetwork.ReductionOf(state, path);
        RequireFormat(image, reduction, nameof(image));
        (TinyAutoencoderNetwork network, long channels) = TinyAutoencoderNetwork.From(state, path, device);
        return new TinyAutoencoder(name, image, channels, reduction, network, device);
    }

    private static void RequireFormat(ImageFormat image, long reduction, string parameter)
    {
        if (image.Channels == 3 && image.Height % reduction == 0 && image.Width % reduction == 0) return;
        throw new ArgumentException($"Image must have 3 channels and a height and width that {reduction} divides, but it is {image}.", parameter);
    }
}
