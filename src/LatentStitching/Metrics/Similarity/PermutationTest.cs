using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Whether two spaces are more alike than chance makes them: the similarity measure beside its values when the rows of one space are shuffled.</summary>
/// <remarks>
/// <para>p = (b + 1)/(m + 1), b of m shuffles being at least as good as what was measured: never 0, and valid for any number of shuffles. Under it all images are exchangeable: rows that are related to each other,
/// such as frames of one film, make it too small. Correct p-values of many pairs with <see cref="Holm"/>.</para>
/// <para>Source: Phipson and Smyth, "Permutation P-values Should Never Be Zero", Statistical Applications in Genetics and Molecular Biology 9 (2010), section 3.</para>
/// </remarks>
public sealed record PermutationTest
{
    /// <summary>The measured value.</summary>
    public required double Observed { get; init; }

    /// <summary>The mean of the values of shuffled rows: what chance gives.</summary>
    public required double Chance { get; init; }

    /// <summary>How many shuffles m were made.</summary>
    public required int Permutations { get; init; }

    /// <summary>How many of them, b, were at least as good.</summary>
    public required int AtLeastAsGood { get; init; }

    /// <summary>The measure's signature with the number of images, of shuffles, and the seed.</summary>
    public required string Signature { get; init; }

    /// <summary>(b + 1)/(m + 1).</summary>
    public double PValue => (AtLeastAsGood + 1.0) / (Permutations + 1);

    /// <summary>Makes the test.</summary>
    /// <param name="measure">Any similarity measure; its direction says what is good.</param>
    /// <param name="x">Latent batch [n, p], floating point, finite; prepared once. Not disposed.</param>
    /// <param name="y">Latent batch [n, q], row i of the same image as row i of <paramref name="x"/>. Its rows are shuffled, in copies. Not disposed.</param>
    /// <param name="permutations">How many shuffles m, positive; 999 by default, for a least p-value of 0.001.</param>
    /// <param name="seed">Fixes the shuffles.</param>
    /// <param name="progress">Told the number of shuffles done, at most about a hundred times.</param>
    /// <param name="cancellationToken">Cancels between shuffles; no tensor is left alive.</param>
    /// <returns>The test's outcome.</returns>
    /// <exception cref="ArgumentException">A batch is not a finite matrix, the rows or devices differ, or the measure is not defined for them.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="permutations"/> is not positive.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PermutationTest Of(ISimilarityMeasure measure, Tensor x, Tensor y, int permutations = 999, ulong seed = 0, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(measure);
        Guard.Positive(permutations);
        TensorGuard.Matrix(x);
        TensorGuard.Matrix(y);
        TensorGuard.SameRows(x, y, nameof(x), nameof(y));
        TensorGuard.SameDevice(x, y, nameof(x), nameof(y));
        using PreparedLatents reference = measure.Prepare(x, nameof(x));
        double observed;
        using (PreparedLatents own = measure.Prepare(y, nameof(y))) observed = measure.Measure(reference, own);
        // A shuffle that changes nothing for the measure shall count as equal, whatever its last digit.
        double sign = measure.Info.Direction == MetricDirection.HigherIsBetter ? 1 : -1, tolerance = 1e-12 * Math.Max(1, Math.Abs(observed)), sum = 0;
        using Generator generator = new(seed);
        int asGood = 0;
        for (int shuffle = 1; shuffle <= permutations; shuffle++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using PreparedLatents shuffled = measure.Prepare(y.index_select(0, randperm(y.size(0), generator: generator).to(y.device)), nameof(y));
            double value = measure.Measure(reference, shuffled);
            sum += value;
            if (sign * value >= (sign * observed) - tolerance) asGood++;
            if (shuffle % Math.Max(1, permutations / 100) == 0) progress?.Report(shuffle);
        }
        return new PermutationTest
        {
            Observed = observed,
            Chance = sum / permutations,
            Permutations = permutations,
            AtLeastAsGood = asGood,
            Signature = string.Create(CultureInfo.InvariantCulture, $"{measure.Info.ToMetricInfo().Signature}|n:{x.size(0)}|p:permutation-{permutations}|seed:{seed}"),
        };
    }

    /// <summary>Says the outcome.</summary>
    /// <returns>For example "0.5675, by chance 0.01, p = 0.002".</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Observed:g4}, by chance {Chance:g4}, p = {PValue:g4}");
}
