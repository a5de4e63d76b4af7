using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>A convolutional variational autoencoder in the layout of Burgess et al.: images of 64×64 or 32×32 pixels, 1 or 3 channels.</summary>
/// <remarks>
/// <para>Encode gives the posterior mean, which is deterministic; the whole posterior comes from <see cref="VariationalAutoencoder.EncodePosterior"/>. The prior is N(0, I).</para>
/// <para>Opens the published PyTorch weights of YannDubs/disentangling-vae (VAE, β-VAE_H, β-VAE_B, β-TCVAE) and what <see cref="VariationalAutoencoder.SaveWeights"/> wrote.</para>
/// <para>Sources: Burgess et al., "Understanding disentangling in β-VAE" (arXiv:1804.03599), appendix A.1; Kingma and Welling, "Auto-Encoding Variational Bayes" (arXiv:1312.6114).</para>
/// </remarks>
public sealed class Vae : VariationalAutoencoder
{
    internal const string Kind = "burgess-vae";

    private Vae(string name, ImageFormat image, long dimension, BurgessNetwork network, Device device)
        : base(name, image, dimension, network, device)
    {
    }

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Train it with <see cref="VaeTrainer"/>, or use it as the random-encoder control.</returns>
    public static Vae Create(VaeOptions? options = null, Device? device = null)
    {
        options ??= new VaeOptions();
        Device where = device ?? CPU;
        return new Vae(options.Name, options.Image, options.LatentDimension, BurgessNetwork.Create(options.Image, options.LatentDimension, options.Seed, where), where);
    }

    /// <summary>Opens weights: a PyTorch state dictionary of the published code, or a safetensors file with the same keys.</summary>
    /// <param name="path">The file. Image size, channels and latent width are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static Vae Load(string path, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary state = WeightFile.Open(path, container);
        Device where = device ?? CPU;
        (BurgessNetwork network, ImageFormat image, long dimension) = BurgessNetwork.From(state, path, where);
        return new Vae(name ?? WeightFile.NameOf(path), image, dimension, network, where);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(Kind, [], Network.Weights.All);

    internal static Vae Open(ModelFolder folder)
    {
        (BurgessNetwork network, ImageFormat image, long dimension) = BurgessNetwork.From(folder.Weights, folder.FolderPath, folder.Device);
        return new Vae(folder.Name, image, dimension, network, folder.Device);
    }
}
