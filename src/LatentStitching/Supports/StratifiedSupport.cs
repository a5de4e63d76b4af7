using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Supports;

/// <summary>Chooses images at random so that every group is present in proportion, whatever the size of the choice.</summary>
/// <remarks>Row i of a group of n rows, in random order, stands at (i + u)/n with u one random start for the group; rows are taken in that order. Any choice then holds each group's share to within one row or so: systematic sampling within strata
/// (Cochran, "Sampling Techniques", 1977, section 8.1).</remarks>
public sealed class StratifiedSupport : ISupportSelector
{
    private readonly int[] _groups;
    private readonly string _name;

    private StratifiedSupport(int[] groups, string name)
    {
        _groups = groups;
        _name = name;
    }

    /// <summary>Seed: the same seed chooses the same rows on every machine.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <inheritdoc/>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"support|by:stratified|groups:{_name}|seed:{Seed}");

    /// <summary>Groups of images that agree in some attributes.</summary>
    /// <param name="table">The attributes; row i is candidate i.</param>
    /// <param name="names">The attributes that make the groups, at least one.</param>
    /// <param name="seed">Seed of the choice.</param>
    /// <returns>The selector.</returns>
    /// <exception cref="ArgumentException">The table is empty, there is no name, or no such attribute.</exception>
    public static StratifiedSupport By(AttributeTable table, IReadOnlyList<string> names, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(table);
        Guard.NotEmpty(names, "Name the attributes that make the groups.");
        if (table.Count == 0) throw new ArgumentException("table must hold at least one row, but it is empty.", nameof(table));
        IReadOnlyList<bool>[] columns = [.. names.Select(table.Column)];
        Dictionary<string, int> known = new(StringComparer.Ordinal);
        int[] groups = new int[table.Count];
        for (int row = 0; row < groups.Length; row++)
        {
            string key = string.Concat(columns.Select(column => column[row] ? '1' : '0'));
            if (!known.TryGetValue(key, out groups[row])) known[key] = groups[row] = known.Count;
        }
        return new StratifiedSupport(groups, string.Join('+', names)) { Seed = seed };
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a row of the table, or the count is out of range.</exception>
    public IReadOnlyList<long> Select(Tensor latents, int count, CancellationToken cancellationToken = default)
    {
        SupportGuard.Inputs(latents, count);
        if (latents.size(0) != _groups.Length) throw new ArgumentException($"latents must have a row a row of the table, {_groups.Length}, but their shape is {TensorGuard.Shape(latents)}.", nameof(latents));
        SplitMix64 random = new(Seed);
        int[] order = random.Permutation(_groups.Length), sizes = new int[_groups.Max() + 1], seen = new int[sizes.Length];
        foreach (int group in _groups) sizes[group]++;
        double[] starts = new double[sizes.Length];
        for (int group = 0; group < starts.Length; group++) starts[group] = SupportGuard.Uniform(ref random);
        (double Place, int Row)[] places = [.. order.Select(row => ((seen[_groups[row]]++ + starts[_groups[row]]) / sizes[_groups[row]], row))];
        return [.. places.OrderBy(place => place.Place).Take(count).Select(place => (long)place.Row)];
    }
}
