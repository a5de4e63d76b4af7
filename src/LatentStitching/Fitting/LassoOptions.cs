using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="LassoFitter"/>.</summary>
public sealed record LassoOptions
{
    /// <summary>The penalty α, in scikit-learn's convention: the squared error is divided by 2n. From <see cref="LassoFitter.AlphaMax"/> on all coefficients are zero.</summary>
    /// <value>In source units times target units (the part on ‖w‖², with <see cref="L1Ratio"/> below 1, in squared source units); positive; default 1.</value>
    public double Alpha
    {
        get;
        init => field = Guard.Positive(value, nameof(Alpha));
    } = 1;

    /// <summary>ρ, the share of the penalty that is ρα‖w‖₁; the rest is (1 − ρ)α/2·‖w‖² (the elastic net).</summary>
    /// <value>Above 0, at most 1; default 1, the lasso.</value>
    public double L1Ratio
    {
        get;
        init => field = SparseFit.RequireL1Ratio(value, nameof(L1Ratio));
    } = 1;

    /// <summary>Whether coefficients must not be negative.</summary>
    /// <value>Default false.</value>
    public bool Positive { get; init; }

    /// <summary>Whether the map has an offset, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    /// <summary>The most sweeps over the coefficients in use, for each target column.</summary>
    /// <value>Positive; default 10,000.</value>
    public long MaxIterations
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxIterations));
    } = 10_000;

    /// <summary>Largest duality gap of each target column, relative to the objective of the map of zeros, ‖y − ȳ‖²/2n. The objective is then at most that much above its minimum. Below about 10⁻¹² rounding may keep it from being seen.</summary>
    /// <value>Positive; default 10⁻⁶.</value>
    public double Tolerance
    {
        get;
        init => field = Guard.Positive(value, nameof(Tolerance));
    } = 1e-6;
}
