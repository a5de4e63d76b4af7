using LatentStitching.Metrics;

namespace LatentStitching.Probing;

/// <summary>How well one probe does on rows it should not have learnt from. Each number has a 95 % interval over the rows.</summary>
public sealed record ProbeScore
{
    /// <summary>The attribute.</summary>
    public required string Name { get; init; }

    /// <summary>Rows it was judged on.</summary>
    public required int Rows { get; init; }

    /// <summary>How many of them have the attribute.</summary>
    public required int Positives { get; init; }

    /// <summary>Share of rows labelled rightly, in [0, 1]; its per-image values say which of the rows used, in their order.</summary>
    public required MetricValue Accuracy { get; init; }

    /// <summary>Mean of the shares labelled rightly of the two classes, in [0, 1]: 0.5 for a probe that knows nothing, however rare the attribute.</summary>
    public required MetricValue BalancedAccuracy { get; init; }

    /// <summary>Area under the ROC curve, in [0, 1]: how often a row that has the attribute scores above one that has not, ties counting half.</summary>
    public required MetricValue Auc { get; init; }

    /// <summary>Mean −log of the probability of the true label, in nats; null where scores are no probabilities.</summary>
    public MetricValue? LogLoss { get; init; }

    /// <summary>Mean squared distance of the probability to the label, in [0, 1]; null where scores are no probabilities.</summary>
    public MetricValue? Brier { get; init; }

    /// <summary>Expected calibration error over ten equal bins of the probability, in [0, 1]; null where scores are no probabilities. Its resamples lie above it, since noise in a bin only adds: read the interval as an upper one.</summary>
    public MetricValue? CalibrationError { get; init; }
}
