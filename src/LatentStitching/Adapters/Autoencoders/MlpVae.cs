using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>A VAE with one hidden layer on either side, the MNIST model of PyTorch's examples: 784 → 400 → 20 → 400 → 784.</summary>
/// <remarks>
/// <para>Opens weights with the names of that example (fc1, fc21, fc22, fc3, fc4), such as those of csinva/gan-vae-pretrained-pytorch.</para>
/// <para>Published objective: Σ of the binary cross-entropy + KL, for each image.</para>
/// <para>Source: Kingma and Welling, "Auto-Encoding Variational Bayes" (arXiv:1312.6114), appendix C, with ReLU in place of tanh.</para>
/// </remarks>
public sealed class MlpVae : VariationalAutoencoder
{
    internal const string Kind = "mlp-vae";

    private MlpVae(string name, ImageFormat image, long dimension, MlpVaeNetwork network, Device device)
        : base(name, image, dimension, network, device)
    {
    }

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    public static MlpVae Create(MlpVaeOptions? options = null, Device? device = null)
    {
        options ??= new MlpVaeOptions();
        Device where = device ?? CPU;
        var weights = WeightSet.Create(MlpVaeNetwork.LayoutOf(options.Image, options.HiddenWidth, options.LatentDimension), options.Seed, where);
        return new MlpVae(options.Name, options.Image, options.LatentDimension, new MlpVaeNetwork(weights, options.Image), where);
    }

    /// <summary>Opens weights: a PyTorch state dictionary, or what <see cref="VariationalAutoencoder.SaveWeights"/> wrote.</summary>
    /// <param name="path">The file. Widths are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="image">The images; if null they are grey and square, of the size that fits the weights.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static MlpVae Load(string path, ImageFormat? image = null, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary state = WeightFile.Open(path, container);
        Device where = device ?? CPU;
        (MlpVaeNetwork network, ImageFormat format, long dimension) = MlpVaeNetwork.From(state, image, path, where);
        return new MlpVae(name ?? WeightFile.NameOf(path), format, dimension, network, where);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(Kind, new() { ["image"] = ModelFolder.ToJson(Image) }, Network.Weights.All);

    internal static MlpVae Open(ModelFolder folder)
    {
        (MlpVaeNetwork network, ImageFormat image, long dimension) = MlpVaeNetwork.From(folder.Weights, folder.Image("image"), folder.FolderPath, folder.Device);
        return new MlpVae(folder.Name, image, dimension, network, folder.Device);
    }
}
