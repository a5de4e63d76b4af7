using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The vanilla convolutional VAE of Asperti and Tonelli: 64 latents of 64×64 pixels, 6,822,912 parameters in the encoder and 4,887,683 in the decoder.</summary>
/// <remarks>
/// <para>The original is a Keras model, whose files (HDF5) are not read; weights converted from it go under the names that <see cref="VariationalAutoencoder.SaveWeights"/> writes, in PyTorch's order of axes
/// and with flattened features in channel-major order.</para>
/// <para>Published objective: rec·H·W/(2γ²) + KL, where rec is the cross-entropy summed over pixels and averaged over channels, and γ² its least value so far. In the original a gradient flows
/// through γ², which cancels the reconstruction's wherever a step sets a new minimum; here none does.</para>
/// <para>Source: Asperti and Tonelli, "Comparing the latent space of generative models" (arXiv:2207.06812); Asperti and Trentin, "Balancing reconstruction error and Kullback-Leibler divergence in
/// Variational Autoencoders" (arXiv:2002.07514) for γ².</para>
/// </remarks>
public sealed class AspertiVae : VariationalAutoencoder
{
    internal const string Kind = "asperti-vae";

    private AspertiVae(string name, ImageFormat image, long dimension, AspertiVaeNetwork network, Device device)
        : base(name, image, dimension, network, device)
    {
    }

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    public static AspertiVae Create(AspertiVaeOptions? options = null, Device? device = null)
    {
        options ??= new AspertiVaeOptions();
        Device where = device ?? CPU;
        var network = AspertiVaeNetwork.Create(options.Image, options.LatentDimension, options.BaseChannels, options.Seed, where);
        return new AspertiVae(options.Name, options.Image, options.LatentDimension, network, where);
    }

    /// <summary>Opens weights that <see cref="VariationalAutoencoder.SaveWeights"/> wrote, or a PyTorch file with the same keys.</summary>
    /// <param name="path">The file. Channels and latent width are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="image">The images; if null they are square, of the size that fits the weights.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="ArgumentException">8 does not divide the height or width of <paramref name="image"/>.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static AspertiVae Load(string path, ImageFormat? image = null, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary state = WeightFile.Open(path, container);
        Device where = device ?? CPU;
        (AspertiVaeNetwork network, ImageFormat format, long dimension) = AspertiVaeNetwork.From(state, image, path, where);
        return new AspertiVae(name ?? WeightFile.NameOf(path), format, dimension, network, where);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(Kind, new() { ["image"] = ModelFolder.ToJson(Image) }, Network.Weights.All);

    internal static AspertiVae Open(ModelFolder folder)
    {
        (AspertiVaeNetwork network, ImageFormat image, long dimension) = AspertiVaeNetwork.From(folder.Weights, folder.Image("image"), folder.FolderPath, folder.Device);
        return new AspertiVae(folder.Name, image, dimension, network, folder.Device);
    }
}
