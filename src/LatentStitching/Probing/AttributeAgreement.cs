using LatentStitching.Metrics;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>How a probe of the target space judges mapped latents beside true ones, for one attribute. "First" is the true latent, "second" the mapped one.</summary>
public sealed record AttributeAgreement
{
    /// <summary>The attribute.</summary>
    public required string Name { get; init; }

    /// <summary>Rows that the attribute uses.</summary>
    public required int Rows { get; init; }

    /// <summary>How many of them have the attribute.</summary>
    public required int Positives { get; init; }

    /// <summary>Accuracy on true latents, a share in [0, 1].</summary>
    public required MetricValue Accuracy { get; init; }

    /// <summary>Accuracy on mapped latents, a share in [0, 1].</summary>
    public required MetricValue MappedAccuracy { get; init; }

    /// <summary>Accuracy on mapped latents less that on true ones, in percentage points; positive where mapping helps.</summary>
    public required MetricValue AccuracyChange { get; init; }

    /// <summary>100·(mapped − true)/true, in percent of the true accuracy; positive where mapping helps: the sign of the published paper's last code. NaN where the true accuracy is 0.</summary>
    public required MetricValue RelativeAccuracyChange { get; init; }

    /// <summary>100·(true − mapped)/true, in percent; positive where mapping hurts: the thesis's sign of the same number.</summary>
    public double RelativeAccuracyLoss => -RelativeAccuracyChange.Value;

    /// <summary>Rows that get the same prediction both times, in percent of the rows there are. "Neither" twice is the same.</summary>
    public required MetricValue EqualPredictions { get; init; }

    /// <summary>Cohen's κ of the two predictions: equal predictions beyond what their frequencies alone bring. From −1 to 1; NaN where both always say one thing.</summary>
    public required MetricValue Kappa { get; init; }

    /// <summary>κ of being right both times: 1 where the same rows are wrong, 0 where the errors fall as if independent, whatever the accuracies. NaN where one accuracy alone decides it.</summary>
    /// <remarks>Geirhos, Meding and Wichmann, "Beyond accuracy: quantifying trial-by-trial behaviour of CNNs and humans by measuring error consistency" (NeurIPS 2020).</remarks>
    public required MetricValue ErrorConsistency { get; init; }

    /// <summary>Whether the two accuracies differ.</summary>
    public required McNemarTest McNemar { get; init; }

    /// <summary>Predictions (rows) against labels (columns) on true latents; "neither" has a row of its own.</summary>
    public required ConfusionMatrix Confusion { get; init; }

    /// <summary>Predictions against labels on mapped latents.</summary>
    public required ConfusionMatrix MappedConfusion { get; init; }

    /// <summary>Rows whose two scores round to the same number: what the studies count, where 2 and 3 are different although both are neither 0 nor 1.</summary>
    public required int EqualRoundedScores { get; init; }

    /// <summary>"Percentage matches" as published: equal rounded scores over a constant, cut to a whole number. Only for comparison with the paper.</summary>
    /// <param name="testSize">The constant: 100 in the paper's code, 200 in the thesis's, whatever the number of rows, so that it can exceed 100.</param>
    /// <returns>A whole number of percent.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The constant is not positive.</exception>
    public int LegacyPercentageMatches(int testSize = 100) => (int)(100.0 * EqualRoundedScores / Guard.Positive(testSize));

    /// <summary>"Percent Δ accuracy" as shown in the published figure: <see cref="RelativeAccuracyChange"/> cut towards zero. Only for comparison with the paper.</summary>
    /// <exception cref="InvalidOperationException">The true accuracy is 0, so that there is no such number.</exception>
    public int LegacyPercentDelta => double.IsFinite(RelativeAccuracyChange.Value)
        ? (int)RelativeAccuracyChange.Value
        : throw new InvalidOperationException($"The accuracy of '{Name}' on true latents must be above 0 for a relative change, but it is 0. Read AccuracyChange.");
}
