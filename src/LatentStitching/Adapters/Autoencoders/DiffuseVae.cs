using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The residual VAE that is DiffuseVAE's first stage: 512 latents in the published configurations for CelebA at 64×64 and CIFAR-10 at 32×32.</summary>
/// <remarks>
/// <para>Opens the published PyTorch weights. Pixels are [0, 1] on both sides; the second stage, a diffusion model that refines the decoder's images, is not part of it.</para>
/// <para>Published objective: Σ(x − x̂)² + KL, for each image.</para>
/// <para>Source: Pandey, Mukherjee, Rai and Kumar, "DiffuseVAE: Efficient, Controllable and High-Fidelity Generation from Low-Dimensional Latents" (arXiv:2201.00308).</para>
/// </remarks>
public sealed class DiffuseVae : VariationalAutoencoder
{
    internal const string Kind = "diffuse-vae";
    private readonly DiffuseVaeOptions _options;

    private DiffuseVae(DiffuseVaeOptions options, DiffuseVaeNetwork network, Device device)
        : base(options.Name, options.Image, network.Dimension, network, device) => _options = options;

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The strings of the options do not describe a network; the text says where.</exception>
    public static DiffuseVae Create(DiffuseVaeOptions? options = null, Device? device = null)
    {
        options ??= new DiffuseVaeOptions();
        Device where = device ?? CPU;
        return new DiffuseVae(options, DiffuseVaeNetwork.Create(options, where), where);
    }

    /// <summary>Opens weights: a PyTorch file of the published code, or what <see cref="VariationalAutoencoder.SaveWeights"/> wrote.</summary>
    /// <param name="path">The file. Nothing in it is executed.</param>
    /// <param name="options">The network that the weights are of; pooling and upsampling leave no trace in them. The defaults if null.</param>
    /// <param name="name">The name in reports; that of the options if null.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights: "state_dict" for a checkpoint of the published code; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The strings of the options do not describe a network, or the container is not in the file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static DiffuseVae Load(string path, DiffuseVaeOptions? options = null, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        options ??= new DiffuseVaeOptions();
        if (name is not null) options = options with { Name = name };
        using StateDictionary state = WeightFile.Open(path, container);
        Device where = device ?? CPU;
        return new DiffuseVae(options, DiffuseVaeNetwork.From(options, state, path, where), where);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(Kind, new()
    {
        ["size"] = _options.Size,
        ["encoderBlocks"] = _options.EncoderBlocks,
        ["encoderChannels"] = _options.EncoderChannels,
        ["decoderBlocks"] = _options.DecoderBlocks,
        ["decoderChannels"] = _options.DecoderChannels,
    }, Network.Weights.All);

    internal static DiffuseVae Open(ModelFolder folder)
    {
        DiffuseVaeOptions options = new()
        {
            Name = folder.Name,
            Size = folder.Option<long>("size"),
            EncoderBlocks = folder.Option<string>("encoderBlocks"),
            EncoderChannels = folder.Option<string>("encoderChannels"),
            DecoderBlocks = folder.Option<string>("decoderBlocks"),
            DecoderChannels = folder.Option<string>("decoderChannels"),
        };
        return new DiffuseVae(options, DiffuseVaeNetwork.From(options, folder.Weights, folder.FolderPath, folder.Device), folder.Device);
    }
}
