using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>How wide a Gaussian kernel exp(−‖x − x′‖²/(2σ²)) is: what σ is, and what it is measured by.</summary>
public sealed record RbfBandwidth
{
    private RbfBandwidth(RbfMedian? median, double factor)
    {
        Median = median;
        Factor = factor;
    }

    /// <summary>Which median of the squared distances between rows σ² is measured by; null where σ is given.</summary>
    public RbfMedian? Median { get; }

    /// <summary>σ over the root of that median, or σ itself, in latent units, where there is none.</summary>
    public double Factor { get; }

    /// <summary>σ as a multiple of the root of the median squared distance, each space by its own.</summary>
    /// <param name="factor">The multiple, positive. Kornblith et al. try 0.2 to 0.8; 1 by default.</param>
    /// <param name="median">Which median; by default the mean of the two middle values of the squared distances that are not zero.</param>
    /// <returns>The rule.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="factor"/> is not positive and finite.</exception>
    public static RbfBandwidth OfMedian(double factor = 1, RbfMedian median = RbfMedian.NonZero)
    {
        if (!Enum.IsDefined(median)) throw new ArgumentOutOfRangeException(nameof(median), $"median must be one of RbfMedian, but it is {median}.");
        return new RbfBandwidth(median, Guard.Positive(factor));
    }

    /// <summary>One σ for both spaces. CKA then feels their scales.</summary>
    /// <param name="sigma">σ, positive, in latent units.</param>
    /// <returns>The rule.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="sigma"/> is not positive and finite.</exception>
    public static RbfBandwidth Fixed(double sigma) => new(null, Guard.Positive(sigma));

    /// <summary>Says the rule as it stands in ids.</summary>
    /// <returns>For example "(rbf-median=nonzero-fraction=1)" or "(rbf-sigma=3)".</returns>
    public override string ToString()
    {
        string factor = IdNumber.Of(Factor);
        return Median is { } median
            ? $"(rbf-median={median switch { RbfMedian.NonZero => "nonzero", RbfMedian.LowerNonZero => "lower_nonzero", _ => "all" }}-fraction={factor})"
            : string.Create(CultureInfo.InvariantCulture, $"(rbf-sigma={factor})");
    }
}
