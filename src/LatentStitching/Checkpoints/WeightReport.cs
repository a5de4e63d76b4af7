using LatentStitching.Numerics;

namespace LatentStitching.Checkpoints;

/// <summary>How the tensors of a checkpoint fit the weights that a model needs.</summary>
public sealed record WeightReport
{
    private const int MostListed = 10_000;

    /// <summary>Names the model needs that are not there, in the model's order.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    /// <summary>Names that are there and that the model does not know, in the file's order.</summary>
    public required IReadOnlyList<string> Unexpected { get; init; }

    /// <summary>Names whose tensor has another shape than the model needs, with both shapes told, in the model's order.</summary>
    public required IReadOnlyList<string> Misshapen { get; init; }

    /// <summary>Whether every weight is there in its shape and nothing else.</summary>
    public bool IsExact => Missing.Count == 0 && Unexpected.Count == 0 && Misshapen.Count == 0;

    /// <summary>Compares a checkpoint with the weights that a model needs.</summary>
    /// <param name="state">The tensors. Not disposed.</param>
    /// <param name="expected">Names and shapes the model needs, in order.</param>
    /// <returns>The report.</returns>
    public static WeightReport Compare(StateDictionary state, IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> expected)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(expected);
        HashSet<string> known = [.. expected.Select(weight => weight.Name)];
        return new WeightReport
        {
            Missing = [.. expected.Where(weight => !state.Contains(weight.Name)).Select(weight => weight.Name)],
            Unexpected = [.. state.Names.Where(name => !known.Contains(name))],
            Misshapen = [.. expected.Where(weight => state.Contains(weight.Name) && !state[weight.Name].shape.AsSpan().SequenceEqual([.. weight.Shape]))
                .Select(weight => $"{weight.Name} is {TensorGuard.Shape(state[weight.Name])} instead of [{string.Join(", ", weight.Shape)}]")],
        };
    }

    /// <summary>Says everything that is wrong, all at once.</summary>
    /// <returns>For example "encoder.weight is missing; decoder.bias is [3] instead of [4]; step is unexpected"; "every weight fits" if nothing is.</returns>
    public override string ToString() => IsExact
        ? "every weight fits"
        : string.Join("; ", [.. Listed(Missing.Select(name => $"{name} is missing"), "missing"), .. Listed(Misshapen, "misshapen"), .. Listed(Unexpected.Select(name => $"{PickleText.Safe(name)} is unexpected"), "unexpected")]);

    // More than any network has; a hostile file may have millions.
    private static IEnumerable<string> Listed(IEnumerable<string> all, string what)
    {
        int count = all.Count();
        return count <= MostListed ? all : [.. all.Take(MostListed), $"and {count - MostListed} more are {what}"];
    }
}
