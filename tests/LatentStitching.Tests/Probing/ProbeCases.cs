using LatentStitching.Data;
using LatentStitching.Probing;

namespace LatentStitching.Tests.Probing;

/// <summary>Seeded latents with three attributes that can be told apart by a part only.</summary>
internal static class ProbeCases
{
    public static Tensor Latents(int rows, int columns, ScalarType type = ScalarType.Float64)
    {
        using Generator generator = new(11);
        using var scope = NewDisposeScope();
        Tensor scale = arange(1, columns + 1, dtype: ScalarType.Float64).pow(-0.5);
        return randn([rows, columns], ScalarType.Float64, generator: generator).mul(scale).add(0.5).to_type(type).MoveToOuterDisposeScope();
    }

    public static ProbeLabels Labels(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(12);
        Tensor latents = Latents(rows, columns), direction = randn([columns, 3], ScalarType.Float64, generator: generator);
        Tensor scores = latents.mm(direction).add(randn([rows, 3], ScalarType.Float64, generator: generator));
        double[] values = scores.sub(scores.mean([0])).contiguous().data<double>().ToArray();
        return ProbeLabels.Of(new AttributeTable(["a", "b", "c"], [.. Enumerable.Range(0, rows).Select(row => (IReadOnlyList<bool>)[values[3 * row] > 0, values[(3 * row) + 1] > 0.7, values[(3 * row) + 2] > -0.4])]));
    }

    public static ProbeLabels Of(params bool[] values) => ProbeLabels.Of(new AttributeTable(["x"], [.. values.Select(value => (IReadOnlyList<bool>)[value])]));

    public static ProbeLabels Of(Tensor values)
    {
        using Tensor wide = values.to_type(ScalarType.Float64);
        return Of([.. wide.data<double>().ToArray().Select(value => value > 0.5)]);
    }

    /// <summary>The rows an attribute uses, and their labels 0 and 1.</summary>
    public static (Tensor X, Tensor Y) Own(Tensor latents, ProbeLabels labels, int attribute)
    {
        int[] rows = [.. Enumerable.Range(0, labels.Count).Where(row => labels.Uses(row, attribute))];
        return (latents.index_select(0, tensor(rows.Select(row => (long)row).ToArray())).to_type(ScalarType.Float64), tensor(rows.Select(row => labels[row, attribute] ? 1.0 : 0.0).ToArray()));
    }
}
