using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>The generator of StyleGAN2 with skip connections, with or without classes, over its latents z, w or one w a layer.</summary>
/// <remarks>
/// <para>What its latent is, and how w is truncated and noise added, is a <see cref="StyleGan2Decoding"/>; <see cref="With"/> gives the same weights in another use.
/// Decode of what <see cref="Map"/> makes of z is Decode of z itself. Encode needs an inversion: see <see cref="GanModel.Inversion"/>.</para>
/// <para>The weights are named as in NVlabs/stylegan2-ada-pytorch, whose state dictionaries open as they are ("G_ema", saved by torch.save(G.state_dict()): the published pickles hold program
/// code and are not opened); Diffusion-GAN's are the same. For rosinality/stylegan2-pytorch see <see cref="RosinalityKeys"/>.</para>
/// <para>Sources: Karras et al., "Analyzing and improving the image quality of StyleGAN" (arXiv:1912.04958); Karras et al., "Training generative adversarial networks with limited data"
/// (arXiv:2006.06676), whose class conditioning and code names these are.</para>
/// </remarks>
public sealed class StyleGan2 : GanModel, IModelLevels, ILatentCentre
{
    internal const string Kind = "stylegan2";
    private const string MeanKey = "mapping.w_avg";
    private const double MeanMemory = 0.995;
    private const long MeanDraws = 4096;
    private static readonly (string Name, StyleGan2Latent Latent)[] _names = [("z", StyleGan2Latent.Z), ("w", StyleGan2Latent.W), ("w+", StyleGan2Latent.WPlus)];
    private readonly StyleGan2Network _network;
    private readonly StyleGan2? _owner;

    private StyleGan2(string name, StyleGan2Network network, StyleGan2Decoding decoding, Device device, StyleGan2? owner = null)
        : base(name, network.Sizes.Image, SpaceOf(network.Sizes, decoding.Latent), device)
    {
        _network = network;
        _owner = owner;
        Decoding = decoding;
    }

    /// <summary>Renames the weights of rosinality/stylegan2-pytorch ("g_ema"). It keeps no mean of w: the model then takes that of 4,096 draws, as that code does.</summary>
    public static KeyMap RosinalityKeys => StyleGan2Keys.Rosinality;

    /// <summary>How the model is used.</summary>
    public StyleGan2Decoding Decoding { get; }

    /// <summary>Number of w that the synthesis network takes: 8 for 32×32 pixels, 10 for 64, 14 for 256, 18 for 1024.</summary>
    public int StyleCount => _network.Sizes.StyleCount;

    /// <summary>Width of z.</summary>
    public long LatentDimension => _network.Sizes.Latent;

    /// <summary>Width of w.</summary>
    public long StyleDimension => _network.Sizes.Style;

    /// <inheritdoc/>
    /// <remarks>Those of "z", "w" and "w+" that are not the model's own; "w" only where all layers are truncated alike.</remarks>
    public IReadOnlyList<string> LevelNames => [.. _names.Where(pair => pair.Latent != Decoding.Latent && (pair.Latent != StyleGan2Latent.W || AllLayersAlike)).Select(pair => pair.Name)];

    internal StyleGan2Network Network => _network;

    internal override bool OnlyDirectionMatters => Decoding.Latent == StyleGan2Latent.Z;

    private protected override string Use => StyleGan2Folder.Describe(Decoding).ToJsonString();

    private bool AllLayersAlike => Decoding.TruncatedLayers is not { } layers || layers == StyleCount;

    internal override WeightSet Weights => _network.Weights;

    /// <summary>Makes an untrained generator with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Train it with <see cref="GanTrainer"/>.</returns>
    /// <exception cref="ArgumentException">The decoding does not fit: a label, or layers to truncate that there are not.</exception>
    public static StyleGan2 Create(StyleGan2Options? options = null, Device? device = null)
    {
        options ??= new StyleGan2Options();
        Device where = device ?? CPU;
        var sizes = StyleGan2Sizes.Of(options);
        RequireFit(options.Decoding, sizes, nameof(options));
        return new StyleGan2(options.Name, new StyleGan2Network(sizes, WeightSet.Create(sizes.Layout(), options.Seed, where)), options.Decoding, where);
    }

    /// <summary>Opens a generator's weights.</summary>
    /// <param name="path">A PyTorch state dictionary, or a safetensors file. All sizes are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="decoding">How the model is used; the defaults if null.</param>
    /// <param name="keys">How the file's names become those of NVlabs/stylegan2-ada-pytorch; null where they are those.</param>
    /// <param name="container">The dictionary in the file that holds the weights, for example "g_ema"; null where the file holds nothing else.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Filters that the file leaves out are [1, 3, 3, 1].</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    /// <exception cref="ArgumentException">The decoding does not fit: a label, or layers to truncate that there are not.</exception>
    public static StyleGan2 Load(string path, StyleGan2Decoding? decoding = null, KeyMap? keys = null, string? container = null, string? name = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary file = WeightFile.Open(path, container);
        using StateDictionary? renamed = keys?.Apply(file);
        return From(renamed ?? file, path, decoding ?? new StyleGan2Decoding(), name ?? WeightFile.NameOf(path), device ?? CPU);
    }

    /// <summary>The same generator in another use: another latent, noise or truncation.</summary>
    /// <param name="decoding">The use.</param>
    /// <returns>A model over the same weights, which stay this model's: it works until this model is disposed. It has no inversion yet, for that belongs to a latent.</returns>
    /// <exception cref="ArgumentException">The decoding does not fit: a label, or layers to truncate that there are not.</exception>
    public StyleGan2 With(StyleGan2Decoding decoding)
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(decoding);
        RequireFit(decoding, _network.Sizes, nameof(decoding));
        return new StyleGan2(Name, _network, decoding, Device, _owner ?? this) { BatchSize = BatchSize };
    }

    /// <inheritdoc/>
    /// <remarks>Where this model has an inversion and the space lies behind its latent (w behind z, w+ behind both), the view encodes by it.</remarks>
    ILatentModel IModelLevels.At(string level)
    {
        ArgumentNullException.ThrowIfNull(level);
        if (!LevelNames.Contains(level, StringComparer.Ordinal)) throw new ArgumentException($"level must be one of {string.Join(", ", LevelNames)} of {Name}, but it is '{level}'.", nameof(level));
        StyleGan2Latent latent = _names.Single(pair => pair.Name == level).Latent;
        ThrowIfOwnerDisposed();
        StyleGan2 view = new($"{Name}/{level}", _network, Decoding with { Latent = latent }, Device, _owner ?? this) { BatchSize = BatchSize };
        if (Inversion is not null && latent > Decoding.Latent) view.Inversion = new StyleGan2Lift(this);
        return view;
    }

    // Truncation leaves the mean where it is.
    Tensor ILatentCentre.Centre()
    {
        ThrowIfOwnerDisposed();
        using var scope = NewDisposeScope();
        Tensor mean = Weights[MeanKey].detach().unsqueeze(0);
        Tensor centre = Decoding.Latent switch
        {
            StyleGan2Latent.Z => zeros([1, LatentDimension], Dtype, Device),
            StyleGan2Latent.W => mean.clone(),
            _ => mean.repeat(1, StyleCount),
        };
        return centre.MoveToOuterDisposeScope();
    }

    /// <summary>Maps z to this model's latent, truncated as its decoding says.</summary>
    /// <param name="z">Rows [n, <see cref="LatentDimension"/>], floating point. Not disposed.</param>
    /// <returns>Latent batch [n, D], owned by the caller: w or w+; z itself, copied, where that is the latent.</returns>
    /// <exception cref="ArgumentException">The rows have another width or dtype, are none, or are not finite.</exception>
    public Tensor Map(Tensor z)
    {
        ThrowIfOwnerDisposed();
        TensorGuard.Latents(z, LatentDimension, Name);
        using var scope = NewDisposeScope();
        using var grad = set_grad_enabled(is_grad_enabled() && z.requires_grad);
        return MapCore(z.to(Dtype, Device)).clone().MoveToOuterDisposeScope();
    }

    /// <summary>Writes the generator's weights to a safetensors file under their published names.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        ThrowIfOwnerDisposed();
        SafeTensors.Save(path, Weights.All, new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name });
    }

    internal static StyleGan2 Open(ModelFolder folder) => RecoderFolder.Open(folder, state => From(state, folder.FolderPath, StyleGan2Folder.Decoding(folder), folder.Name, folder.Device));

    internal override Discriminator NewDiscriminator(ulong seed) => StyleGan2Discriminator.Create(_network.Sizes, seed, Device);

    /// <inheritdoc/>
    protected internal override ModelDescription Describe()
    {
        ThrowIfOwnerDisposed();
        return RecoderFolder.Describe(Kind, StyleGan2Folder.Describe(Decoding), this);
    }

    /// <summary>Latents of this model in the terms of another use of it, whose space lies behind.</summary>
    internal Tensor Lift(Tensor latents, StyleGan2 to) => Decoding.Latent == StyleGan2Latent.Z ? to.MapCore(latents) : _network.Broadcast(latents, 1, null).flatten(1);

    /// <inheritdoc/>
    internal override Tensor Draw(long count, Generator generator, bool learning)
    {
        Tensor w = _network.Map(randn([count, LatentDimension], Dtype, Device, generator: generator), null);
        if (learning) using (no_grad()) Weights[MeanKey].copy_(w.detach().mean([0]).lerp(Weights[MeanKey], MeanMemory));
        Tensor styles = _network.Broadcast(w, 1, null);
        return _network.Synthesise(styles, (layer, shape) => randn(shape, Dtype, Device, generator: generator) * Weights[layer + ".noise_strength"], null).add(1).mul(0.5);
    }

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents)
    {
        ThrowIfOwnerDisposed();
        StyleGan2Sizes sizes = _network.Sizes;
        Tensor styles = Decoding.Latent switch
        {
            StyleGan2Latent.Z => _network.Broadcast(_network.Map(latents, OneHot(latents.size(0))), Decoding.Truncation, Decoding.TruncatedLayers),
            StyleGan2Latent.W => _network.Broadcast(latents, 1, null),
            _ => latents.reshape(-1, sizes.StyleCount, sizes.Style),
        };
        Tensor images = _network.Synthesise(styles, (layer, _) => Decoding.Noise == SynthesisNoise.Constant ? _network.ConstantNoise(layer) : null, Decoding.ActivationLimit);
        return images.add(1).mul(0.5);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_owner is null) _network.Dispose();
        base.Dispose(disposing);
    }

    internal override Tensor SampleCore(long count, Generator generator)
    {
        ThrowIfOwnerDisposed();
        return MapCore(randn([count, LatentDimension], Dtype, Device, generator: generator)).contiguous();
    }

    private static StyleGan2 From(StateDictionary state, string path, StyleGan2Decoding decoding, string name, Device device)
    {
        var sizes = StyleGan2Sizes.Of(state, path);
        RequireFit(decoding, sizes, nameof(decoding));
        using var scope = NewDisposeScope();
        using StateDictionary whole = WithConstants(state, sizes);
        StyleGan2Network network = new(sizes, WeightSet.From(sizes.Layout(), whole, "a StyleGAN2 generator", path, device));
        if (!state.Contains(MeanKey)) MeasureMean(network, decoding.Label, device);
        return new StyleGan2(name, network, decoding, device);
    }

    private static LatentSpace SpaceOf(StyleGan2Sizes sizes, StyleGan2Latent latent) => latent switch
    {
        StyleGan2Latent.Z => LatentSpace.Vector(sizes.Latent),
        StyleGan2Latent.W => LatentSpace.Of(("w", [sizes.Style])),
        _ => LatentSpace.Of([.. Enumerable.Range(0, sizes.StyleCount).Select(layer => ($"w{layer}", (IReadOnlyList<long>)[sizes.Style]))]),
    };

    private static void RequireFit(StyleGan2Decoding decoding, StyleGan2Sizes sizes, string name)
    {
        if (decoding.Label is null != (sizes.Labels == 0) || decoding.Label >= sizes.Labels)
        {
            string rule = sizes.Labels == 0 ? "leave Label null, for the network has no classes" : $"give a Label from 0 to {sizes.Labels - 1}, one of the network's classes";
            throw new ArgumentException($"{name} must {rule}, but it is {decoding.Label?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null"}.", name);
        }
        if (decoding.TruncatedLayers is not { } layers) return;
        if (layers > sizes.StyleCount) throw new ArgumentException($"{name} must truncate at most the {sizes.StyleCount} layers there are, but TruncatedLayers is {layers}.", name);
        if (decoding.Latent == StyleGan2Latent.W && layers < sizes.StyleCount)
        {
            throw new ArgumentException($"{name} must truncate all layers where the latent is W, which every layer gets, but TruncatedLayers is {layers}. Take WPlus or Z, or leave it null.", name);
        }
    }

    // What the architecture fixes may be left out of a file.
    private static StateDictionary WithConstants(StateDictionary state, StyleGan2Sizes sizes)
    {
        List<(string Name, Tensor Tensor)> all = [.. state.Names.Select(key => (key, state[key]))];
        foreach (WeightSpec spec in sizes.Layout().Weights.Where(spec => !state.Contains(spec.Name)))
        {
            if (spec.Name.EndsWith(".resample_filter", StringComparison.Ordinal)) all.Add((spec.Name, FirFilter.Binomial(CPU)));
            else if (spec.Name == MeanKey) all.Add((spec.Name, zeros([sizes.Style], ScalarType.Float32)));
        }
        return new StateDictionary(all, state.Metadata);
    }

    private static void MeasureMean(StyleGan2Network network, int? label, Device device)
    {
        using var grad = no_grad();
        using Generator generator = new(0, device);
        Tensor z = randn([MeanDraws, network.Sizes.Latent], ScalarType.Float32, device, generator: generator);
        network.Weights[MeanKey].copy_(network.Map(z, OneHot(MeanDraws, network.Sizes.Labels, label, device)).mean([0]));
    }

    private static Tensor? OneHot(long count, long labels, int? label, Device device)
    {
        if (label is not { } one) return null;
        Tensor rows = zeros([count, labels], ScalarType.Float32, device);
        rows.select(1, one).fill_(1);
        return rows;
    }

    private Tensor? OneHot(long count) => OneHot(count, _network.Sizes.Labels, Decoding.Label, Device);

    private Tensor MapCore(Tensor z)
    {
        if (Decoding.Latent == StyleGan2Latent.Z) return z;
        Tensor w = _network.Map(z, OneHot(z.size(0)));
        return Decoding.Latent == StyleGan2Latent.W
            ? _network.Truncate(w, Decoding.Truncation)
            : _network.Broadcast(w, Decoding.Truncation, Decoding.TruncatedLayers).flatten(1);
    }

    // A view's weights go with their owner.
    private void ThrowIfOwnerDisposed()
    {
        ThrowIfDisposed();
        _owner?.ThrowIfDisposed();
    }
}
