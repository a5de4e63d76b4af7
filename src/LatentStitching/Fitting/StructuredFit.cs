using LatentStitching.Mapping;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>What the fitters of structured maps share.</summary>
internal static class StructuredFit
{
    // 16 MB of float64 a side, some 200 MB as unfolded for a 5×5 kernel.
    private const long BlockEntries = 1L << 21;

    /// <summary>Requires a shape [channels, height, width] of positive numbers.</summary>
    public static IReadOnlyList<long> Shape(IReadOnlyList<long> value, string name)
    {
        ArgumentNullException.ThrowIfNull(value, name);
        if (value.Count != 3 || value.Any(size => size <= 0))
        {
            throw new ArgumentException($"{name} must be [channels, height, width] of positive sizes, but it is [{string.Join(", ", value)}].", name);
        }
        return [.. value];
    }

    public static void RequireColumns(LatentPairs pairs, IReadOnlyList<long> source, IReadOnlyList<long> target)
    {
        Columns("source", pairs.SourceDimension, source);
        Columns("target", pairs.TargetDimension, target);

        void Columns(string side, long actual, IReadOnlyList<long> shape)
        {
            long expected = shape.Aggregate(1L, (product, size) => checked(product * size));
            if (actual == expected) return;
            throw new ArgumentException($"pairs must have {expected} {side} columns, as [{string.Join(", ", shape)}] has, but it has {actual}. A part of a latent is fitted by BlockFitter.", nameof(pairs));
        }
    }

    /// <summary>Makes the map of a float64 form and offset, of which copies are kept, and judges it on the rows it was fitted to; ‖Y − M(X)‖² comes with it, NaN where numbers are not finite.</summary>
    public static LatentMapFit Finish(LatentPairs pairs, LinearForm form, Tensor? bias, bool intercept, FitReport report, out double residual)
    {
        residual = double.NaN;
        if (form.Tensors.Select(part => part.Tensor).Concat(bias is null ? [] : [bias]).Any(part => !part.isfinite().all().ToBoolean()))
        {
            return new LatentMapFit(AffineMap.Make(form.With(part => zeros_like(part)), null), report with { Status = FitStatus.NonFiniteResult });
        }
        AffineMap map = AffineMap.Make(form, bias);
        residual = Residual(map, pairs);
        return new LatentMapFit(map, report with { TrainingR2 = R2(residual, pairs, intercept) });
    }

    /// <summary>1 − ‖Y − M(X)‖² / ‖Y − Ȳ‖², float64; without an intercept the mean is not taken off.</summary>
    public static double R2(double residual, LatentPairs pairs, bool intercept)
    {
        using var scope = NewDisposeScope();
        return LinearFit.R2(residual, CentredMatrix.Of(pairs.Target, intercept).SumOfSquares());
    }

    /// <summary>‖Y − M(X)‖², float64.</summary>
    public static double Residual(ILatentMap map, LatentPairs pairs)
    {
        using var scope = NewDisposeScope();
        double residual = 0;
        foreach (Tensor differences in Differences(map, pairs)) residual += differences.square().sum().ToDouble();
        return residual;
    }

    /// <summary>M(X) − Y in float64, some rows at a time: torch unfolds a float64 batch whole to convolve it. Each is freed as the next is asked for.</summary>
    public static IEnumerable<Tensor> Differences(ILatentMap map, LatentPairs pairs)
    {
        foreach ((long start, long size) in CentredMatrix.Blocks(pairs.Count, Math.Max(1, BlockEntries / Math.Max(pairs.SourceDimension, pairs.TargetDimension))))
        {
            using var block = NewDisposeScope();
            yield return map.Apply(pairs.Source.narrow(0, start, size).to_type(ScalarType.Float64)).sub(pairs.Target.narrow(0, start, size));
        }
    }

    /// <summary>A report with what every structured fit knows; the training R² comes with <see cref="Finish"/>.</summary>
    public static FitReport Report(LatentPairs pairs, FitStatus status, string solver, double alpha) => new()
    {
        Status = status,
        Solver = solver,
        SampleCount = pairs.Count,
        SourceDimension = pairs.SourceDimension,
        TargetDimension = pairs.TargetDimension,
        Alpha = alpha,
        TrainingR2 = double.NaN,
    };
}
