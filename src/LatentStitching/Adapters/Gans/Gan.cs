using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>A convolutional GAN in the layout of Asperti and Tonelli: latent 64, faces of 64×64 pixels, and other sizes of the same shape.</summary>
/// <remarks>
/// <para>The latent is z with the prior N(0, I). Encode needs an inversion: see <see cref="GanModel.Inversion"/>; the published one is a <see cref="Recoder"/>.</para>
/// <para>The weights are named dense, conv0 …, out. The published ones are Keras's, in the order height, width, channel: kernels of convolutions are transposed by (3, 2, 0, 1), dense layers
/// by (1, 0), and the rows of the dense layer go from (h, w, c) to (c, h, w).</para>
/// <para>Sources: Asperti and Tonelli, "Comparing the latent space of generative models" (arXiv:2207.06812); Goodfellow et al., "Generative adversarial nets" (arXiv:1406.2661).</para>
/// </remarks>
public sealed class Gan : GanModel
{
    private readonly GanNetwork _network;

    private Gan(GanOptions options, GanNetwork network, Device device)
        : base(options.Name, options.Image, LatentSpace.Vector(options.LatentDimension), device)
    {
        _network = network;
        Options = options;
    }

    internal const string Kind = "gan";

    internal GanOptions Options { get; }

    internal override WeightSet Weights => _network.Weights;

    /// <summary>Makes an untrained generator with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Train it with <see cref="GanTrainer"/>.</returns>
    /// <exception cref="ArgumentException">The image is not square, or its side does not halve as often as there are layers.</exception>
    public static Gan Create(GanOptions? options = null, Device? device = null)
    {
        options ??= new GanOptions();
        Device where = device ?? CPU;
        return new Gan(options, GanNetwork.Create(options, where), where);
    }

    /// <summary>Opens a generator's weights: a file that <see cref="SaveWeights"/> wrote, or a PyTorch state dictionary with the same keys.</summary>
    /// <param name="path">The file. All sizes are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static Gan Load(string path, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary state = WeightFile.Open(path, container);
        Device where = device ?? CPU;
        (GanNetwork network, GanOptions options) = GanNetwork.From(state, path, name ?? WeightFile.NameOf(path), where);
        return new Gan(options, network, where);
    }

    /// <summary>Writes the generator's weights to a safetensors file.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        ThrowIfDisposed();
        SafeTensors.Save(path, Weights.All, new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name });
    }

    internal static Gan Open(ModelFolder folder) => RecoderFolder.Open(folder, state =>
    {
        (GanNetwork network, GanOptions options) = GanNetwork.From(state, folder.FolderPath, folder.Name, folder.Device);
        return new Gan(options, network, folder.Device);
    });

    internal override Discriminator NewDiscriminator(ulong seed) => GanDiscriminator.Convolutional(Options, seed, Device);

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => RecoderFolder.Describe(Kind, [], this);

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents) => _network.Generate(latents);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _network.Dispose();
        base.Dispose(disposing);
    }
}
