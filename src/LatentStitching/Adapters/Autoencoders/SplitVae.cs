using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Split-VAE: its decoder makes two images and a mask that blends them.</summary>
/// <remarks>
/// <para>The original is a Keras model, whose files (HDF5) are not read; weights converted from it go under the names that <see cref="VariationalAutoencoder.SaveWeights"/> writes, in PyTorch's order of axes.</para>
/// <para>Its embeddings are spaces of their own, 512 wide in the published models: <c>model.At("embedding")</c>, from which the posterior is computed and which decodes through the posterior mean, and
/// <c>model.At("decoder-embedding")</c>, which the decoder begins with and which has a prior: N(0, I) seen through its layer.</para>
/// <para>Published objective: ½Σ(x − x̂)²/γ + 3·KL, for each image. How the original sets γ is not published; here it is the least mean squared error of a batch so far.</para>
/// <para>Source: Asperti, Bugo and Filippini, "Enhancing Variational Generation Through Self-Decomposition", IEEE Access 10 (2022), doi:10.1109/ACCESS.2022.3185654; sizes from Asperti and Tonelli, "Comparing the latent space of generative models" (arXiv:2207.06812).</para>
/// </remarks>
public sealed class SplitVae : VariationalAutoencoder
{
    internal const string Kind = "split-vae";
    private readonly SplitVaeNetwork _network;

    private SplitVae(string name, ImageFormat image, long dimension, SplitVaeNetwork network, Device device)
        : base(name, image, dimension, network, device) => _network = network;

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    public static SplitVae Create(SplitVaeOptions? options = null, Device? device = null)
    {
        options ??= new SplitVaeOptions();
        Device where = device ?? CPU;
        return new SplitVae(options.Name, options.Image, options.LatentDimension, SplitVaeNetwork.Create(options, where), where);
    }

    /// <summary>Opens weights that <see cref="VariationalAutoencoder.SaveWeights"/> wrote, or a PyTorch file with the same keys.</summary>
    /// <param name="path">The file. All sizes are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static SplitVae Load(string path, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary state = WeightFile.Open(path, container);
        Device where = device ?? CPU;
        (SplitVaeNetwork network, ImageFormat image, long dimension) = SplitVaeNetwork.From(state, path, where);
        return new SplitVae(name ?? WeightFile.NameOf(path), image, dimension, network, where);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> LevelNames => ["embedding", "decoder-embedding"];

    /// <summary>Decodes latents to what an image is blended from: x̂ = mask ⊙ first + (1 − mask) ⊙ second.</summary>
    /// <param name="latents">Latent batch [n, D], floating point. Not disposed.</param>
    /// <returns>The mask [n, 1, h, w] and both images [n, c, h, w], all in [0, 1], owned by the caller.</returns>
    /// <exception cref="ArgumentException">The batch has another width or dtype, is empty, or is not finite.</exception>
    public (Tensor Mask, Tensor First, Tensor Second) DecodeParts(Tensor latents)
    {
        ThrowIfDisposed();
        TensorGuard.Latents(latents, Latent.Dimension, Name);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        List<Tensor> masks = [], firsts = [], seconds = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(latents.size(0), BatchSize))
        {
            using var block = NewDisposeScope();
            (Tensor mask, Tensor first, Tensor second) = _network.Parts(_network.Decode(latents.narrow(0, start, size).to(Dtype, Device), training: null));
            masks.Add(mask.clone().MoveToOuterDisposeScope());
            firsts.Add(first.clone().MoveToOuterDisposeScope());
            seconds.Add(second.clone().MoveToOuterDisposeScope());
        }
        return (Whole(masks), Whole(firsts), Whole(seconds));

        static Tensor Whole(List<Tensor> parts) => cat(parts, 0).contiguous().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(Kind, [], Network.Weights.All);

    internal static SplitVae Open(ModelFolder folder)
    {
        (SplitVaeNetwork network, ImageFormat image, long dimension) = SplitVaeNetwork.From(folder.Weights, folder.FolderPath, folder.Device);
        return new SplitVae(folder.Name, image, dimension, network, folder.Device);
    }

    private protected override ILatentModel SeenAt(string level) => level == "embedding"
        ? base.SeenAt(level)
        : View(level, _network.FeatureShape, images => _network.Embed(EncodeCore(images)), embedding => _network.Pixels(_network.DecodeEmbedding(embedding, training: null)), _network.Embed);
}
