using LatentStitching.Numerics;
using MathNet.Numerics;
using MathNet.Numerics.Distributions;

namespace LatentStitching.Models;

/// <summary>Looks whether latents lie where draws of a prior lie: by their norm, and column by column.</summary>
/// <remarks>
/// <para>Draws of N(0, I) in D dimensions have norms within a few units of √D, the typical set. A decoder has never seen latents from elsewhere, and a flow's inverse may blow up on them: Nalisnick et al., "Detecting
/// out-of-distribution inputs to deep generative models using typicality" (arXiv:1906.02994).</para>
/// <para>Columns are compared by Kolmogorov's distance, the largest one between distribution functions. Computed in float64.</para>
/// </remarks>
public static class TypicalSet
{
    private const double Middle = 0.99;

    // Entries compared at once.
    private const long Block = 1L << 22;

    /// <summary>Compares latents with N(0, I).</summary>
    /// <param name="latents">Latent batch [n, D], floating point, finite. Whiten those of a flow first: <see cref="Adapters.Flows.Glow.Whiten"/>. Not disposed.</param>
    /// <returns>The report. Its p-values are those of Kolmogorov's law with Vrbik's correction for finite n.</returns>
    /// <exception cref="ArgumentException">The batch is no matrix, is empty, or is not finite.</exception>
    public static TypicalSetReport Evaluate(Tensor latents)
    {
        TensorGuard.FiniteMatrix(latents);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (long count, long dimension) = (latents.size(0), latents.size(1));
        double[] norms = Norms(latents);
        double[] levels = [.. norms.Select(norm => ChiSquared.CDF(dimension, norm * norm)).Order()];
        double distance = levels.Select((level, i) => Math.Max(((i + 1.0) / count) - level, level - ((double)i / count))).Max();
        double[] distances = ByColumns(dimension, count, (start, size) => Kolmogorov.Distance(latents.narrow(1, start, size), x => (x / -Math.Sqrt(2)).erfc() / 2));
        return new TypicalSetReport
        {
            Count = count,
            Dimension = dimension,
            MeanNorm = norms.Average(),
            ExpectedNorm = Math.Sqrt(2) * Math.Exp(SpecialFunctions.GammaLn((dimension + 1) / 2.0) - SpecialFunctions.GammaLn(dimension / 2.0)),
            ShareOutside = Outside(levels),
            NormDistance = distance,
            NormPValue = Kolmogorov.PValue(distance, count),
            Distances = distances,
            PValues = [.. distances.Select(each => Kolmogorov.PValue(each, count))],
        };
    }

    /// <summary>Compares latents with draws of any prior.</summary>
    /// <param name="latents">Latent batch [n, D], floating point, finite. Not disposed.</param>
    /// <param name="reference">Draws [m, D], as <see cref="ILatentPrior.Sample"/> gives them, on the same device; m in the hundreds or more. Not disposed.</param>
    /// <returns>The report. Its p-values are those of Smirnov's limiting law for two samples.</returns>
    /// <exception cref="ArgumentException">A batch is no matrix, is empty or not finite, or their widths or devices differ.</exception>
    public static TypicalSetReport Evaluate(Tensor latents, Tensor reference)
    {
        TensorGuard.FiniteMatrix(latents);
        TensorGuard.FiniteMatrix(reference);
        TensorGuard.SameDevice(latents, reference, nameof(latents), nameof(reference));
        (long count, long draws, long dimension) = (latents.size(0), reference.size(0), latents.size(1));
        if (reference.size(1) != dimension)
        {
            throw new ArgumentException($"reference must have the {dimension} columns of latents, but its shape is {TensorGuard.Shape(reference)}.", nameof(reference));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double[] norms = Norms(latents), expected = Norms(reference);
        double distance = Kolmogorov.Distance(tensor(norms).unsqueeze(1), tensor(expected).unsqueeze(1)).ToDouble();
        double[] distances = ByColumns(dimension, count + draws, (start, size) => Kolmogorov.Distance(latents.narrow(1, start, size), reference.narrow(1, start, size)));
        Array.Sort(expected);
        return new TypicalSetReport
        {
            Count = count,
            Dimension = dimension,
            MeanNorm = norms.Average(),
            ExpectedNorm = expected.Average(),
            ShareOutside = Outside([.. norms.Select(norm => Level(expected, norm))]),
            NormDistance = distance,
            NormPValue = Kolmogorov.PValue(distance, count, draws),
            Distances = distances,
            PValues = [.. distances.Select(each => Kolmogorov.PValue(each, count, draws))],
        };
    }

    private static double[] Norms(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return latents.square().sum([1], type: ScalarType.Float64).sqrt().cpu().data<double>().ToArray();
    }

    private static double[] ByColumns(long dimension, long rows, Func<long, long, Tensor> distance)
    {
        List<double> all = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(dimension, Math.Max(1, Block / rows)))
        {
            using Tensor block = distance(start, size).cpu();
            all.AddRange(block.data<double>().ToArray());
        }
        return [.. all];
    }

    private static double Outside(double[] levels) => levels.Count(level => Math.Abs(level - 0.5) > Middle / 2) / (double)levels.Length;

    // The middle of the step that an empirical distribution function makes at a tie.
    private static double Level(double[] sorted, double value)
    {
        int below = LowerBound(sorted, value, inclusive: false), upTo = LowerBound(sorted, value, inclusive: true);
        return (below + upTo) / (2.0 * sorted.Length);
    }

    private static int LowerBound(double[] sorted, double value, bool inclusive)
    {
        int low = 0, high = sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (sorted[middle] < value || (inclusive && sorted[middle] == value)) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
