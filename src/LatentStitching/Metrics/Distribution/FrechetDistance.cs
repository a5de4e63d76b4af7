namespace LatentStitching.Metrics.Distribution;

/// <summary>Fréchet distance between two sets of features seen as Gaussians: the FID where the features are Inception's. 0 for equal moments, no upper end.</summary>
/// <remarks>
/// <para>‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2·tr(Σ₁Σ₂)^½ with unbiased covariances (n − 1), in float64. tr(Σ₁Σ₂)^½ is the nuclear norm ‖AᵀB‖₊ for any factors Σ₁ = AAᵀ, Σ₂ = BBᵀ: with no more images than
/// features the centred rows are such factors and no covariance is formed (Mathiasen and Hvilshøj, arXiv:2009.14075); else Cholesky factors are, and the norm comes from an eigendecomposition where its rounding
/// is below 10⁻⁸ of the traces, from singular values where it is not. No complex numbers and no small offsets occur.</para>
/// <para>Biased: it falls towards its limit as the number of images grows, at a rate that depends on the model (Chong and Forsyth, arXiv:1911.07023). Values of different numbers of images or different features are not comparable.</para>
/// <para>Cost at d features: n₁n₂d + min(n₁, n₂)³ with few images, else about 4d³.</para>
/// <para>Source: Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter, "GANs Trained by a Two Time-Scale Update Rule", NeurIPS 2017 (arXiv:1706.08500), eq. (6); Dowson and Landau, J. Multivariate Analysis 12 (1982), 450–455.</para>
/// </remarks>
public static class FrechetDistance
{
    private const long EnoughImages = 2048;

    /// <summary>Measures from moments alone.</summary>
    /// <param name="candidate">Statistics of the images to judge, at least two. Not changed.</param>
    /// <param name="reference">Statistics of the images to judge them by, of the same features, at least two. Not changed.</param>
    /// <returns>The distance and its warnings, without a kernel distance.</returns>
    /// <exception cref="ArgumentException">The features differ, or a set has fewer than two images.</exception>
    public static FrechetResult Evaluate(FeatureStatistics candidate, FeatureStatistics reference)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(reference);
        FeatureGuard.Same(candidate.Features, candidate.Dimension, reference.Features, reference.Dimension);
        FeatureGuard.Enough(candidate.Count, 2, nameof(candidate));
        FeatureGuard.Enough(reference.Count, 2, nameof(reference));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double mean = candidate.Mean().sub_(reference.Mean()).square().sum().ToDouble();
        GaussianFactor one = GaussianFactor.Of(candidate), other = GaussianFactor.Of(reference);
        double spread = one.Trace + other.Trace - (2 * FrechetTrace.Of(one, other));
        return new FrechetResult
        {
            Distance = new MetricValue
            {
                Info = Info(candidate.Features),
                // Rounding may take equal moments below zero, which the distance cannot be.
                Value = Math.Max(0, mean + spread),
                Lower = double.NaN,
                Upper = double.NaN,
                Count = $"{candidate.Count}/{reference.Count}",
                IntervalMethod = "none",
            },
            KernelDistance = null,
            Warnings = [.. Warnings(candidate, reference, one.Trace == 0 || other.Trace == 0)],
            MeanPart = mean,
        };
    }

    /// <summary>Measures from features, with the kernel distance beside it wherever there is a warning.</summary>
    /// <param name="candidate">Features of the images to judge, at least two. Not changed.</param>
    /// <param name="reference">Features of the images to judge them by, from the same extractor, at least two. Not changed.</param>
    /// <returns>The distance, its warnings and the kernel distance.</returns>
    /// <exception cref="ArgumentException">The features differ, or a set has fewer than two images.</exception>
    public static FrechetResult Evaluate(FeatureSet candidate, FeatureSet reference)
    {
        FeatureSet.RequirePair(candidate, reference, 2);
        FrechetResult result = Evaluate(candidate.Statistics, reference.Statistics);
        return result.Warnings.Count == 0 ? result : result with { KernelDistance = new KernelDistance().Evaluate(candidate, reference) };
    }

    /// <summary>What the distance of certain features is.</summary>
    internal static MetricInfo Info(string features) => new()
    {
        Name = "Fréchet distance",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "squared feature units",
        Reference = "Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter, NeurIPS 2017 (arXiv:1706.08500)",
        Signature = $"fid|features:{features}|cov:unbiased",
    };

    private static IEnumerable<FrechetWarning> Warnings(FeatureStatistics candidate, FeatureStatistics reference, bool constant)
    {
        long fewest = Math.Min(candidate.Count, reference.Count);
        if (fewest <= candidate.Dimension) yield return FrechetWarning.FewerImagesThanFeatures;
        if (fewest < EnoughImages) yield return FrechetWarning.FewImages;
        if (constant) yield return FrechetWarning.NoVariance;
    }
}
