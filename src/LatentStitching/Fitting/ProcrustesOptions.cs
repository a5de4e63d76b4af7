namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="ProcrustesFitter"/>.</summary>
public sealed record ProcrustesOptions
{
    /// <summary>Whether the rotation is followed by one factor for all columns, the one of least squared error.</summary>
    /// <value>Default false: lengths are kept.</value>
    public bool Scaling { get; init; }

    /// <summary>Whether the rotation may mirror. Without it the determinant is +1, which needs spaces of one width.</summary>
    /// <value>Default true.</value>
    public bool AllowReflection { get; init; } = true;

    /// <summary>Whether both sides are divided column by column by their spread (about the mean, or about zero without an intercept) before the rotation, and the target's spread is put back after it.</summary>
    /// <value>Default false. With it the map is an isometry of the standardised spaces. A column without spread is not divided.</value>
    public bool Standardise { get; init; }

    /// <summary>
    /// Whether directions that the pairs leave open (XᵀY has a rank below both widths) are filled up, so that the map is orthogonal or semi-orthogonal whatever the pairs. Which directions
    /// the filling takes is the decomposition's choice, as in SciPy, netrep and latentis. A rotation without reflection is always full.
    /// </summary>
    /// <value>Default false: open directions are mapped to zero. Not looked at where <see cref="AllowReflection"/> is false.</value>
    public bool CompleteBasis { get; init; }

    /// <summary>Whether the map has an offset: both sides are centred first.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;
}
