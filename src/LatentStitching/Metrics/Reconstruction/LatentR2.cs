using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Coefficient of determination R² between latents, in total and of each dimension: 1 for a perfect map, 0 for one that gives the mean, negative for a worse one.</summary>
/// <remarks>
/// <para>R²ⱼ = 1 − Σᵢ(ẑᵢⱼ − zᵢⱼ)² / Σᵢ(zᵢⱼ − z̄ⱼ)² with z̄ the mean of the reference batch; the total weighs columns by <see cref="R2Average"/>. Computed in float64.</para>
/// <para>Each image's value is 1 minus its squared error over the mean variance, so that their mean is the value. The interval of the variance-weighted total resamples errors and
/// variances together with z̄ held fixed; that of the uniform mean holds the variances fixed too.</para>
/// <para>Source: Draper and Smith, "Applied Regression Analysis" (1998), section 1.3; the averages are those of scikit-learn's r2_score.</para>
/// </remarks>
public sealed class LatentR2 : IPairedMetric
{
    private readonly R2Average _average;

    /// <summary>Makes the metric with columns weighed by their variance.</summary>
    public LatentR2()
        : this(R2Average.Variance)
    {
    }

    /// <summary>Makes the metric.</summary>
    /// <param name="average">How the columns become one number.</param>
    /// <exception cref="ArgumentOutOfRangeException">The average is not of the enumeration.</exception>
    public LatentR2(R2Average average)
    {
        if (!Enum.IsDefined(average)) throw new ArgumentOutOfRangeException(nameof(average), $"average must be Variance or Uniform, but it is {average}.");
        _average = average;
        string name = average == R2Average.Variance ? "variance" : "uniform";
        Info = new()
        {
            Name = average == R2Average.Variance ? "latent R²" : "latent R², columns alike",
            Direction = MetricDirection.HigherIsBetter,
            Unit = "share of the reference's variance",
            Reference = "Draper and Smith, Applied Regression Analysis (1998), section 1.3",
            Signature = $"r2|space:latent|columns:{name}",
        };
    }

    /// <inheritdoc/>
    public MetricInfo Info { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not a finite matrix, the shapes or devices differ, or the reference does not vary (with <see cref="R2Average.Uniform"/>: in one of its columns).</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0)
    {
        PairedErrors.RequireLatents(actual, reference);
        if (_average == R2Average.Uniform) return Uniform(actual, reference, seed);
        MetricValue error = new NormalisedLatentMse().Evaluate(actual, reference, seed);
        return new MetricValue
        {
            Info = Info,
            Value = 1 - error.Value,
            Lower = 1 - error.Upper,
            Upper = 1 - error.Lower,
            StandardDeviation = error.StandardDeviation,
            PerImage = [.. error.PerImage.Select(value => 1 - value)],
            IntervalMethod = error.IntervalMethod,
        };
    }

    /// <summary>R² of each column.</summary>
    /// <param name="actual">What came out, [n, d], floating point, finite. Not disposed.</param>
    /// <param name="reference">What should have, of the same shape. Not disposed.</param>
    /// <returns>d numbers of at most 1.</returns>
    /// <exception cref="ArgumentException">A batch is not a finite matrix, the shapes or devices differ, or a column of the reference does not vary.</exception>
    public static IReadOnlyList<double> PerDimension(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireLatents(actual, reference);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor variances = Variances(reference);
        Tensor errors = zeros(variances.shape, ScalarType.Float64, reference.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(reference.size(0)))
        {
            using var block = NewDisposeScope();
            errors.add_(Difference(actual, reference, start, size).Squared().sum([0]));
        }
        return (1 - errors / reference.size(0) / variances).cpu().data<double>().ToArray();
    }

    private MetricValue Uniform(Tensor actual, Tensor reference, ulong seed)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor weights = Variances(reference).reciprocal_().div_(reference.size(1));
        double[] perImage = new double[reference.size(0)];
        foreach ((long start, long size) in CentredMatrix.Blocks(reference.size(0)))
        {
            using var block = NewDisposeScope();
            (1 - Difference(actual, reference, start, size).Squared().mv(weights)).cpu().data<double>().CopyTo(perImage, (int)start);
        }
        return PairedErrors.Mean(Info, perImage, seed);
    }

    private static Tensor Difference(Tensor actual, Tensor reference, long start, long size) =>
        actual.narrow(0, start, size).to_type(ScalarType.Float64) - reference.narrow(0, start, size).to_type(ScalarType.Float64);

    /// <summary>Variance of each column over n, exactly zero where it is constant, which is refused. [d].</summary>
    private static Tensor Variances(Tensor reference)
    {
        var rows = CentredMatrix.Of(reference, centre: true);
        Tensor variances = zeros(rows.Columns, ScalarType.Float64, reference.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(rows.Rows, rows.BlockRows))
        {
            using var block = NewDisposeScope();
            variances.add_(rows.Block(start, size).square().sum([0]));
        }
        Tensor constant = variances.le(0);
        long count = constant.sum().ToInt64();
        if (count == 0) return variances.div_(rows.Rows);
        long first = constant.to_type(ScalarType.Int32).argmax().ToInt64();
        throw new ArgumentException(
            $"reference must vary in every column, but {count} of its {rows.Columns} columns are constant, the first column {first}. Leave them out, or use NormalisedLatentMse.", nameof(reference));
    }
}
