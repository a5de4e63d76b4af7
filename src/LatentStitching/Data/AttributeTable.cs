using LatentStitching.Numerics;

namespace LatentStitching.Data;

/// <summary>Named binary labels of a set of images: row i holds the labels of image i. Immutable.</summary>
public sealed class AttributeTable
{
    private readonly Dictionary<string, int> _columns;
    private readonly bool[][] _values;

    /// <summary>Makes a table.</summary>
    /// <param name="names">The attributes, all different.</param>
    /// <param name="rows">One row an image, each with one value a name. Copied.</param>
    /// <exception cref="ArgumentException">A name comes twice or is blank, or a row has another length.</exception>
    public AttributeTable(IReadOnlyList<string> names, IReadOnlyList<IReadOnlyList<bool>> rows)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(rows);
        _columns = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!_columns.TryAdd(Guard.NotBlank(name, nameof(names)), _columns.Count))
            {
                throw new ArgumentException($"names must differ, but '{name}' comes twice.", nameof(names));
            }
        }
        _values = new bool[rows.Count][];
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i] is null || rows[i].Count != names.Count)
            {
                throw new ArgumentException($"rows must hold {names.Count} values each, one a name, but row {i} holds {rows[i]?.Count ?? 0}.", nameof(rows));
            }
            _values[i] = [.. rows[i]];
        }
        Names = [.. names];
    }

    /// <summary>The attributes' names, in column order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Number of rows.</summary>
    public int Count => _values.Length;

    /// <summary>The value of one attribute of one image.</summary>
    /// <param name="row">The image's row, from 0.</param>
    /// <param name="name">The attribute.</param>
    /// <exception cref="ArgumentException">There is no such attribute.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public bool this[int row, string name]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(row);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Count);
            return _values[row][ColumnOf(name)];
        }
    }

    /// <summary>One attribute of all images.</summary>
    /// <param name="name">The attribute.</param>
    /// <returns>One value an image.</returns>
    /// <exception cref="ArgumentException">There is no such attribute; the text lists those there are.</exception>
    public IReadOnlyList<bool> Column(string name)
    {
        int column = ColumnOf(name);
        return Array.ConvertAll(_values, row => row[column]);
    }

    /// <summary>The share of images that have an attribute.</summary>
    /// <param name="name">The attribute.</param>
    /// <returns>From 0 to 1; 0 for an empty table.</returns>
    /// <exception cref="ArgumentException">There is no such attribute.</exception>
    public double Prevalence(string name)
    {
        int column = ColumnOf(name);
        return Count == 0 ? 0 : _values.Count(row => row[column]) / (double)Count;
    }

    /// <summary>The rows of some images, in the order asked for.</summary>
    /// <param name="indices">Rows, each from 0 to Count − 1.</param>
    /// <returns>A table with one row an index.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside the table.</exception>
    public AttributeTable Select(IReadOnlyList<int> indices)
    {
        ImageSourceGuard.Indices(indices, Count);
        return new AttributeTable(Names, [.. indices.Select(index => _values[index])]);
    }

    private int ColumnOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _columns.TryGetValue(name, out int column)
            ? column
            : throw new ArgumentException($"name must be one of the attributes {string.Join(", ", Names)}, but it is '{name}'.", nameof(name));
    }
}
