using LatentStitching.Adapters.Flows;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Flows;

/// <summary>Published state dictionaries out of fixtures, and flows that do something.</summary>
internal static class GlowFiles
{
    /// <summary>The weights alone, with the orders of shuffles that the published code forgets.</summary>
    public static StateDictionary Weights(StateDictionary fixture) => new(
        [.. fixture.Names.Where(name => name.StartsWith("param.", StringComparison.Ordinal) || (name.StartsWith("extra.", StringComparison.Ordinal) && name.EndsWith(".indices", StringComparison.Ordinal)))
            .Select(name => (name[6..], fixture[name]))]);

    /// <summary>Gives a new flow weights as if trained: what starts at zero, or scales by one, gets noise.</summary>
    public static void Stir(Glow model, double size)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using IDisposable learning = model.Network.Learn();
        using Generator generator = new(9);
        foreach ((string name, Tensor weight) in model.Network.Weights.Trainable.Select(weight => (weight.Name, (Tensor)weight.Parameter)))
        {
            if (name.Contains("invconv", StringComparison.Ordinal)) continue;
            weight.add_(randn(weight.shape, ScalarType.Float32, generator: generator).to_type(weight.dtype), alpha: size);
        }
    }

    public static void ShouldNotBeCloseTo(this Tensor actual, Tensor other, double tolerance) => Close.RelativeDifference(actual, other).Should().BeGreaterThan(tolerance);
}
