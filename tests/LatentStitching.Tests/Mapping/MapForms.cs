using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Mapping.Forms;

namespace LatentStitching.Tests.Mapping;

/// <summary>One map of each form, of the same seed the same.</summary>
internal static class MapForms
{
    public static readonly string[] All = ["dense", "factored", "1×1", "3×3", "5×5", "kronecker", "blocks", "kernel"];

    /// <summary>Those that any dtype can have and a file keeps: a kernel of rows is float64 and is saved as its factors.</summary>
    public static readonly string[] OfAnyType = All[..^1];

    public static Tensor Normal(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed);
        return randn(shape, ScalarType.Float64, generator: generator);
    }

    /// <summary>A map from [channels, height, width] to [outputs, height, width], or of those products of columns.</summary>
    public static AffineMap Make(string form, ulong seed, long channels = 3, long outputs = 2, long height = 4, long width = 5, ScalarType dtype = ScalarType.Float64)
    {
        using var scope = NewDisposeScope();
        long places = height * width, source = channels * places, target = outputs * places;
        Tensor bias = Of(1, target);
        switch (form)
        {
            case "dense": return new AffineMap(Of(2, target, source), bias);
            case "factored": return AffineMap.Factored(Of(2, target, 3), Of(3, 3, source), bias);
            case "kronecker": return AffineMap.Kronecker(Of(2, places, places), Of(3, outputs, channels), bias);
            case "kernel":
                // Dual, for which a source has as many columns as rows.
                long rows = Math.Min(4, source);
                if (rows < 2) return new AffineMap(Of(2, target, source), bias);
                using (SharedSource shared = new(Of(2, rows, source)))
                using (LatentMapFit fit = shared.Fit(Of(3, rows, target), 0.5))
                {
                    return AffineMap.Kernel((KernelForm)fit.Affine.Linear, bias);
                }
            case "blocks":
                // Two levels: the first channel, dense, and a 1×1 convolution over the others.
                if (channels == 1 || outputs == 1)
                {
                    using AffineMap only = new(Of(2, target, source), bias);
                    return AffineMap.Blocks(only);
                }
                using (AffineMap head = new(Of(2, places, places), bias.narrow(0, 0, places)), tail = AffineMap.Convolution(Of(3, outputs - 1, channels - 1, 1, 1), height, width, bias.narrow(0, places, target - places)))
                {
                    return AffineMap.Blocks(head, tail);
                }
            default:
                long size = form[0] - '0';
                return AffineMap.Convolution(Of(2, outputs, channels, size, size), height, width, bias);
        }

        Tensor Of(ulong part, params long[] shape) => Normal((seed * 10) + part, shape).to_type(dtype);
    }

    /// <summary>The same map with its weight as one matrix, formed by the definition and not by the map.</summary>
    public static AffineMap Dense(AffineMap map)
    {
        using var scope = NewDisposeScope();
        Tensor unit = eye(map.SourceDimension, dtype: ScalarType.Float64);
        return new AffineMap(map.Transport(unit).t(), map.Bias);
    }
}
