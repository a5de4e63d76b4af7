using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="MultiTaskLassoFitter"/>.</summary>
public sealed record MultiTaskLassoOptions
{
    /// <summary>The penalty α, in scikit-learn's convention: the squared error is divided by 2n. From <see cref="MultiTaskLassoFitter.AlphaMax"/> on all coefficients are zero.</summary>
    /// <value>In source units times target units (the part on ‖W‖², with <see cref="L1Ratio"/> below 1, in squared source units); positive; default 1.</value>
    public double Alpha
    {
        get;
        init => field = Guard.Positive(value, nameof(Alpha));
    } = 1;

    /// <summary>ρ, the share of the penalty that is ρα·Σ_j‖w_j‖₂; the rest is (1 − ρ)α/2·‖W‖².</summary>
    /// <value>Above 0, at most 1; default 1.</value>
    public double L1Ratio
    {
        get;
        init => field = SparseFit.RequireL1Ratio(value, nameof(L1Ratio));
    } = 1;

    /// <summary>Whether the map has an offset, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    /// <summary>The most sweeps over the source columns in use.</summary>
    /// <value>Positive; default 10,000.</value>
    public long MaxIterations
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxIterations));
    } = 10_000;

    /// <summary>Largest duality gap, relative to the objective of the map of zeros, ‖Y − Ȳ‖²/2n. Below about 10⁻¹² rounding may keep it from being seen.</summary>
    /// <value>Positive; default 10⁻⁶.</value>
    public double Tolerance
    {
        get;
        init => field = Guard.Positive(value, nameof(Tolerance));
    } = 1e-6;
}
