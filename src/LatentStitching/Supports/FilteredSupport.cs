using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Supports;

/// <summary>Lets another selector choose among some of the images only, for example those without a hat.</summary>
public sealed class FilteredSupport : ISupportSelector
{
    private readonly ISupportSelector _inner;
    private readonly long[] _rows;
    private readonly int _candidates;
    private readonly string _filter;

    private FilteredSupport(ISupportSelector inner, long[] rows, int candidates, string filter)
    {
        _inner = inner;
        _rows = rows;
        _candidates = candidates;
        _filter = filter;
    }

    /// <inheritdoc/>
    public string Signature => $"{_inner.Signature}|filter:{_filter}";

    /// <summary>Number of images that pass the filter.</summary>
    public int Count => _rows.Length;

    /// <summary>Keeps images by their attributes.</summary>
    /// <param name="inner">The selector. It sees the remaining rows alone, so one that holds groups must be made of their attributes.</param>
    /// <param name="table">The attributes; row i is candidate i.</param>
    /// <param name="with">Attributes that an image must have.</param>
    /// <param name="without">Attributes that it must not have, such as Wearing_Hat.</param>
    /// <returns>The selector.</returns>
    /// <exception cref="ArgumentException">There is no such attribute, or no image passes.</exception>
    public static FilteredSupport Of(ISupportSelector inner, AttributeTable table, IReadOnlyList<string>? with = null, IReadOnlyList<string>? without = null)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(table);
        IReadOnlyList<string> wanted = with ?? [], unwanted = without ?? [];
        IReadOnlyList<bool>[] must = [.. wanted.Select(table.Column)], mustNot = [.. unwanted.Select(table.Column)];
        long[] rows = [.. Enumerable.Range(0, table.Count).Where(row => must.All(column => column[row]) && !mustNot.Any(column => column[row])).Select(row => (long)row)];
        string filter = string.Join(',', wanted.Select(name => $"+{name}").Concat(unwanted.Select(name => $"-{name}")));
        if (rows.Length == 0) throw new ArgumentException($"table must hold images that pass {filter}, but of {table.Count} none does.", nameof(table));
        return new FilteredSupport(inner, rows, table.Count, filter.Length == 0 ? "none" : filter);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a row of the table, or the count is above the images that pass.</exception>
    public IReadOnlyList<long> Select(Tensor latents, int count, CancellationToken cancellationToken = default)
    {
        TensorGuard.FiniteMatrix(latents);
        if (latents.size(0) != _candidates) throw new ArgumentException($"latents must have a row a row of the table, {_candidates}, but their shape is {TensorGuard.Shape(latents)}.", nameof(latents));
        using var scope = NewDisposeScope();
        return [.. _inner.Select(latents.index_select(0, tensor(_rows, device: latents.device)), count, cancellationToken).Select(row => _rows[row])];
    }
}
