using System.Text.Json.Nodes;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;
using Microsoft.Extensions.Logging;

namespace LatentStitching.Adapters.Flows;

/// <summary>Glow, an invertible network with an exact density, in the layouts of rosinality/glow-pytorch and y0ast/Glow-PyTorch.</summary>
/// <remarks>
/// <para>The latent is as large as the image. It is made of levels z1 to zL, fine to coarse: each but the last is the half of the channels that leaves the flow there. Decoding inverts encoding up to rounding. The latent is raw, or
/// whitened by the learnt priors, see <see cref="GlowOptions.Whitened"/>; <c>model.At("whitened")</c> sees one as the other, and <c>model.At("z4+")</c> sees the levels from z4 on alone, with the finer ones
/// at the mean of their prior.</para>
/// <para>A pixel k of 256 enters as the middle of its bin, (k + ½)/256 − ½, without noise and without rounding to fewer bits, so that Encode is deterministic and invertible.</para>
/// <para>32 rows go through the network at once unless <see cref="LatentModel.BatchSize"/> says otherwise.</para>
/// <para>Sources: Kingma and Dhariwal, "Glow: Generative Flow with Invertible 1×1 Convolutions" (arXiv:1807.03039); Dinh et al., "Density estimation using Real NVP" (arXiv:1605.08803).</para>
/// </remarks>
public sealed partial class Glow : LatentModel, ILatentPrior, ILatentDensity, IModelLevels
{
    internal const string Kind = "glow";

    // The norm of a draw from N(0, I) is √D to within 1/√2; twice that is out of reach in any number of dimensions that images have.
    private const double TypicalRadius = 2;
    private const string WhitenedName = "whitened";
    private const string RawName = "raw";
    private readonly GlowLatents _latents;
    private readonly bool _owner;

    private Glow(string name, GlowNetwork network, GlowLatents latents, int bits, ScalarType dtype, Device device, bool owner)
        : base(name, network.Shape.Image, latents.Space, device, dtype)
    {
        Network = network;
        _latents = latents;
        _owner = owner;
        Bits = bits;
        BatchSize = 32;
    }

    internal GlowNetwork Network { get; }

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => Network.Weights.ParameterCount;

    /// <summary>Whose published layout the weights have.</summary>
    public GlowLayout Layout => Network.Shape.Layout;

    /// <summary>Bits a channel of a pixel that training tells apart, and that bits per dimension are counted for.</summary>
    public int Bits { get; }

    /// <summary>Whether the latent is whitened by the learnt priors.</summary>
    public bool Whitened => _latents.Whitened;

    /// <summary>Number of classes that the prior depends on; 0 for none.</summary>
    public int Classes => Network.Shape.Classes;

    /// <summary>The class that the prior takes for <see cref="Sample"/>, densities and whitening.</summary>
    /// <value>From 0 to <see cref="Classes"/> − 1, or null (default), which densities, samples and whitening refuse where there are classes.</value>
    public int? Class
    {
        get;
        set => field = GlowGuard.Class(value, Classes, Name, nameof(Class));
    }

    /// <summary>What the deviations of the priors are multiplied by in <see cref="Sample"/>.</summary>
    /// <value>Zero or more; default 0.7, as Kingma and Dhariwal draw (section 6). 1 is the model's own distribution.</value>
    public double Temperature
    {
        get;
        set => field = Guard.NotNegative(value, nameof(Temperature));
    } = 0.7;

    /// <summary>Where <see cref="LatentModel.Decode"/> warns of latents outside the typical set; nowhere if null.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <inheritdoc/>
    public IReadOnlyList<string> LevelNames =>
    [
        .. Enumerable.Range(_latents.First + 1, Network.Shape.Levels - _latents.First - 1).Select(level => GlowLatents.NameOf(level) + "+"),
        Whitened ? RawName : WhitenedName,
    ];

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Train it with <see cref="GlowTrainer"/>, or use it as the random-encoder control.</returns>
    /// <exception cref="ArgumentException">The image cannot be halved as often as there are levels, or the layout has no such permutation.</exception>
    public static Glow Create(GlowOptions? options = null, Device? device = null)
    {
        options ??= new GlowOptions();
        Device where = device ?? CPU;
        return Of(options.Name, GlowStart.Create(options.Shape(), options.Seed, where, options.Dtype), options.Whitened, options.Bits, options.Dtype, where);
    }

    /// <summary>Opens weights: a PyTorch state dictionary of either published code, also one saved from DataParallel, or a safetensors file with the same keys.</summary>
    /// <param name="path">The file. Layout, levels, steps, widths, coupling and permutation are read off the names and shapes. Nothing in it is executed.</param>
    /// <param name="options">What the weights do not say; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the image size cannot be halved as often as there are levels.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static Glow Load(string path, GlowLoadOptions? options = null, Device? device = null)
    {
        Guard.NotBlank(path);
        options ??= new GlowLoadOptions();
        Device where = device ?? CPU;
        using StateDictionary state = StateDictionary.Load(path, options.Container);
        GlowNetwork network = GlowCheckpoint.Load(state, path, (options.ImageSize, options.ImageSize), options.Dtype, where);
        int bits = options.Bits ?? (network.Shape.Layout == GlowLayout.Rosinality ? 5 : 8);
        return Of(options.Name ?? Path.GetFileNameWithoutExtension(path), network, options.Whitened, bits, options.Dtype, where);
    }

    /// <summary>Writes the weights to a safetensors file under their published names.</summary>
    /// <remarks>The layout of y0ast has no flags of its own that tell an untrained normalisation: they are written as ….actnorm.initialized while the model is untrained. The order of a shuffle, which the
    /// published code forgets, is written as ….shuffle.indices.</remarks>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        ThrowIfDisposed();
        using var scope = NewDisposeScope();
        SafeTensors.Save(path, GlowCheckpoint.Export(Network), new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name });
    }

    /// <inheritdoc/>
    ILatentModel IModelLevels.At(string level)
    {
        ArgumentNullException.ThrowIfNull(level);
        ThrowIfDisposed();
        if (!LevelNames.Contains(level, StringComparer.Ordinal))
        {
            throw new ArgumentException($"level must be one of {string.Join(", ", LevelNames)} of {Name}, but it is '{level}'.", nameof(level));
        }
        GlowLatents latents = level switch
        {
            WhitenedName or RawName => new GlowLatents(Network, _latents.First, !Whitened),
            _ => new GlowLatents(Network, Enumerable.Range(0, Network.Shape.Levels).First(index => GlowLatents.NameOf(index) + "+" == level), Whitened),
        };
        return new Glow($"{Name}/{level}", Network, latents, Bits, Dtype, Device, owner: false)
        {
            BatchSize = BatchSize,
            Class = Class,
            LoggerFactory = LoggerFactory,
            Temperature = Temperature,
        };
    }

    /// <summary>Decodes latents that may lie anywhere, and tells which of them the flow cannot decode.</summary>
    /// <param name="latents">Latent batch [n, D], floating point, finite. Not disposed.</param>
    /// <returns>Image batch [n, c, h, w] in [0, 1], owned by the caller, in which rows without a finite image are grey, and what was found.</returns>
    /// <exception cref="ArgumentException">The batch has another width or dtype, is empty, or is not finite.</exception>
    public (Tensor Images, GlowDecodeReport Report) DecodeReported(Tensor latents)
    {
        ThrowIfDisposed();
        TensorGuard.Latents(latents, Latent.Dimension, Name);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        List<Tensor> images = [];
        GlowDecodeReport? report = null;
        foreach ((long start, long size) in CentredMatrix.Blocks(latents.size(0), BatchSize))
        {
            using var block = NewDisposeScope();
            (Tensor pixels, Tensor norms) = DecodeBlock(latents.narrow(0, start, size).to(Dtype, Device));
            report = GlowDecoding.Join(report, GlowDecoding.Examine(pixels, norms, Latent.Dimension, TypicalRadius, start));
            Tensor grey = full_like(pixels, 0.5);
            Tensor finite = pixels.isfinite().flatten(1).all(1).reshape(size, 1, 1, 1);
            images.Add(where(finite, pixels, grey).clamp(0, 1).MoveToOuterDisposeScope());
        }
        return (cat(images, 0).contiguous().MoveToOuterDisposeScope(), report!);
    }

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images)
    {
        ThrowIfGone();
        return _latents.Encode(GlowPixels.Centred(images), Whitened ? ClassRows(images.size(0)) : null);
    }

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents)
    {
        // Norms need the priors' networks. Where nobody hears of them they are worked out only for the text of an error.
        if (LoggerFactory is null && GlowPixels.ToImages(_latents.DecodePixels(latents, DecodingClasses(latents))) is var images && TensorGuard.IsFinite(images)) return images;
        (Tensor pixels, Tensor norms) = DecodeBlock(latents);
        using (no_grad())
        {
            GlowDecodeReport report = GlowDecoding.Examine(pixels.detach(), norms, Latent.Dimension, TypicalRadius, 0);
            if (report.NotFinite.Count > 0)
            {
                throw new InvalidOperationException($"latents must decode to finite images, but {report}. DecodeReported tells which, and decodes the others.");
            }
            if (!report.IsClean && LoggerFactory is { } factory) LogOutside(factory.CreateLogger<Glow>(), Name, report);
        }
        return pixels;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_owner) Network.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription? Describe() => new(
        Kind,
        new JsonObject { ["image"] = ModelFolder.ToJson(Image), ["first"] = _latents.First, ["whitened"] = Whitened, ["bits"] = Bits, ["temperature"] = Temperature, ["dtype"] = Dtype.ToString(), ["class"] = Class ?? -1 },
        GlowCheckpoint.Export(Network));

    // The class is the prior's, which only whitening asks.
    internal override ModelDescription? DescribeEncoding() => Whitened ? Describe()!.Without("bits", "temperature") : Describe()!.Without("bits", "temperature", "class");

    internal static Glow Open(ModelFolder folder)
    {
        ImageFormat image = folder.Image("image");
        if (!Enum.TryParse(folder.Option<string>("dtype"), out ScalarType dtype) || dtype is not (ScalarType.Float32 or ScalarType.Float64)) throw Damaged("dtype");
        int bits = folder.Option<int>("bits"), first = folder.Option<int>("first");
        double temperature = folder.Option<double>("temperature");
        if (bits is < 1 or > 8) throw Damaged("bits");
        if (!double.IsFinite(temperature) || temperature < 0) throw Damaged("temperature");
        bool whitened = folder.Option<bool>("whitened");
        // Folders of before the class was kept have none.
        int chosen = folder.Configuration.ContainsKey("class") ? folder.Option<int>("class") : -1;
        GlowNetwork network = GlowCheckpoint.Load(folder.Weights, folder.FolderPath, (image.Height, image.Width), dtype, folder.Device);
        if (first < 0 || first >= network.Shape.Levels || network.Shape.Image != image)
        {
            network.Dispose();
            throw Damaged(network.Shape.Image == image ? "first" : "image");
        }
        if (chosen < -1 || chosen >= network.Shape.Classes)
        {
            network.Dispose();
            throw Damaged("class");
        }
        return new Glow(folder.Name, network, new GlowLatents(network, first, whitened), bits, dtype, folder.Device, owner: true) { Temperature = temperature, Class = chosen < 0 ? null : chosen };

        InvalidDataException Damaged(string key) => new($"config.json in '{folder.FolderPath}' is not that of a Glow: '{key}' does not fit.");
    }

    private static Glow Of(string name, GlowNetwork network, bool whitened, int bits, ScalarType dtype, Device device) =>
        new(name, network, new GlowLatents(network, 0, whitened), bits, dtype, device, owner: true);

    [LoggerMessage(EventName = "LatentsOutsideTypicalSet", Level = LogLevel.Warning, Message = "{Name}: {Report}.")]
    private static partial void LogOutside(ILogger logger, string name, GlowDecodeReport report);

    private (Tensor Pixels, Tensor SquaredNorms) DecodeBlock(Tensor latents)
    {
        (Tensor pixels, Tensor norms) = _latents.Decode(latents, DecodingClasses(latents));
        return (GlowPixels.ToImages(pixels), norms);
    }

    // Only whitened latents need the class to decode; the norm of raw ones is taken without it.
    private Tensor? DecodingClasses(Tensor latents)
    {
        ThrowIfGone();
        return Whitened || Class is not null ? ClassRows(latents.size(0)) : null;
    }

    // The weights of a view belong to the whole model.
    private void ThrowIfGone() => ObjectDisposedException.ThrowIf(Network.IsDisposed, this);

    private Tensor? ClassRows(long count)
    {
        if (Classes == 0) return null;
        if (Class is not { } chosen) throw new InvalidOperationException($"Class must be set, because the prior of {Name} depends on one of {Classes} classes, but it is null.");
        return nn.functional.one_hot(full([count], chosen, ScalarType.Int64, Device), Classes).to_type(Dtype);
    }
}
