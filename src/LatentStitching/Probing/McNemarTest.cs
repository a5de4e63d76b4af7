using LatentStitching.Numerics;
using MathNet.Numerics;
using MathNet.Numerics.Distributions;

namespace LatentStitching.Probing;

/// <summary>Whether two classifiers judged on the same rows differ in accuracy: McNemar's test, in its exact and in its χ² form.</summary>
/// <remarks>
/// Only the rows on which exactly one is right bear on the question. Source: McNemar, Psychometrika 12 (1947); the continuity correction is Edwards's, Psychometrika 13 (1948); Dietterich, Neural Computation 10 (1998), section 3.1,
/// recommends the test for classifiers.
/// </remarks>
public sealed record McNemarTest
{
    /// <summary>Makes the test of two counts.</summary>
    /// <param name="onlyFirstRight">Rows on which the first alone is right, zero or more.</param>
    /// <param name="onlySecondRight">Rows on which the second alone is right, zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative.</exception>
    public McNemarTest(int onlyFirstRight, int onlySecondRight)
    {
        OnlyFirstRight = (int)Guard.NotNegative((long)onlyFirstRight, nameof(onlyFirstRight));
        OnlySecondRight = (int)Guard.NotNegative((long)onlySecondRight, nameof(onlySecondRight));
        int either = onlyFirstRight + onlySecondRight, less = Math.Min(onlyFirstRight, onlySecondRight);
        if (either == 0) return;
        ExactP = Math.Min(1, 2 * Binomial.CDF(0.5, either, less));
        ChiSquared = Math.Pow(Math.Max(0, Math.Abs((double)onlyFirstRight - onlySecondRight) - 1), 2) / either;
        ChiSquaredP = SpecialFunctions.Erfc(Math.Sqrt(ChiSquared / 2));
    }

    /// <summary>Rows on which the first alone is right.</summary>
    public int OnlyFirstRight { get; }

    /// <summary>Rows on which the second alone is right.</summary>
    public int OnlySecondRight { get; }

    /// <summary>Two-sided p-value of the exact test: twice the smaller tail of a binomial with probability ½, at most 1. 1 where no row separates the two.</summary>
    public double ExactP { get; } = 1;

    /// <summary>max(0, |b − c| − 1)²/(b + c), the statistic with continuity correction; 0 where no row separates the two.</summary>
    public double ChiSquared { get; }

    /// <summary>p-value of <see cref="ChiSquared"/> with one degree of freedom. Below some 25 separating rows, read <see cref="ExactP"/>.</summary>
    public double ChiSquaredP { get; } = 1;
}
