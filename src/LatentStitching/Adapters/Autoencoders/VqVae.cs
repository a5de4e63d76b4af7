using System.Text.Json.Nodes;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>A VQ-VAE in the layout of CompVis's VQGAN, which is diffusers' VQModel. Its latent is the map of vectors before quantisation.</summary>
/// <remarks>
/// <para>Encode gives continuous vectors [e, h, w]; decode snaps each to the nearest of the codebook first. <see cref="WithoutQuantising"/> decodes them as they are. How far a mapped latent is moved by snapping is told by
/// <see cref="SnappingDistance"/>. Gradients pass through snapping unchanged. Spaces of their own: <c>model.At("pre-quantisation")</c> and <c>model.At("post-quantisation")</c>.</para>
/// <para>Each halving rounds down, so the decoder makes ⌊side/2^(L−1)⌋·2^(L−1) pixels of L resolutions, 148 for 150, which are then resized by bilinear interpolation; nothing is resized where 2^(L−1) divides the side.</para>
/// <para>The network works on pixels in [−1, 1]; images here are in [0, 1] as everywhere, and are converted. It has no prior: the codes' distribution was never modelled.</para>
/// <para>Sources: van den Oord, Vinyals and Kavukcuoglu, "Neural Discrete Representation Learning" (arXiv:1711.00937); Esser, Rombach and Ommer, "Taming Transformers for High-Resolution Image Synthesis" (arXiv:2012.09841).</para>
/// </remarks>
public sealed class VqVae : LatentModel, IVectorQuantizer, IModelLevels
{
    internal const string Kind = "vq-vae";
    private const string UntrainedKey = "untrained";
    private const string After = "post-quantisation";
    private readonly VqVaeShape _shape;

    private VqVae(string name, ImageFormat image, VqVaeShape shape, VqVaeNetwork network, Device device)
        : base(name, image, LatentSpace.Of(("pre-quantisation", shape.LatentOf(image, nameof(image)))), device)
    {
        _shape = shape;
        Network = network;
    }

    /// <summary>Number of trainable numbers, the codebook's included.</summary>
    public long ParameterCount => Network.Weights.ParameterCount;

    /// <inheritdoc/>
    public long CodebookSize => _shape.CodebookSize;

    /// <inheritdoc/>
    public IReadOnlyList<string> LevelNames => [After];

    /// <summary>Whether the codebook is still the random one that no encoder has seen.</summary>
    internal bool Untrained { get; set; }

    internal VqVaeNetwork Network { get; }

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Train it with <see cref="VqVaeTrainer"/>.</returns>
    /// <exception cref="ArgumentException">The options do not fit together.</exception>
    public static VqVae Create(VqVaeOptions? options = null, Device? device = null)
    {
        options ??= new VqVaeOptions();
        var shape = VqVaeShape.Of(options);
        shape.LatentOf(options.Image, nameof(options));
        Device where = device ?? CPU;
        return new VqVae(options.Name, options.Image, shape, VqVaeNetwork.Create(shape, options.Seed, where), where) { Untrained = true };
    }

    /// <summary>Opens published weights: a file of CompVis or diffusers, or a diffusers folder.</summary>
    /// <param name="path">
    /// A PyTorch or safetensors file, whole CompVis checkpoints included, or a folder that diffusers wrote. All sizes but the image's are read off the weights'
    /// shapes, and the groups of normalisations off config.json (32 without one). Nothing in it is executed.
    /// </param>
    /// <param name="image">The images, whose size the weights do not tell; if null, that of the folder's config.json.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights: "state_dict" for a CompVis checkpoint; null for plain weights.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">No image size is given for a file, or it is too small; or the container is not in the file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static VqVae Load(string path, ImageFormat? image = null, string? name = null, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        HuggingFaceFolder? folder = Directory.Exists(path) ? HuggingFaceFolder.Open(path) : null;
        VqVaeConfig config = folder is null ? new VqVaeConfig(null, 32) : VqVaeConfig.Read(folder);
        image ??= config.Image ?? throw new ArgumentException("image must be given where no config.json tells it: ImageFormat.Rgb(256) for a model trained at 256×256.", nameof(image));
        using StateDictionary file = folder?.LoadWeights() ?? WeightFile.Open(path, container);
        using StateDictionary state = InOwnNames(file, path);
        return From(state, path, name ?? WeightFile.NameOf(path), image, config.Groups, device ?? CPU);
    }

    /// <summary>Writes the weights to a safetensors file under CompVis's names.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        ThrowIfDisposed();
        SafeTensors.Save(path, Network.Weights.All, new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name });
    }

    /// <summary>Sees the model without its codebook: the same encoder, and a decoder that takes vectors as they are.</summary>
    /// <returns>A model over the same weights. Disposing it does nothing: the weights belong to the whole model.</returns>
    public ILatentModel WithoutQuantising() => View("without-quantising", images => Network.Encode(Signed(images)).flatten(1), latents => Pixels(Network.Decode(Vectors(latents))));

    /// <inheritdoc/>
    ILatentModel IModelLevels.At(string level)
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(level);
        if (level != After) throw new ArgumentException($"level must be one of {After}, but it is '{level}'.", nameof(level));
        return View(After, images => Snapped(Network.Encode(Signed(images))).flatten(1), latents => Pixels(Network.Decode(Vectors(latents))));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has another width or dtype, is empty, or is not finite.</exception>
    public Tensor Indices(Tensor latents) => InBlocks(latents, vectors => VectorQuantiser.Nearest(VectorQuantiser.Vectors(vectors), Network.Codebook).reshape(vectors.size(0), vectors.size(2), vectors.size(3)));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has another width or dtype, is empty, or is not finite.</exception>
    public Tensor Quantise(Tensor latents) => InBlocks(latents, vectors => Snapped(vectors).flatten(1));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has another width or dtype, is empty, or is not finite.</exception>
    public Tensor SnappingDistance(Tensor latents) => InBlocks(latents, vectors => (vectors - Snapped(vectors)).square().sum([1]).sqrt().flatten(1).mean([1]));

    internal static Tensor Signed(Tensor images) => images.Times(2).Minus(1);

    internal static VqVae Open(ModelFolder folder)
    {
        // Read before there are weights to lose.
        bool untrained = folder.Configuration.ContainsKey(UntrainedKey) && folder.Option<bool>(UntrainedKey);
        VqVae model = From(folder.Weights, folder.FolderPath, folder.Name, folder.Image("image"), folder.Option<long>("groups"), folder.Device);
        model.Untrained = untrained;
        return model;
    }

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images) => Network.Encode(Signed(images)).flatten(1);

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents) => Pixels(Network.Decode(Snapped(Vectors(latents))));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Network.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe()
    {
        JsonObject configuration = new() { ["image"] = ModelFolder.ToJson(Image), ["groups"] = _shape.Groups };
        // Told only where it is so, so that a trained model is described as before.
        if (Untrained) configuration[UntrainedKey] = true;
        return new ModelDescription(Kind, configuration, Network.Weights.All);
    }

    private static VqVae From(StateDictionary state, string path, string name, ImageFormat image, long groups, Device device)
    {
        var shape = VqVaeShape.Of(state, path, groups);
        if (shape.ImageChannels != image.Channels) throw new ArgumentException($"image must have the {shape.ImageChannels} channels of the weights, but it is {image}.", nameof(image));
        // Before weights are copied: it throws where an image is too small, or has more numbers than can be counted.
        _ = LatentSpace.Of(("pre-quantisation", shape.LatentOf(image, nameof(image))));
        return new VqVae(name, image, shape, VqVaeNetwork.From(state, shape, path, device), device);
    }

    private static StateDictionary InOwnNames(StateDictionary file, string path)
    {
        int levels = file.Names.Where(name => name.StartsWith("decoder.up_blocks.", StringComparison.Ordinal)).Select(name => name.Split('.')[2]).Distinct(StringComparer.Ordinal).Count();
        if (levels > VqVaeShape.MostLevels) throw new InvalidDataException($"{path} must hold a VQ-VAE of at most {VqVaeShape.MostLevels} levels, but it names {levels}.");
        return (levels > 0 ? VqVaeKeys.Diffusers(levels) : VqVaeKeys.CompVis).Apply(file);
    }

    /// <summary>The decoder's map in the size of the images: where a halving dropped a row or a column, it is a few pixels short.</summary>
    internal Tensor Sized(Tensor decoded) => decoded.size(2) == Image.Height && decoded.size(3) == Image.Width
        ? decoded
        : nn.functional.interpolate(decoded, size: [Image.Height, Image.Width], mode: InterpolationMode.Bilinear, align_corners: false);

    private Tensor Pixels(Tensor signed) => Sized(signed).Plus(1).Over(2);

    private Tensor Vectors(Tensor latents) => latents.reshape([latents.size(0), .. Latent.Levels[0].Shape]);

    // The straight-through estimator of van den Oord et al., section 3.2: z − z is exactly zero, so the value is the code to the last bit.
    private Tensor Snapped(Tensor vectors)
    {
        Tensor snapped = VectorQuantiser.Map(VectorQuantiser.Nearest(VectorQuantiser.Vectors(vectors), Network.Codebook), Network.Codebook, vectors).detach();
        return vectors.requires_grad ? snapped + (vectors - vectors.detach()) : snapped;
    }

    private DelegateLatentModel View(string level, Func<Tensor, Tensor> encode, Func<Tensor, Tensor> decode)
    {
        ThrowIfDisposed();
        return new DelegateLatentModel(
            $"{Name}/{level}",
            Image,
            LatentSpace.Of((level, Latent.Levels[0].Shape)),
            images => Live(encode)(images),
            latents => Live(decode)(latents),
            sample: null,
            Device)
        {
            BatchSize = BatchSize,
            Viewed = this,
        };
    }

    private Func<Tensor, Tensor> Live(Func<Tensor, Tensor> function)
    {
        ThrowIfDisposed();
        return function;
    }

    private Tensor InBlocks(Tensor latents, Func<Tensor, Tensor> function)
    {
        ThrowIfDisposed();
        TensorGuard.Latents(latents, Latent.Dimension, Name);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        List<Tensor> blocks = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(latents.size(0), BatchSize))
        {
            using var block = NewDisposeScope();
            blocks.Add(function(Vectors(latents.narrow(0, start, size).to(Dtype, Device))).MoveToOuterDisposeScope());
        }
        return cat(blocks, 0).MoveToOuterDisposeScope();
    }
}
