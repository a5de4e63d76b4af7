using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Binary labels of rows for several attributes, and which rows each attribute uses. Immutable.</summary>
/// <remarks>A balanced attribute leaves rows of its larger class out, so each attribute may use rows of its own: all are still trained together.</remarks>
public sealed class ProbeLabels
{
    private readonly bool[][] _values; // by attribute, then row
    private readonly bool[][] _used;

    private ProbeLabels(IReadOnlyList<string> names, bool[][] values, bool[][] used, int count)
    {
        Names = names;
        _values = values;
        _used = used;
        Count = count;
    }

    /// <summary>The attributes, in order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>The label of a row.</summary>
    /// <param name="row">The row, from 0.</param>
    /// <param name="attribute">The attribute's place in <see cref="Names"/>.</param>
    public bool this[int row, int attribute] => _values[attribute][row];

    /// <summary>Takes attributes of a table.</summary>
    /// <param name="table">The table; row i labels latent i.</param>
    /// <param name="names">Attributes to take, all different; all of the table's if empty.</param>
    /// <returns>Labels that use every row.</returns>
    /// <exception cref="ArgumentException">The table has no rows or no such attribute, or a name comes twice.</exception>
    public static ProbeLabels Of(AttributeTable table, params IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(names);
        if (table.Count == 0) throw new ArgumentException("table must hold at least one row, but it is empty.", nameof(table));
        if (names.Count == 0) names = table.Names;
        RequireDifferent(names);
        bool[][] values = [.. names.Select(name => table.Column(name).ToArray())];
        return new ProbeLabels([.. names], values, All(values), table.Count);
    }

    /// <summary>Makes one attribute a class: is the row of this class, or of another?</summary>
    /// <param name="classes">The class of each row, from 0.</param>
    /// <param name="names">The name of each class, all different.</param>
    /// <returns>Labels that use every row.</returns>
    /// <exception cref="ArgumentException">There is no row, a class has no name, or a name comes twice.</exception>
    public static ProbeLabels OneVersusRest(IReadOnlyList<int> classes, IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(names);
        if (classes.Count == 0) throw new ArgumentException("classes must hold at least one row, but it is empty.", nameof(classes));
        for (int row = 0; row < classes.Count; row++)
        {
            if (classes[row] < 0 || classes[row] >= names.Count)
            {
                throw new ArgumentException($"classes must lie from 0 to {names.Count - 1}, the places of names, but row {row} is {classes[row]}.", nameof(classes));
            }
        }
        RequireDifferent(names);
        bool[][] values = [.. Enumerable.Range(0, names.Count).Select(name => classes.Select(own => own == name).ToArray())];
        return new ProbeLabels([.. names], values, All(values), classes.Count);
    }

    /// <summary>Whether an attribute uses a row.</summary>
    /// <param name="row">The row, from 0.</param>
    /// <param name="attribute">The attribute's place in <see cref="Names"/>.</param>
    /// <returns>True if so.</returns>
    public bool Uses(int row, int attribute) => _used[attribute][row];

    /// <summary>Number of rows that an attribute uses, and how many of them have it.</summary>
    /// <param name="attribute">The attribute's place in <see cref="Names"/>.</param>
    /// <returns>Rows and positives.</returns>
    public (int Rows, int Positives) Size(int attribute)
    {
        (int rows, int positives) = (0, 0);
        for (int row = 0; row < Count; row++)
        {
            if (!_used[attribute][row]) continue;
            rows++;
            if (_values[attribute][row]) positives++;
        }
        return (rows, positives);
    }

    /// <summary>Leaves out rows of each attribute's larger class, at random, until both are of one size.</summary>
    /// <param name="seed">Seed: the same seed leaves out the same rows on every machine.</param>
    /// <returns>Labels of the same rows that use fewer of them.</returns>
    /// <exception cref="ArgumentException">An attribute has one class only.</exception>
    public ProbeLabels Balanced(ulong seed)
    {
        RequireBothClasses();
        bool[][] used = new bool[Names.Count][];
        for (int attribute = 0; attribute < Names.Count; attribute++)
        {
            (int rows, int positives) = Size(attribute);
            int each = Math.Min(positives, rows - positives), left = each, right = each;
            used[attribute] = new bool[Count];
            // One order for all attributes, so that two that agree use the same rows.
            foreach (int row in new SplitMix64(seed).Permutation(Count))
            {
                if (!_used[attribute][row]) continue;
                used[attribute][row] = _values[attribute][row] ? left-- > 0 : right-- > 0;
            }
        }
        return new ProbeLabels(Names, _values, used, Count);
    }

    /// <summary>The labels of some rows, in the order asked for.</summary>
    /// <param name="indices">Rows, each from 0 to Count − 1.</param>
    /// <returns>Labels with one row an index.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside the labels.</exception>
    public ProbeLabels Select(IReadOnlyList<int> indices)
    {
        ImageSourceGuard.Indices(indices, Count);
        return new ProbeLabels(Names, Pick(_values), Pick(_used), indices.Count);

        bool[][] Pick(bool[][] from) => [.. from.Select(column => indices.Select(index => column[index]).ToArray())];
    }

    /// <summary>Refuses attributes that only one class of rows uses.</summary>
    internal void RequireBothClasses(string name = "labels")
    {
        for (int attribute = 0; attribute < Names.Count; attribute++)
        {
            (int rows, int positives) = Size(attribute);
            if (positives > 0 && positives < rows) continue;
            throw new ArgumentException($"{name} must have rows of both classes, but of the {rows} rows of '{Names[attribute]}' {positives} have it. Leave the attribute out, or add rows.", name);
        }
    }

    private static void RequireDifferent(IReadOnlyList<string> names)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!seen.Add(Guard.NotBlank(name, nameof(names)))) throw new ArgumentException($"names must differ, but '{name}' comes twice.", nameof(names));
        }
    }

    private static bool[][] All(bool[][] values) => [.. values.Select(column => Enumerable.Repeat(true, column.Length).ToArray())];
}
