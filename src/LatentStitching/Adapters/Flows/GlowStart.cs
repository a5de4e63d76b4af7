using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Flows;

/// <summary>First values of a new Glow: couplings that do nothing yet, and channels mixed by random rotations.</summary>
internal static class GlowStart
{
    public static GlowNetwork Create(GlowShape shape, ulong seed, Device device, ScalarType dtype)
    {
        GlowDialect dialect = GlowDialect.Of(shape);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var weights = WeightSet.Create(dialect.Weights(), seed, device, dtype);
        // A stream of its own: the one of the weights begins with the same seed.
        using Generator generator = new(unchecked(seed + 0x9E3779B97F4A7C15), device);
        for (int level = 0; level < shape.Levels; level++)
        {
            for (int step = 0; step < shape.Steps; step++) Mix(dialect, weights, level, dialect.Step(level, step), generator);
        }
        return new GlowNetwork(dialect, weights);
    }

    private static void Mix(GlowDialect dialect, WeightSet weights, int level, string step, Generator generator)
    {
        using var scope = NewDisposeScope();
        GlowFactorNames names = dialect.Factors;
        long channels = dialect.Shape.Channels(level);
        GlowPermutation permutation = dialect.Shape.PermutationOf(level);
        if (permutation == GlowPermutation.Shuffle)
        {
            Set(weights[step + names.Order], randperm(channels, ScalarType.Int64, generator.device, generator: generator));
            return;
        }
        (Tensor rotation, _) = linalg.qr(randn([channels, channels], ScalarType.Float64, generator.device, generator: generator));
        if (permutation == GlowPermutation.Convolution)
        {
            Set(weights[step + names.Matrix], rotation);
            return;
        }
        (Tensor p, Tensor l, Tensor u) = linalg.lu(rotation);
        Tensor diagonal = u.diagonal();
        Set(weights[step + names.Permutation], p);
        Set(weights[step + names.Lower], l.tril(-1));
        Set(weights[step + names.LogDiagonal], diagonal.abs().log());
        Set(weights[step + names.Upper], u.triu(1));
        Set(weights[step + names.Sign], diagonal.sign());
    }

    private static void Set(Tensor weight, Tensor values) => weight.copy_(values.reshape(weight.shape));
}
