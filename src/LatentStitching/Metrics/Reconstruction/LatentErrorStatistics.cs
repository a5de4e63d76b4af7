using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Squared errors and variances of latents, added up batch by batch: what the normalised error and R² of more rows than fit in memory need, since their denominator belongs to all rows.</summary>
/// <remarks>
/// <para>Statistics of parts merge to those of the whole, in any order, up to rounding. Means are kept as differences to the first row, so a large offset costs no digits. The rows are not kept, so the values
/// have no interval and no per-image values; <see cref="PerImageAccumulator"/> with <see cref="LatentMse"/> has both.</para>
/// <para>Numerics: float64. Memory: 4 numbers a column. Thread safety: none while it grows. One instance a thread, merged at the end.</para>
/// <para>Source: Chan, Golub and LeVeque, The American Statistician 37 (1983), 242–247: the pairwise update.</para>
/// </remarks>
public sealed class LatentErrorStatistics
{
    private readonly double[] _errors;   // Σ(ẑ − z)² a column
    private readonly double[] _squares;  // Σ(z − z̄)² a column
    private readonly double[] _origin;   // the first row
    private readonly double[] _shift;    // z̄ − origin

    /// <summary>Makes the statistics of no rows, to be added to.</summary>
    /// <param name="dimension">Width of the latents, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public LatentErrorStatistics(int dimension)
    {
        Guard.Positive(dimension);
        (_errors, _squares, _origin, _shift) = (new double[dimension], new double[dimension], new double[dimension], new double[dimension]);
    }

    /// <summary>Width of the latents.</summary>
    public int Dimension => _errors.Length;

    /// <summary>Number of rows.</summary>
    public long Count { get; private set; }

    /// <summary>Adds rows.</summary>
    /// <param name="actual">What came out, [n, <see cref="Dimension"/>], floating point, finite. Not disposed.</param>
    /// <param name="reference">What should have, of the same shape. Not disposed.</param>
    /// <exception cref="ArgumentException">A batch is not a finite matrix of that width, or the shapes or devices differ.</exception>
    public void Add(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireLatents(actual, reference);
        if (actual.size(1) != Dimension) throw new ArgumentException($"actual must have {Dimension} columns, as the statistics do, but its shape is {TensorGuard.Shape(actual)}.", nameof(actual));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        foreach ((long start, long size) in CentredMatrix.Blocks(actual.size(0)))
        {
            using var block = NewDisposeScope();
            Tensor rows = reference.narrow(0, start, size).to(ScalarType.Float64, CPU, copy: true);
            Tensor errors = actual.narrow(0, start, size).to(ScalarType.Float64, CPU).sub(rows).Squared().sum([0]);
            if (Count == 0) rows[0].data<double>().CopyTo(_origin);
            rows.sub_(tensor(_origin));
            Tensor mean = rows.mean([0]);
            Tensor squares = rows.sub_(mean).Squared().sum([0]);
            Join(size, errors.data<double>().ToArray(), squares.data<double>().ToArray(), mean.data<double>().ToArray());
        }
    }

    /// <summary>Adds the rows of other statistics: afterwards these are the statistics of both together.</summary>
    /// <param name="other">Statistics of the same width. Not changed.</param>
    /// <exception cref="ArgumentException">The width differs.</exception>
    public void Merge(LatentErrorStatistics other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Dimension != Dimension) throw new ArgumentException($"other must be of {Dimension} columns, but it is of {other.Dimension}.", nameof(other));
        if (other.Count == 0) return;
        if (Count == 0) other._origin.CopyTo(_origin, 0);
        double[] means = [.. other._shift.Select((shift, j) => other._origin[j] - _origin[j] + shift)];
        Join(other.Count, [.. other._errors], [.. other._squares], means);
    }

    /// <summary>Mean squared error over rows and columns: <see cref="LatentMse"/> without an interval.</summary>
    /// <returns>The value.</returns>
    /// <exception cref="InvalidOperationException">There are no rows.</exception>
    public MetricValue Mse() => Value(new LatentMse().Info, Total(_errors) / Dimension);

    /// <summary>Mean squared error over the reference's variance: <see cref="NormalisedLatentMse"/> without an interval.</summary>
    /// <returns>The value.</returns>
    /// <exception cref="InvalidOperationException">There are no rows, or the reference does not vary.</exception>
    public MetricValue NormalisedMse() => Value(new NormalisedLatentMse().Info, Total(_errors) / Variance());

    /// <summary>The variance-weighted R²: <see cref="LatentR2"/> without an interval.</summary>
    /// <returns>The value.</returns>
    /// <exception cref="InvalidOperationException">There are no rows, or the reference does not vary.</exception>
    public MetricValue R2() => Value(new LatentR2().Info, 1 - (Total(_errors) / Variance()));

    /// <summary>R² of each column, as <see cref="LatentR2.PerDimension"/>.</summary>
    /// <returns><see cref="Dimension"/> numbers of at most 1.</returns>
    /// <exception cref="InvalidOperationException">There are no rows, or a column of the reference does not vary.</exception>
    public IReadOnlyList<double> R2PerDimension()
    {
        RequireRows();
        int constant = Array.FindIndex(_squares, square => !(square > 0));
        return constant < 0
            ? [.. _errors.Zip(_squares, (error, square) => 1 - (error / square))]
            : throw new InvalidOperationException($"The reference must vary in every column, but column {constant} is constant. Leave it out.");
    }

    private MetricValue Value(MetricInfo info, double value) =>
        new() { Info = info, Value = value, Lower = double.NaN, Upper = double.NaN, Count = Count.ToString(CultureInfo.InvariantCulture), IntervalMethod = "none" };

    private double Total(double[] sums)
    {
        RequireRows();
        return sums.Sum() / Count;
    }

    private double Variance()
    {
        double variance = Total(_squares);
        return variance > 0 ? variance : throw new InvalidOperationException($"The reference must vary between rows, but all of its {Count} rows are the same. Use Mse.");
    }

    private void RequireRows()
    {
        if (Count == 0) throw new InvalidOperationException("Statistics must hold at least one row for this. Call Add.");
    }

    private void Join(long k, double[] errors, double[] squares, double[] means)
    {
        for (int j = 0; j < Dimension; j++)
        {
            double difference = means[j] - _shift[j];
            _errors[j] += errors[j];
            _squares[j] += squares[j] + (difference * difference * ((double)Count / (Count + k) * k));
            _shift[j] += difference * ((double)k / (Count + k));
        }
        Count += k;
    }
}
