namespace LatentStitching.Numerics;

/// <summary>The penalty l₁·Σ‖w_j‖₂ + l₂/2·‖W‖² over the rows w_j of W, where rows of one entry may be held to be zero or more.</summary>
internal readonly record struct SparsePenalty(double L1, double L2, bool Positive)
{
    /// <summary>How far a row's correlation with the residual pulls: what the row's entry into the map is decided by.</summary>
    public double Pull(ReadOnlySpan<double> correlation)
    {
        if (correlation.Length == 1) return Positive ? Math.Max(0, correlation[0]) : Math.Abs(correlation[0]);
        return Math.Sqrt(Vectors.Dot(correlation, correlation));
    }
}
