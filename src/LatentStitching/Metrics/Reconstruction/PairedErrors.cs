using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Reconstruction;

/// <summary>What the paired error metrics share: checks, float64 sums a row, and the value with its interval.</summary>
internal static class PairedErrors
{
    public static void RequireLatents(Tensor actual, Tensor reference)
    {
        TensorGuard.FiniteMatrix(actual);
        TensorGuard.FiniteMatrix(reference);
        RequireSameShape(actual, reference);
    }

    public static void RequireImages(Tensor actual, Tensor reference)
    {
        TensorGuard.Images(actual);
        TensorGuard.Images(reference);
        RequireSameShape(actual, reference);
    }

    /// <summary>Mean squared difference of each row.</summary>
    public static double[] MeanSquares(Tensor actual, Tensor reference) =>
        PerImage(actual, reference, static (a, b) => (a - b).Squared().flatten(1).mean([1]));

    /// <summary>A float64 number of each row, made block by block from float64 copies of the rows.</summary>
    public static double[] PerImage(Tensor actual, Tensor reference, Func<Tensor, Tensor, Tensor> measure, long block = 512)
    {
        double[] values = new double[actual.size(0)];
        using var grad = no_grad();
        foreach ((long start, long size) in CentredMatrix.Blocks(actual.size(0), block))
        {
            using var scope = NewDisposeScope();
            Tensor a = actual.narrow(0, start, size).to_type(ScalarType.Float64), b = reference.narrow(0, start, size).to_type(ScalarType.Float64);
            measure(a, b).cpu().data<double>().CopyTo(values, (int)start);
        }
        return values;
    }

    public static MetricValue Mean(MetricInfo info, double[] perImage, ulong seed)
    {
        (double lower, double upper) = Bootstrap.Mean(perImage, seed);
        return new MetricValue
        {
            Info = info,
            Value = perImage.Average(),
            Lower = lower,
            Upper = upper,
            StandardDeviation = StandardDeviation(perImage),
            PerImage = perImage,
        };
    }

    public static double StandardDeviation(double[] values) => MathNet.Numerics.Statistics.ArrayStatistics.StandardDeviation(values);

    public static void RequireSameShape(Tensor actual, Tensor reference)
    {
        if (!actual.shape.AsSpan().SequenceEqual(reference.shape))
        {
            throw new ArgumentException(
                $"reference must have the shape of actual, but the shapes are {TensorGuard.Shape(reference)} and {TensorGuard.Shape(actual)}. Row i of both must come from the same input.",
                nameof(reference));
        }
        TensorGuard.SameDevice(actual, reference, nameof(actual), nameof(reference));
    }
}
