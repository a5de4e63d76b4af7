using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>A convolutional VAE with batch normalisation in the layout of PyTorch-VAE's VanillaVAE, as trained on CelebA at 150×150: 128 latents, 4,847,616 + 3,229,539 parameters.</summary>
/// <remarks>
/// <para>Opens PyTorch state dictionaries with the names of that code (encoder.0.0.weight to final_layer.3.bias). A whole pickled module is refused: it would run code.</para>
/// <para>The decoder makes 32·⌈side/32⌉ pixels, 160 for 150, which are then resized with an anti-aliased bilinear kernel.</para>
/// <para>Published objective: mean squared error + 0.00025·KL, both means over elements, with the log-variance clamped to ±10.</para>
/// <para>Sources: <see href="https://github.com/AntixK/PyTorch-VAE">AntixK/PyTorch-VAE</see>, models/vanilla_vae.py; Badrinath's thesis (Harvard, 2024), whose sigmoid, resizing and clamp are added; Kingma and Welling (arXiv:1312.6114).</para>
/// </remarks>
public sealed class VanillaVae : VariationalAutoencoder
{
    // A count of batches that batch normalisation keeps and never uses.
    private static readonly KeyMap _stateDictionary = new("a PyTorch state dictionary", KeyRule.Drop(@".*\.num_batches_tracked"));

    internal const string Kind = "vanilla-vae";

    private VanillaVae(string name, ImageFormat image, long dimension, VanillaVaeNetwork network, Device device)
        : base(name, image, dimension, network, device)
    {
    }

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    public static VanillaVae Create(VanillaVaeOptions? options = null, Device? device = null)
    {
        options ??= new VanillaVaeOptions();
        Device where = device ?? CPU;
        return new VanillaVae(options.Name, options.Image, options.LatentDimension, VanillaVaeNetwork.Create(options, where), where);
    }

    /// <summary>Opens weights: a PyTorch state dictionary, or what <see cref="VariationalAutoencoder.SaveWeights"/> wrote.</summary>
    /// <param name="path">The file. Channels and latent width are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="image">The images, whose size the weights do not tell; 3×150×150 if null.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static VanillaVae Load(string path, ImageFormat? image = null, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary file = WeightFile.Open(path, container), state = _stateDictionary.Apply(file);
        Device where = device ?? CPU;
        image ??= ImageFormat.Rgb(150);
        (VanillaVaeNetwork network, long dimension) = VanillaVaeNetwork.From(state, image, path, where);
        return new VanillaVae(name ?? WeightFile.NameOf(path), image, dimension, network, where);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(Kind, new() { ["image"] = ModelFolder.ToJson(Image) }, Network.Weights.All);

    internal static VanillaVae Open(ModelFolder folder)
    {
        ImageFormat image = folder.Image("image");
        (VanillaVaeNetwork network, long dimension) = VanillaVaeNetwork.From(folder.Weights, image, folder.FolderPath, folder.Device);
        return new VanillaVae(folder.Name, image, dimension, network, folder.Device);
    }
}
