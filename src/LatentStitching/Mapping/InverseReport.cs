namespace LatentStitching.Mapping;

/// <summary>How the inverse of a map was made, and how far it can be trusted.</summary>
public sealed record InverseReport
{
    /// <summary>What it is: "transpose" of an orthogonal W (divided by a factor), "inverse", or "pseudo-inverse".</summary>
    public required string Method { get; init; }

    /// <summary>Number of singular values of W above the cut-off.</summary>
    public required long Rank { get; init; }

    /// <summary>Largest over smallest singular value above the cut-off: how much the inverse may blow up a relative error. At least 1; infinite for rank 0.</summary>
    public required double ConditionNumber { get; init; }

    /// <summary>Singular values up to this counted as zero, in target units a source unit.</summary>
    public required double CutOff { get; init; }

    internal static InverseReport Of(Tensor values, double relative, bool square)
    {
        using var scope = NewDisposeScope();
        double largest = values[0].ToDouble(), cut = relative * largest;
        long rank = values.gt(cut).sum().ToInt64();
        return new InverseReport
        {
            Method = square && rank == values.size(0) ? "inverse" : "pseudo-inverse",
            Rank = rank,
            ConditionNumber = rank == 0 ? double.PositiveInfinity : largest / values[rank - 1].ToDouble(),
            CutOff = cut,
        };
    }

    /// <summary>Says it in one line.</summary>
    /// <returns>For example "pseudo-inverse of rank 300, condition number 1.2e+04".</returns>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Method} of rank {Rank}, condition number {ConditionNumber:g3}");
}
