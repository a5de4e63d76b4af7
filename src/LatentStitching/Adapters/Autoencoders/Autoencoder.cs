using System.Globalization;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>A plain convolutional autoencoder; the defaults are the thesis's for CIFAR-10: 3×32×32 → 48×4×4, 23,700 + 23,655 parameters.</summary>
/// <remarks>
/// <para>Encoder: 4×4 convolutions of stride 2, ReLU after each, so latents are zero or more. Decoder: the mirrored transposed convolutions, ReLU between, sigmoid last.
/// It has no prior: nothing shapes the distribution of its latents.</para>
/// <para>Opens PyTorch state dictionaries of two sequences with these layers: encoder.0.weight, encoder.2.weight …, decoder.0.weight …</para>
/// <para>Sources: Badrinath's thesis (Harvard, 2024), whose layout for CIFAR-10 it is; Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks" (2006), doi:10.1126/science.1127647.</para>
/// </remarks>
public sealed class Autoencoder : LatentModel
{
    internal const string Kind = "autoencoder";
    private readonly int _layers;

    private Autoencoder(string name, ImageFormat image, IReadOnlyList<long> channels, WeightSet weights, Device device)
        : base(name, image, LatentSpace.Of(("z", [channels[^1], image.Height >> channels.Count, image.Width >> channels.Count])), device)
    {
        _layers = channels.Count;
        Weights = weights;
    }

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => Weights.ParameterCount;

    internal WeightSet Weights { get; }

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Train it with <see cref="AutoencoderTrainer"/>.</returns>
    /// <exception cref="ArgumentException">The image cannot be halved as many times as there are convolutions.</exception>
    public static Autoencoder Create(AutoencoderOptions? options = null, Device? device = null)
    {
        options ??= new AutoencoderOptions();
        RequireHalves(options.Image, options.Channels.Count, nameof(options));
        Device where = device ?? CPU;
        return new Autoencoder(options.Name, options.Image, options.Channels, WeightSet.Create(LayoutOf(options.Image.Channels, options.Channels), options.Seed, where), where);
    }

    /// <summary>Opens weights: a PyTorch state dictionary, or what <see cref="SaveWeights"/> wrote.</summary>
    /// <param name="path">The file. Channels are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="image">The images, whose size the weights do not tell; 3×32×32 if null.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="ArgumentException">The image cannot be halved as many times as there are convolutions.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static Autoencoder Load(string path, ImageFormat? image = null, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary state = WeightFile.Open(path, container);
        return From(state, path, name ?? WeightFile.NameOf(path), image ?? ImageFormat.Rgb(32), device ?? CPU);
    }

    /// <summary>Writes the weights to a safetensors file under their published names.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        ThrowIfDisposed();
        SafeTensors.Save(path, Weights.All, new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name });
    }

    internal Tensor Features(Tensor images)
    {
        Tensor x = images;
        for (int i = 0; i < _layers; i++) x = Activation.Pass(x, Weights.Convolve(x, Layer("encoder", i), stride: 2, padding: 1).relu_(), images);
        return x;
    }

    internal Tensor Logits(Tensor features)
    {
        Tensor x = features;
        for (int i = 0; i < _layers; i++)
        {
            x = Activation.Pass(x, Weights.ConvolveTransposed(x, Layer("decoder", i), stride: 2, padding: 1), features);
            if (i < _layers - 1) x = x.relu_();
        }
        return x;
    }

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images) => Features(images).flatten(1);

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents) => Logits(latents.reshape([latents.size(0), .. Latent.Levels[0].Shape])).sigmoid();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Weights.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(Kind, new() { ["image"] = ModelFolder.ToJson(Image) }, Weights.All);

    internal static Autoencoder Open(ModelFolder folder) => From(folder.Weights, folder.FolderPath, folder.Name, folder.Image("image"), folder.Device);

    internal static Layout LayoutOf(long imageChannels, IReadOnlyList<long> channels)
    {
        Layout layout = new();
        long[] widths = [imageChannels, .. channels];
        for (int i = 0; i < channels.Count; i++) layout.Convolution(Layer("encoder", i), widths[i], widths[i + 1], 4);
        for (int i = 0; i < channels.Count; i++) layout.TransposedConvolution(Layer("decoder", i), widths[^(i + 1)], widths[^(i + 2)], 4);
        return layout;
    }

    private static Autoencoder From(StateDictionary state, string path, string name, ImageFormat image, Device device)
    {
        const string what = "a convolutional autoencoder";
        List<long> channels = [WeightFile.ShapeOf(state, "encoder.0.weight", 4, what, path)[0]];
        while (state.Contains(Layer("encoder", channels.Count) + ".weight")) channels.Add(WeightFile.ShapeOf(state, Layer("encoder", channels.Count) + ".weight", 4, what, path)[0]);
        RequireHalves(image, channels.Count, nameof(image));
        return new Autoencoder(name, image, channels, WeightSet.From(LayoutOf(image.Channels, channels), state, what, path, device), device);
    }

    private static void RequireHalves(ImageFormat image, int times, string parameter)
    {
        if (times < 32 && image.Height % (1L << times) == 0 && image.Width % (1L << times) == 0) return;
        throw new ArgumentException($"Image must have a height and width that can be halved {times} times, once a convolution, but it is {image}.", parameter);
    }

    // Activations lie between the layers of the published sequences.
    private static string Layer(string side, int index) => string.Create(CultureInfo.InvariantCulture, $"{side}.{2 * index}");
}
