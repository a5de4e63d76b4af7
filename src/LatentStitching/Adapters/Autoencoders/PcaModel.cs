using System.Text.Json.Nodes;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Principal component analysis of pixels as a model: the linear baseline that every study of latent spaces wants.</summary>
/// <remarks>
/// <para>Encode gives the scores (x − x̄)·Vᵀ, decode z·V + x̄ clamped to [0, 1]. Components are orthonormal rows in order of falling variance, each with its entry of largest magnitude positive. Scores are
/// not whitened: the variance of score j is <see cref="ExplainedVariance"/>[j].</para>
/// <para>As a prior, scores are drawn from N(0, diag(explained variance)).</para>
/// <para>Source: Tipping and Bishop, "Probabilistic Principal Component Analysis", J. R. Statist. Soc. B 61 (1999), in the limit of no noise; large fits by randomised subspace iteration: Halko, Martinsson and
/// Tropp, "Finding Structure with Randomness", SIAM Review 53 (2011), algorithms 4.4 and 5.1.</para>
/// </remarks>
public sealed class PcaModel : LatentModel, ILatentPrior
{
    internal const string Kind = "pca";
    private readonly Tensor _mean;       // [p]
    private readonly Tensor _components; // [k, p]
    private readonly double[] _variance;

    private PcaModel(string name, ImageFormat image, Tensor mean, Tensor components, double[] variance, double totalVariance, Device device)
        : base(name, image, LatentSpace.Vector(components.size(0)), device)
    {
        // In C order, as a file holds them: a decomposition gives them transposed, and products then round otherwise than those of the model read back.
        _mean = mean.to(ScalarType.Float32, device, copy: true).contiguous().DetachFromDisposeScope();
        _components = components.to(ScalarType.Float32, device, copy: true).contiguous().DetachFromDisposeScope();
        _variance = variance;
        TotalVariance = totalVariance;
    }

    /// <summary>Variance of each score over the images it was fitted to, with n − 1, falling.</summary>
    public IReadOnlyList<double> ExplainedVariance => _variance;

    /// <summary>Variance of the images it was fitted to, summed over all pixels and channels, with n − 1.</summary>
    public double TotalVariance { get; }

    /// <summary>Orthonormal components, [k, c·h·w], one a row. Belongs to the model: do not dispose or change it.</summary>
    public Tensor Components => Live(_components);

    /// <summary>Mean image, [c·h·w]. Belongs to the model: do not dispose or change it.</summary>
    public Tensor Mean => Live(_mean);

    /// <summary>Fits the components of images.</summary>
    /// <param name="images">The images, at least two. They are held in memory at once: 4 × n × c × h × w bytes.</param>
    /// <param name="dimension">Number of components k, from 1 to min(n − 1, c·h·w).</param>
    /// <param name="name">The name in reports.</param>
    /// <param name="seed">Seed of the randomised search. Where min(n, c·h·w) is at most 1,024 the fit is exact and the seed is ignored.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dimension"/> is outside its range.</exception>
    /// <exception cref="ArgumentException">The images are all the same.</exception>
    public static PcaModel Fit(IImageSource images, long dimension, string name = "pca", ulong seed = 0, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        Guard.NotBlank(name);
        long most = Math.Min(images.Ids.Count - 1, images.Image.PixelCount);
        if (dimension < 1 || dimension > most)
        {
            throw new ArgumentOutOfRangeException(
                nameof(dimension), $"dimension must lie from 1 to {most}, the lesser of the images less one and the pixels of one, but it is {dimension}.");
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor rows = images.LoadAll().flatten(1).to(device ?? CPU);
        CentredMatrix x = CentredMatrix.Of(rows, centre: true);
        (Tensor components, Tensor singular) = Math.Min(rows.size(0), rows.size(1)) <= 1024
            ? Exact(x, dimension)
            : PrincipalSubspace.Find(rows - x.Centre.to_type(rows.dtype), dimension, seed);
        double freedom = rows.size(0) - 1;
        double total = x.SumOfSquares() / freedom;
        if (!(total > 0)) throw new ArgumentException($"images must differ, but all {rows.size(0)} of them are the same.", nameof(images));
        double[] variance = singular.square().div(freedom).cpu().data<double>().ToArray();
        return new PcaModel(name, images.Image, x.Centre, PrincipalSubspace.WithFixedSigns(components), variance, total, device ?? CPU);
    }

    internal static PcaModel Open(ModelFolder folder)
    {
        StateDictionary weights = folder.Weights;
        string path = folder.FolderPath;
        ImageFormat image = folder.Image("image");
        foreach (string key in (string[])["mean", "components", "variance", "total_variance"])
        {
            if (!weights.Contains(key)) throw new InvalidDataException($"{path} must hold the tensor '{key}' of a PCA model, but it holds {string.Join(", ", weights.Names)}.");
        }
        using var scope = NewDisposeScope();
        Tensor components = weights["components"], mean = weights["mean"], variance = weights["variance"], total = weights["total_variance"];
        bool typed = components.is_floating_point() && mean.is_floating_point() && variance.dtype == ScalarType.Float64 && total.dtype == ScalarType.Float64;
        bool shaped = total.numel() == 1 && components.dim() == 2 && components.size(0) > 0 && mean.shape.AsSpan().SequenceEqual([image.PixelCount]) && mean.size(0) == components.size(1)
            && variance.shape.AsSpan().SequenceEqual([components.size(0)]);
        if (!typed || !shaped)
        {
            throw new InvalidDataException($"{path} must hold a well-formed PCA model, but the shapes or types of its tensors do not fit together.");
        }
        return new PcaModel(folder.Name, image, mean, components, variance.data<double>().ToArray(), total.ToDouble(), folder.Device);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public Tensor Sample(long count, ulong seed)
    {
        ThrowIfDisposed();
        Guard.Positive(count);
        using var scope = NewDisposeScope();
        using Generator generator = new(seed, Device);
        Tensor deviation = tensor(_variance, device: Device).sqrt().to_type(Dtype);
        return randn([count, Latent.Dimension], Dtype, Device, generator: generator).mul(deviation).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images) => images.flatten(1).sub(_mean).mm(_components.t());

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents) =>
        latents.mm(_components).add(_mean).reshape(latents.size(0), Image.Channels, Image.Height, Image.Width);

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(
        Kind,
        new JsonObject { ["image"] = ModelFolder.ToJson(Image) },
        [("components", _components), ("mean", _mean), ("total_variance", tensor(TotalVariance, ScalarType.Float64)), ("variance", tensor(_variance))]);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _mean.Dispose();
        _components.Dispose();
        base.Dispose(disposing);
    }

    private Tensor Live(Tensor held)
    {
        ThrowIfDisposed();
        return held;
    }

    private static (Tensor Components, Tensor Singular) Exact(CentredMatrix x, long dimension)
    {
        (_, Tensor s, Tensor vh) = linalg.svd(x.Whole(), fullMatrices: false);
        return (vh.narrow(0, 0, dimension), s.narrow(0, 0, dimension));
    }
}
