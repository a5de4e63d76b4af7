using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>What follows from a similarity measure's two verbs.</summary>
public static class SimilarityMeasureExtensions
{
    /// <summary>Measures two latent batches.</summary>
    /// <param name="measure">The measure.</param>
    /// <param name="x">Latent batch [n, p], floating point, finite. Not disposed.</param>
    /// <param name="y">Latent batch [n, q], row i of the same image as row i of <paramref name="x"/>. Not disposed.</param>
    /// <returns>The value, computed in float64.</returns>
    /// <exception cref="ArgumentException">A batch is not a finite matrix, the rows or devices differ, or the measure is not defined for them.</exception>
    public static double Measure(this ISimilarityMeasure measure, Tensor x, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(measure);
        TensorGuard.Matrix(x);
        TensorGuard.Matrix(y);
        TensorGuard.SameRows(x, y, nameof(x), nameof(y));
        TensorGuard.SameDevice(x, y, nameof(x), nameof(y));
        using PreparedLatents left = measure.Prepare(x, nameof(x)), right = measure.Prepare(y, nameof(y));
        return measure.Measure(left, right);
    }

    /// <summary>Measures two latent batches, and how far the value would scatter with other images.</summary>
    /// <remarks>
    /// The interval is by the jackknife of 20 groups (fewer rows: one by one): the rows are dealt into groups by the seed, the measure is taken without each group in turn, and the spread of these values gives the
    /// standard error, which Student's t makes an interval around the value: a 95 % one for what the measure has on average over samples of n images. A bootstrap would not do: a row drawn twice is its own nearest
    /// neighbour and twin, which raises kernels, distances and neighbourhoods alike. It does not undo an estimator's bias, and it may reach past the measure's range. Costs 21 measurements.
    /// Sources: Tukey (1958); Shao and Wu, "A General Theory for Jackknife Variance Estimation", Annals of Statistics 17 (1989).
    /// </remarks>
    /// <param name="measure">The measure.</param>
    /// <param name="x">Latent batch [n, p], floating point, finite. Not disposed.</param>
    /// <param name="y">Latent batch [n, q], row i of the same image as row i of <paramref name="x"/>. Not disposed.</param>
    /// <param name="interval">Whether to make an interval; true by default. None is made where the measure is not defined without one of the groups, and the warning says so.</param>
    /// <param name="seed">Deals the rows into groups.</param>
    /// <param name="cancellationToken">Cancels between measurements; no tensor is left alive.</param>
    /// <returns>The value with signature, interval and warnings.</returns>
    /// <exception cref="ArgumentException">A batch is not a finite matrix, the rows or devices differ, or the measure is not defined for them.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static MetricValue Evaluate(this ISimilarityMeasure measure, Tensor x, Tensor y, bool interval = true, ulong seed = 0, CancellationToken cancellationToken = default)
    {
        double value = measure.Measure(x, y);
        SimilarityInfo info = measure.Info;
        string? warning = measure.Warning(x.size(0), x.size(1), y.size(1));
        GroupJackknife? spread = interval ? GroupJackknife.Of(measure, x, y, seed, cancellationToken) : null;
        if (interval && spread is null) warning = Joined(warning, $"No interval: {info.Id} is not defined without a group of these rows.");
        return new MetricValue
        {
            Info = info.ToMetricInfo(),
            Value = value,
            Lower = spread is null ? double.NaN : value - spread.Margin,
            Upper = spread is null ? double.NaN : value + spread.Margin,
            Count = x.size(0).ToString(CultureInfo.InvariantCulture),
            IntervalMethod = spread is null ? "none" : $"jackknife-{spread.Groups}",
            Warning = warning,
        };
    }

    private static string Joined(string? first, string second) => first is null ? second : $"{first} {second}";
}
