using LatentStitching.Numerics;
using LatentStitching.Numerics.Products;

namespace LatentStitching.Metrics.Distribution;

/// <summary>Mean and covariance of features, added up batch by batch: all that a Fréchet distance needs of a set of images.</summary>
/// <remarks>
/// <para>Statistics of parts merge to those of the whole, in any order, up to rounding. Made once for a reference set and saved, they serve any number of candidates.</para>
/// <para>Numerics: float64. Each batch is centred by its own mean before it is multiplied, and means are kept as differences to the first row, so a large offset costs no digits and a constant feature has
/// exactly no variance. As long as there are no more rows than features the rows themselves are kept: the distance is then computed from them, faster and without the rounding of a singular covariance.</para>
/// <para>Memory: at most 8·d² bytes and a batch; 34 MB for 2048 features. Cost: n·d² multiplications and additions.</para>
/// <para>Thread safety: none while it grows. One instance a thread, merged at the end.</para>
/// <para>Source: Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance: Analysis and Recommendations", The American Statistician 37 (1983), 242–247: the pairwise update.</para>
/// </remarks>
public sealed class FeatureStatistics : IDisposable
{
    private const long BlockRows = 1024;

    private readonly List<Tensor> _rows = []; // float64, as long as they are no more than features
    private Tensor? _origin;                  // [d], the first row
    private Tensor? _shift;                   // [d], mean − origin
    private Tensor? _scatter;                 // [d, d], Σ(x − mean)(x − mean)ᵀ, its lower triangle
    private bool _disposed;

    /// <summary>Makes the statistics of no images, to be added to.</summary>
    /// <param name="features">What decides the features: the extractor's signature.</param>
    /// <param name="dimension">Number of features of an image, at least 1.</param>
    /// <exception cref="ArgumentException">The signature is blank or has characters that signatures lack, or the dimension is not positive.</exception>
    public FeatureStatistics(string features, long dimension)
    {
        Features = FeatureSignature.Require(features);
        Dimension = Guard.Positive(dimension);
    }

    /// <summary>What decides the features: the extractor's signature.</summary>
    public string Features { get; }

    /// <summary>Number of features of an image.</summary>
    public long Dimension { get; }

    /// <summary>Number of images.</summary>
    public long Count { get; private set; }

    /// <summary>Whether the rows are kept, and not yet summed up.</summary>
    internal bool HasRows => _scatter is null;

    /// <summary>Adds features of more images.</summary>
    /// <param name="features">[n, <see cref="Dimension"/>], floating point, finite, on any device. Not disposed.</param>
    /// <exception cref="ArgumentException">The features are not a finite matrix of that width.</exception>
    public void Add(Tensor features)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TensorGuard.FiniteMatrix(features);
        if (features.size(1) != Dimension)
        {
            throw new ArgumentException($"features must have {Dimension} columns, the features of '{Features}', but the shape is {TensorGuard.Shape(features)}.", nameof(features));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        if (HasRows && Count + features.size(0) <= Dimension)
        {
            _rows.Add(features.to(ScalarType.Float64, CPU, copy: true).DetachFromDisposeScope());
            Count += features.size(0);
            return;
        }
        SumUpRows();
        Sum(features);
    }

    /// <summary>Adds the images of other statistics: afterwards these are the statistics of both together.</summary>
    /// <param name="other">Statistics of the same features. Not changed, not disposed.</param>
    /// <exception cref="ArgumentException">They are of other features.</exception>
    public void Merge(FeatureStatistics other)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(other);
        ObjectDisposedException.ThrowIf(other._disposed, other);
        FeatureGuard.Same(other.Features, other.Dimension, Features, Dimension, nameof(other));
        if (other.HasRows)
        {
            foreach (Tensor rows in other._rows.ToArray()) Add(rows);
            return;
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        SumUpRows();
        Begin(other._origin!);
        Tensor step = Move(other._origin!.sub(_origin!).add_(other._shift!), other.Count);
        _scatter!.add_(other._scatter!);
        _scatter.addmm_(step.unsqueeze(1), step.unsqueeze(0));
        Count += other.Count;
    }

    /// <summary>The mean of the features.</summary>
    /// <returns>float64 [d], on the CPU, owned by the caller.</returns>
    /// <exception cref="InvalidOperationException">There are no images.</exception>
    public Tensor Mean()
    {
        RequireImages(1);
        using var scope = NewDisposeScope();
        return (HasRows ? CentredMatrix.Of(cat(_rows, 0), centre: true).Centre.clone() : _origin!.add(_shift!)).MoveToOuterDisposeScope();
    }

    /// <summary>The unbiased covariance of the features, with n − 1.</summary>
    /// <returns>float64 [d, d], on the CPU, owned by the caller.</returns>
    /// <exception cref="InvalidOperationException">There are fewer than two images.</exception>
    public Tensor Covariance()
    {
        RequireImages(2);
        using var scope = NewDisposeScope();
        Tensor scatter = HasRows ? CentredMatrix.Of(cat(_rows, 0), centre: true).Gram() : CentredMatrix.Mirrored(_scatter!);
        return scatter.div_(Count - 1).MoveToOuterDisposeScope();
    }

    /// <summary>Writes the statistics to a safetensors file.</summary>
    /// <remarks>Tensors: "count" [1] (int64) and either "rows" [n, d] or "origin" and "shift" [d], whose sum is the mean, and "scatter" [d, d], all float64. The metadata hold the features' signature and a checksum.</remarks>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    /// <exception cref="InvalidOperationException">There are no images.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        Guard.NotBlank(path);
        RequireImages(1);
        using var scope = NewDisposeScope();
        Tensor count = tensor(new[] { Count });
        FeatureFile.Save(path, FeatureFile.Statistics, Features, HasRows
            ? [("count", count), ("rows", cat(_rows, 0))]
            : [("count", count), ("origin", _origin!), ("shift", _shift!), ("scatter", CentredMatrix.Mirrored(_scatter!))]);
    }

    /// <summary>Reads statistics from a safetensors file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The statistics, owned by the caller; more can be added.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not whole, well-formed statistics.</exception>
    public static FeatureStatistics Load(string path)
    {
        Guard.NotBlank(path);
        using var scope = NewDisposeScope();
        (string features, Dictionary<string, Tensor> tensors) = FeatureFile.Load(path, FeatureFile.Statistics);
        if (tensors.TryGetValue("rows", out Tensor? rows))
        {
            FeatureStatistics kept = new(features, rows.size(1));
            kept.Add(rows);
            return kept;
        }
        return new FeatureStatistics(features, tensors["origin"].size(0))
        {
            Count = tensors["count"].ToInt64(),
            _origin = tensors["origin"].DetachFromDisposeScope(),
            _shift = tensors["shift"].DetachFromDisposeScope(),
            _scatter = tensors["scatter"].DetachFromDisposeScope(),
        };
    }

    /// <summary>Frees the sums. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (Tensor rows in _rows) rows.Dispose();
        _origin?.Dispose();
        _shift?.Dispose();
        _scatter?.Dispose();
    }

    /// <summary>Says the sizes.</summary>
    /// <returns>For example "statistics of 5000 images, inception-2048,tensorflow".</returns>
    public override string ToString() => $"statistics of {Count} images, {Features}";

    /// <summary>The rows, centred and over √(n − 1): a factor whose product with itself is the covariance. [n, d], in the open dispose scope.</summary>
    internal Tensor Factor() => CentredMatrix.Of(cat(_rows, 0), centre: true).Whole().div_(Math.Sqrt(Count - 1));

    private void RequireImages(long least)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Count < least) throw new InvalidOperationException($"Statistics must hold at least {least} image{(least > 1 ? "s" : "")} for this, but they hold {Count}. Call Add.");
    }

    private void SumUpRows()
    {
        if (!HasRows) return;
        Tensor[] rows = [.. _rows];
        _rows.Clear();
        Count = 0;
        foreach (Tensor part in rows)
        {
            Sum(part);
            part.Dispose();
        }
    }

    private void Sum(Tensor features)
    {
        foreach ((long start, long size) in CentredMatrix.Blocks(features.size(0), BlockRows))
        {
            using var scope = NewDisposeScope();
            Tensor block = features.narrow(0, start, size).to(ScalarType.Float64, CPU, copy: true);
            Begin(block[0]);
            block.sub_(_origin!);
            Tensor mean = block.mean([0]);
            block.sub_(mean);
            Tensor step = Move(mean, size);
            Product.AddLower(_scatter!, block.t(), block);
            _scatter!.addmm_(step.unsqueeze(1), step.unsqueeze(0));
            Count += size;
        }
    }

    private void Begin(Tensor first)
    {
        if (_scatter is not null) return;
        _origin = first.clone().DetachFromDisposeScope();
        _shift = zeros_like(first).DetachFromDisposeScope();
        _scatter = zeros(Dimension, Dimension, ScalarType.Float64).DetachFromDisposeScope();
    }

    /// <summary>Moves the mean on by k rows with another mean (both as differences to the origin), and returns the difference of the two, times √(nk/(n + k)). [d].</summary>
    private Tensor Move(Tensor mean, long k)
    {
        Tensor difference = mean.sub(_shift!);
        _shift!.add_(difference.mul((double)k / (Count + k)));
        return difference.mul_(Math.Sqrt((double)Count / (Count + k) * k));
    }
}
