using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="RidgePathFitter"/>.</summary>
public sealed record RidgePathOptions
{
    /// <summary>The strengths to choose from, in squared source units, not divided by the number of pairs. Zero, least squares, counts only where the source determines the map.</summary>
    /// <value>
    /// Null by default: half-decade steps from 10⁻⁸ to 10³ times the mean eigenvalue of XᵀX, and zero. The scale of the latents thus does not matter.
    /// </value>
    public IReadOnlyList<double>? Alphas
    {
        get;
        init
        {
            if (value is not null)
            {
                Guard.NotEmpty(value, "Leave it null for the default path.", nameof(Alphas));
                foreach (double alpha in value) Guard.NotNegative(alpha, nameof(Alphas));
            }
            field = value is null ? null : [.. value];
        }
    }

    /// <summary>How a strength is judged.</summary>
    /// <value>Default <see cref="RidgeCriterion.LeaveOneOut"/>. A fit from statistics has no rows to leave out and asks for <see cref="RidgeCriterion.GeneralisedCrossValidation"/>.</value>
    public RidgeCriterion Criterion { get; init; }

    /// <summary>Which rows are left out together: a label a row, in the pairs' order; rows of one label are one group. For rows that are not independent (images of one person, augmentations, frames), of which leave-one-out
    /// takes too small a strength: what is left in tells of what was left out.</summary>
    /// <value>
    /// Null by default: each row alone. Else at least two different labels, of which only equality counts, as many as the pairs have rows. <see cref="Folds"/> makes those of k folds. A strength is judged by the mean squared
    /// error over all rows, each predicted by the fit without its group, so larger groups weigh more; the report tells it as <see cref="FitReport.CrossValidatedR2"/>. Only with <see cref="RidgeCriterion.LeaveOneOut"/>.
    /// </value>
    public IReadOnlyList<int>? Groups
    {
        get;
        init
        {
            if (value is not null) Guard.NotAlike(value, "groups", "Leave it null to leave out each row alone.", nameof(Groups));
            field = value is null ? null : [.. value];
        }
    }

    /// <summary>Whether each target column gets a strength of its own.</summary>
    /// <value>Default false: one strength, of the least error summed over all columns.</value>
    public bool PerTarget { get; init; }

    /// <summary>Whether the leave-one-out error of every strength is computed to the last digit, for a curve of them. The chosen strength and its error are the same either way.</summary>
    /// <value>
    /// Default false: where all of them would take more than 2³¹ operations (about a twentieth of a second of one core), only those are computed that may be the least. The others come with a bound,
    /// <see cref="RidgePathPoint.ErrorBound"/>, typically 0.1 to 1 % of them. Not looked at with <see cref="PerTarget"/>, with <see cref="Groups"/>, with generalised cross-validation and for a fit from statistics, where all are exact.
    /// </value>
    public bool ExactPath { get; init; }

    /// <summary>Whether the map has an offset, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    /// <summary>The dtype of the map: float64 keeps the fit's digits; float32 halves the memory and rounds: 2·10⁻⁷ of a prediction and up to 10⁻⁵ for wide ill-conditioned sources.</summary>
    /// <value>A floating-point type; default float64, whatever the latents are. <see cref="Mapping.AffineMap.To"/> makes the map smaller afterwards.</value>
    public ScalarType MapType
    {
        get;
        init => field = Guard.FloatingPoint(value, nameof(MapType));
    } = ScalarType.Float64;

    /// <summary>Labels for <see cref="Groups"/> that deal rows into folds: those of scikit-learn's <c>KFold</c>, the first rows % folds folds one row larger.</summary>
    /// <param name="rows">Number of rows, at least <paramref name="folds"/>.</param>
    /// <param name="folds">Number of folds k, at least 2.</param>
    /// <param name="seed">Seed of the deal: one seed gives one deal on every machine. Null for folds of rows that follow each other, which rows sorted by anything make unlike each other.</param>
    /// <returns>The fold of each row, from 0 to k − 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than two folds, or fewer rows than folds.</exception>
    public static IReadOnlyList<int> Folds(long rows, int folds, ulong? seed = null)
    {
        Guard.AtLeast(folds, 2);
        int count = Guard.AtLeast(checked((int)rows), folds, nameof(rows));
        // The first folds have a row more; they end at the row with which the others begin.
        int least = count / folds, larger = count % folds, end = larger * (least + 1);
        int[] labels = new int[count], order = seed is { } drawn ? new SplitMix64(drawn).Permutation(count) : [.. Enumerable.Range(0, count)];
        for (int place = 0; place < count; place++) labels[order[place]] = place < end ? place / (least + 1) : larger + ((place - end) / least);
        return labels;
    }
}
