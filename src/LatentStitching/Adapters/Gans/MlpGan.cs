using System.Text.Json.Nodes;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>A GAN of three dense layers: z → hidden → hidden → pixels, ReLU between and tanh last, whose [-1, 1] becomes [0, 1].</summary>
/// <remarks>
/// <para>The latent is z with the prior N(0, I). Encode needs an inversion: see <see cref="GanModel.Inversion"/>.</para>
/// <para>Opens the published MNIST weights of csinva/gan-vae-pretrained-pytorch (64 → 256 → 256 → 784), whose layers are named by their place: 0, 2 and 4.</para>
/// <para>Source: Goodfellow et al., "Generative adversarial nets" (arXiv:1406.2661), whose MNIST generator is of this kind.</para>
/// </remarks>
public sealed class MlpGan : GanModel
{
    private MlpGan(string name, ImageFormat image, long dimension, WeightSet weights, Device device)
        : base(name, image, LatentSpace.Vector(dimension), device) => Weights = weights;

    internal const string Kind = "mlp-gan";

    internal override WeightSet Weights { get; }

    /// <summary>Makes an untrained generator with seeded weights, uniform in ±1/√fan-in.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Train it with <see cref="GanTrainer"/>.</returns>
    public static MlpGan Create(MlpGanOptions? options = null, Device? device = null)
    {
        options ??= new MlpGanOptions();
        Device where = device ?? CPU;
        Layout layout = LayoutOf(options.LatentDimension, options.HiddenWidth, options.HiddenWidth, options.Image.PixelCount);
        return new MlpGan(options.Name, options.Image, options.LatentDimension, WeightSet.Create(layout, options.Seed, where), where);
    }

    /// <summary>Opens a generator's weights: a PyTorch state dictionary of the published code, or a safetensors file with the same keys.</summary>
    /// <param name="path">The file. The widths are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="image">The images, which the weights do not tell; square grey ones if null.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    /// <exception cref="ArgumentException">The generator makes another number of pixels than the format has, or no square of them and no format is given.</exception>
    public static MlpGan Load(string path, ImageFormat? image = null, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary state = WeightFile.Open(path, container);
        return From(state, path, image, name ?? WeightFile.NameOf(path), device ?? CPU);
    }

    /// <summary>Writes the generator's weights to a safetensors file under their published names.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        ThrowIfDisposed();
        SafeTensors.Save(path, Weights.All, new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name });
    }

    internal static MlpGan Open(ModelFolder folder) => RecoderFolder.Open(folder, state => From(state, folder.FolderPath, folder.Image("image"), folder.Name, folder.Device));

    internal override Discriminator NewDiscriminator(ulong seed) => GanDiscriminator.Dense(Image, Weights["2.weight"].size(0), Weights["0.weight"].size(0), seed, Device);

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => RecoderFolder.Describe(Kind, new JsonObject { ["image"] = ModelFolder.ToJson(Image) }, this);

    private static MlpGan From(StateDictionary state, string path, ImageFormat? image, string name, Device device)
    {
        string[] keys = ["0.weight", "2.weight", "4.weight"];
        if (!keys.All(key => state.Contains(key) && state[key].dim() == 2 && state[key].numel() > 0))
        {
            throw new InvalidDataException($"{path} must hold a generator of three dense layers, the matrices {string.Join(", ", keys)}, but it holds {string.Join(", ", state.Names.Take(8).Select(PickleText.Safe))}.");
        }
        long dimension = state["0.weight"].size(1), pixels = state["4.weight"].size(0);
        long side = (long)Math.Round(Math.Sqrt(pixels));
        if (image is null && side * side != pixels)
        {
            throw new ArgumentException($"image must be given where the pixels make no square grey image, but it is null and {path} makes {pixels} of them.", nameof(image));
        }
        image ??= ImageFormat.Grey(side);
        if (image.PixelCount != pixels) throw new ArgumentException($"image must have the {pixels} numbers that {path} makes, but {image} has {image.PixelCount}.", nameof(image));
        Layout layout = LayoutOf(dimension, state["0.weight"].size(0), state["2.weight"].size(0), pixels);
        var weights = WeightSet.From(layout, state, "a generator of three dense layers", path, device);
        return new MlpGan(name, image, dimension, weights, device);
    }

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents)
    {
        Tensor x = Weights.Linear(latents, "0").relu_();
        x = Weights.Linear(x, "2").relu_();
        x = Weights.Linear(x, "4").tanh_();
        using Scalar half = 0.5;
        return x.Plus(1).mul_(half).reshape(latents.size(0), Image.Channels, Image.Height, Image.Width);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Weights.Dispose();
        base.Dispose(disposing);
    }

    private static Layout LayoutOf(long dimension, long first, long second, long pixels) =>
        new Layout().Linear("0", dimension, first).Linear("2", first, second).Linear("4", second, pixels);
}
