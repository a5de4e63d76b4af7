namespace LatentStitching.Mapping;

/// <summary>The singular values of a map's linear part and what they tell about its rank.</summary>
/// <remarks>
/// Three notions of rank, from strict to soft: <see cref="Rank"/> counts what is not rounding noise, <see cref="RankFor"/> counts the directions that carry a share of ‖W‖²_F = Σσ², and the effective and the stable rank weigh all of
/// them. A zero map has rank 0 in each.
/// </remarks>
public sealed record MapSpectrum
{
    /// <summary>All min(target, source) singular values σ, descending, in target units a source unit.</summary>
    public required IReadOnlyList<double> SingularValues { get; init; }

    /// <summary>Share of Σσ² that the first i + 1 singular values carry, ascending to 1; all 0 for a zero map.</summary>
    public required IReadOnlyList<double> CumulativeShare { get; init; }

    /// <summary>Number of singular values above max(target, source)·ε·σ₁, ε the spacing of the map's dtype at 1.</summary>
    public required long Rank { get; init; }

    /// <summary>σ₁ over the smallest singular value that <see cref="Rank"/> counts; infinite for a zero map.</summary>
    public required double ConditionNumber { get; init; }

    /// <summary>exp(−Σp·ln p) with p = σ/Σσ, from 1 to the number of singular values.</summary>
    /// <remarks>Source: Roy and Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007, definition 1.</remarks>
    public required double EffectiveRank { get; init; }

    /// <summary>‖W‖²_F / σ₁², from 1 to the number of singular values; robust to small perturbations of W.</summary>
    /// <remarks>Source: Rudelson and Vershynin, "Sampling from large matrices: an approach through geometric functional analysis", J. ACM 54 (2007), where it is called the numerical rank.</remarks>
    public required double StableRank { get; init; }

    /// <summary>How many singular directions carry 90 % of Σσ².</summary>
    public long Rank90 => RankFor(0.90);

    /// <summary>How many singular directions carry 95 % of Σσ².</summary>
    public long Rank95 => RankFor(0.95);

    /// <summary>How many singular directions carry 99 % of Σσ².</summary>
    public long Rank99 => RankFor(0.99);

    /// <summary>The least number of singular directions that carry a share of Σσ².</summary>
    /// <param name="share">The share, strictly between 0 and 1.</param>
    /// <returns>The count, 1 for a rank-one map; 0 for a zero map.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="share"/> is outside its range.</exception>
    public long RankFor(double share)
    {
        Numerics.Guard.Fraction(share);
        if (SingularValues[0] == 0) return 0;
        int count = 0;
        while (count < CumulativeShare.Count - 1 && CumulativeShare[count] < share) count++;
        return count + 1;
    }

    /// <summary>Says the ranks in one line.</summary>
    /// <returns>For example "rank 512 (90 %: 120, 99 %: 301), effective 240.1, stable 31.5, condition number 1.2e+04".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"rank {Rank} (90 %: {Rank90}, 99 %: {Rank99}), effective {EffectiveRank:0.0}, stable {StableRank:0.0}, condition number {ConditionNumber:g3}");

    internal static MapSpectrum Of(Tensor singularValues, double relativeCut)
    {
        // Rounding may leave a zero singular value just below zero.
        double[] values = [.. singularValues.cpu().data<double>().Select(value => Math.Max(0, value))];
        double largest = values[0];
        // Relative to the largest, so that no square leaves the range of float64.
        double[] relative = largest > 0 ? Array.ConvertAll(values, value => value / largest) : values;
        double squares = relative.Sum(value => value * value), sum = relative.Sum();
        double[] shares = new double[values.Length];
        double running = 0;
        for (int i = 0; i < values.Length && largest > 0; i++) shares[i] = Math.Min(1, (running += relative[i] * relative[i]) / squares);
        int rank = relative.Count(value => value > relativeCut);
        return new MapSpectrum
        {
            SingularValues = values,
            CumulativeShare = shares,
            Rank = largest > 0 ? rank : 0,
            ConditionNumber = largest > 0 && rank > 0 ? 1 / relative[rank - 1] : double.PositiveInfinity,
            EffectiveRank = largest > 0 ? Math.Exp(-relative.Where(value => value > 0).Sum(value => value / sum * Math.Log(value / sum))) : 0,
            StableRank = largest > 0 ? squares : 0,
        };
    }
}
