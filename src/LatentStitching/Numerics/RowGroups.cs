namespace LatentStitching.Numerics;

/// <summary>Rows that are left out together: the order that brings the rows of each group together, larger groups first.</summary>
internal sealed class RowGroups
{
    private readonly long[] _sizes; // of the groups, descending

    private RowGroups(long[] order, long[] sizes)
    {
        Order = order;
        _sizes = sizes;
    }

    /// <summary>The rows, group by group, each group's ascending.</summary>
    public IReadOnlyList<long> Order { get; }

    public int Count => _sizes.Length;

    /// <summary>Whether <see cref="Order"/> is the rows' own.</summary>
    public bool IsOrdered => Order.Select((row, place) => row == place).All(same => same);

    /// <summary>Whether no group has two rows.</summary>
    public bool IsSingle => Order.Count == _sizes.Length;

    /// <summary>By one label a row.</summary>
    public static RowGroups Of(IReadOnlyList<int> labels)
    {
        long[][] groups = [.. labels.Select((label, row) => (Label: label, Row: (long)row)).GroupBy(pair => pair.Label, pair => pair.Row).Select(group => group.ToArray()).OrderByDescending(group => group.Length)];
        return new RowGroups([.. groups.SelectMany(group => group)], Array.ConvertAll(groups, group => group.LongLength));
    }

    /// <summary>Cuts the ordered rows into parts of groups of one size: one group, or several that together have no more than so many rows. Groups of more rows than <paramref name="largest"/> stay alone.</summary>
    public IEnumerable<(long Start, long Size, long Groups)> Parts(long mostRows, long largest = long.MaxValue)
    {
        long start = 0;
        for (int first = 0, next; first < _sizes.Length; first = next)
        {
            long size = _sizes[first], most = size > largest ? 1 : Math.Max(1, mostRows / size);
            for (next = first + 1; next < _sizes.Length && next - first < most && _sizes[next] == size;) next++;
            yield return (start, size, next - first);
            start += (next - first) * size;
        }
    }
}
