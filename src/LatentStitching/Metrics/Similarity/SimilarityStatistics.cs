using System.Globalization;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Metrics.Similarity;

/// <summary>The second moments of two spaces, XᵀX, YᵀY and XᵀY about the means, added up batch by batch. The rows are not kept, and sums of parts merge.</summary>
/// <remarks>
/// <para>Feeds every <see cref="IStatisticsMeasure"/>: biased linear CKA, the canonical correlations, Procrustes distances, GULP, linear regression. float64 whatever comes in; a large offset costs no digits.</para>
/// <para>Memory: 8·(p² + q² + p·q) bytes and two working buffers of 1,025 rows. Cost: n·(p² + q² + 2·p·q) multiplications and additions at most.</para>
/// <para>Thread safety: none while it grows. One instance a thread, merged at the end.</para>
/// </remarks>
public sealed class SimilarityStatistics : IDisposable
{
    private readonly PairStatistics _both;
    private readonly PairStatistics _second; // its target is one column of no interest: PairStatistics holds no whole YᵀY

    /// <summary>Makes the statistics of no rows, to be added to.</summary>
    /// <param name="xColumns">Width of one space, at least 1.</param>
    /// <param name="yColumns">Width of the other, at least 1.</param>
    /// <param name="device">Where the rows will be and the sums are kept; the CPU if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A width is not positive.</exception>
    public SimilarityStatistics(long xColumns, long yColumns, Device? device = null)
    {
        Guard.Positive(xColumns);
        Guard.Positive(yColumns);
        _both = new PairStatistics(xColumns, yColumns, device);
        _second = new PairStatistics(yColumns, 1, device);
    }

    /// <summary>Number of rows.</summary>
    public long Count => _both.Count;

    /// <summary>Width of one space.</summary>
    public long XColumns => _both.SourceDimension;

    /// <summary>Width of the other.</summary>
    public long YColumns => _both.TargetDimension;

    /// <summary>Adds paired rows.</summary>
    /// <param name="x">Latent batch [n, p], floating point, finite. Not disposed.</param>
    /// <param name="y">Latent batch [n, q], row i of the same image as row i of <paramref name="x"/>. Not disposed.</param>
    /// <exception cref="ArgumentException">The batches are not finite matrices with as many rows each, or a width or the device differs from that of the statistics.</exception>
    public void Add(Tensor x, Tensor y)
    {
        _ = _both.Count; // refuses after Dispose
        TensorGuard.Latents(x, XColumns, "the statistics");
        TensorGuard.Latents(y, YColumns, "the statistics");
        TensorGuard.SameRows(x, y, nameof(x), nameof(y));
        TensorGuard.SameDevice(x, y, nameof(x), nameof(y));
        using var scope = NewDisposeScope();
        _both.Add(x, y);
        _second.Add(y, y.narrow(1, 0, 1));
    }

    /// <summary>Adds the sums of other rows: afterwards these are the statistics of both together.</summary>
    /// <param name="other">Statistics of the same widths, on the same device. Not changed, not disposed.</param>
    /// <exception cref="ArgumentException">A width or the device differs.</exception>
    public void Merge(SimilarityStatistics other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _both.Merge(other._both);
        _second.Merge(other._second);
    }

    /// <summary>Frees the sums. A second call does nothing.</summary>
    public void Dispose()
    {
        _both.Dispose();
        _second.Dispose();
    }

    /// <summary>Says the sizes.</summary>
    /// <returns>For example "statistics of 9000 rows, 512 and 768 wide".</returns>
    public override string ToString() => $"statistics of {Count} rows, {XColumns} and {YColumns} wide";

    /// <summary>The sums, checked for a measure. They belong to the open dispose scope.</summary>
    internal (Tensor X, Tensor Y, Tensor Cross) MomentsFor(SimilarityInfo info, string name = "statistics")
    {
        if (Count < info.MinimumRows)
        {
            throw new ArgumentException($"{name} must hold at least {info.MinimumRows} rows for {info.Id}, but it holds {Count}. Add more images.", name);
        }
        Moments both = _both.Moments(intercept: true);
        Tensor second = _second.Moments(intercept: true).Gram;
        foreach ((Tensor gram, string side) in (ReadOnlySpan<(Tensor, string)>)[(both.Gram, "x"), (second, "y")])
        {
            double largest = gram.diagonal().max().ToDouble();
            if (largest == 0) throw new ArgumentException($"{name} must be of rows that vary, but all {Count} rows of {side} are the same. A space without variance is like no other.", name);
            if (largest is >= 1e-140 and <= 1e140) continue;
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{name} must be of rows whose sums of squares lie from 1e-140 to 1e140, but the largest of {side} is {largest:g4}. Scale the rows to entries around 1."), name);
        }
        return (both.Gram, second, both.Cross);
    }
}
