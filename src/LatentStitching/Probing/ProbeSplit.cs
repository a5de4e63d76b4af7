using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Which rows train probes, which choose among them and which judge: three sets without a common row, none of which fits the map. Immutable.</summary>
public sealed class ProbeSplit
{
    private ProbeSplit(int[] train, int[] validation, int[] test)
    {
        Train = Array.AsReadOnly(train);
        Validation = Array.AsReadOnly(validation);
        Test = Array.AsReadOnly(test);
    }

    /// <summary>Rows that train.</summary>
    public IReadOnlyList<int> Train { get; }

    /// <summary>Rows that choose, for example among strengths; may be empty.</summary>
    public IReadOnlyList<int> Validation { get; }

    /// <summary>Rows that judge.</summary>
    public IReadOnlyList<int> Test { get; }

    /// <summary>Splits the rows that do not fit the map, so that every attribute is as frequent in each set as in all of them.</summary>
    /// <remarks>
    /// Iterative stratification: of the labels still to be dealt out the rarest goes first, each of its rows to the set that lacks it most. Both values of an attribute count as labels.
    /// Source: Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-label Data" (ECML PKDD 2011), algorithm 1.
    /// </remarks>
    /// <param name="labels">Labels of all images, a row an image of the split.</param>
    /// <param name="split">The split whose <see cref="DataSplit.MapTrain"/> stays out.</param>
    /// <param name="train">Share of the other rows that trains, above 0.</param>
    /// <param name="validation">Share that chooses, 0 or more.</param>
    /// <param name="test">Share that judges, above 0. The three sum to at most 1.</param>
    /// <param name="seed">Fixes the order of the rows and who wins ties.</param>
    /// <returns>Three disjoint sets, each in ascending order.</returns>
    /// <exception cref="ArgumentException">The labels have not a row an image, the shares sum to more than 1, or a set that trains or judges would have an attribute with one class only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A share is out of range.</exception>
    public static ProbeSplit Stratified(ProbeLabels labels, DataSplit split, double train = 0.6, double validation = 0.2, double test = 0.2, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(split);
        if (labels.Count != split.ImageCount) throw new ArgumentException($"labels must have a row an image of the split, {split.ImageCount}, but they have {labels.Count}.", nameof(labels));
        Guard.Fraction(train);
        Guard.Share(validation);
        Guard.Fraction(test);
        double sum = train + validation + test;
        if (sum > 1 + 1e-9) throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"train + validation + test must be at most 1, but it is {sum:g6}."), nameof(train));
        HashSet<int> taken = [.. split.MapTrain];
        int[] order = [.. new SplitMix64(seed).Permutation(labels.Count).Where(row => !taken.Contains(row))];
        // What no set asks for is a fourth set.
        int[] place = StratifiedDeal.Of(labels, order, [train, validation, test, Math.Max(0, 1 - sum)]);
        int[][] sets = [.. Enumerable.Range(0, 3).Select(set => Enumerable.Range(0, order.Length).Where(i => place[i] == set).Select(i => order[i]).Order().ToArray())];
        RequireBothClasses(labels, sets[0], "train");
        RequireBothClasses(labels, sets[2], "test");
        return new ProbeSplit(sets[0], sets[1], sets[2]);
    }

    /// <summary>Takes sets made elsewhere, and refuses rows that stand in two of them or fit the map.</summary>
    /// <param name="split">The split whose <see cref="DataSplit.MapTrain"/> must stay out.</param>
    /// <param name="train">Rows that train.</param>
    /// <param name="validation">Rows that choose; may be empty.</param>
    /// <param name="test">Rows that judge.</param>
    /// <returns>The sets, in their order.</returns>
    /// <exception cref="ArgumentException">A row comes twice, stands in two sets, or fits the map.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A row is not one of the split's images.</exception>
    public static ProbeSplit FromRows(DataSplit split, IReadOnlyList<int> train, IReadOnlyList<int> validation, IReadOnlyList<int> test)
    {
        ArgumentNullException.ThrowIfNull(split);
        (string Name, IReadOnlyList<int> Rows)[] sets = [(nameof(train), train), (nameof(validation), validation), (nameof(test), test)];
        Dictionary<int, string> owners = split.MapTrain.ToDictionary(row => row, _ => "the map's training set");
        foreach ((string name, IReadOnlyList<int> rows) in sets)
        {
            ArgumentNullException.ThrowIfNull(rows, name);
            foreach (int row in rows)
            {
                if (row < 0 || row >= split.ImageCount) throw new ArgumentOutOfRangeException(name, $"{name} must hold rows from 0 to {split.ImageCount - 1}, but one is {row}.");
                if (owners.TryAdd(row, name)) continue;
                throw new ArgumentException(
                    owners[row] == name
                        ? $"{name} must hold each row once, but {row} comes twice."
                        : $"{name} must share no row with {owners[row]}, but row {row} is in both. Results on rows that were fitted on flatter.",
                    name);
            }
        }
        return new ProbeSplit([.. train], [.. validation], [.. test]);
    }

    /// <summary>Says the sizes.</summary>
    /// <returns>For example "600 train, 200 validation, 200 test".</returns>
    public override string ToString() => $"{Train.Count} train, {Validation.Count} validation, {Test.Count} test";

    private static void RequireBothClasses(ProbeLabels labels, int[] rows, string set)
    {
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            int own = rows.Count(row => labels.Uses(row, attribute)), positives = rows.Count(row => labels.Uses(row, attribute) && labels[row, attribute]);
            if (positives > 0 && positives < own) continue;
            throw new ArgumentException($"labels must have enough rows outside the map's training set for both classes in {set}, but of its {own} rows of '{labels.Names[attribute]}' {positives} have it. Leave the attribute out, or fit the map on fewer images.", nameof(labels));
        }
    }
}
