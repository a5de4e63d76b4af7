using LatentStitching.Latents;
using LatentStitching.Numerics;

namespace LatentStitching.Pairing;

/// <summary>The same images encoded by two models: row i of <see cref="Source"/> belongs to row i of <see cref="Target"/>.</summary>
/// <remarks>Checked once, here, so that what takes pairs can trust them: matrices, floating point, finite, one device, equally many rows. Immutable.</remarks>
public sealed class LatentPairs : IDisposable
{
    private readonly Tensor _source;
    private readonly Tensor _target;
    private bool _disposed;

    /// <summary>Pairs two latent batches.</summary>
    /// <param name="source">Latent batch [n, d_s], floating point, finite. Not disposed: the pairs keep a handle of their own.</param>
    /// <param name="target">Latent batch [n, d_t], floating point, finite, on the device of <paramref name="source"/>. Not disposed.</param>
    /// <param name="ids">One id a row, all different, or null.</param>
    /// <exception cref="ArgumentException">A batch is not a finite floating-point matrix, the row counts or devices differ, or the ids do not fit.</exception>
    public LatentPairs(Tensor source, Tensor target, IReadOnlyList<string>? ids = null)
    {
        TensorGuard.Matrix(source);
        TensorGuard.Matrix(target);
        TensorGuard.SameRows(source, target, nameof(source), nameof(target));
        TensorGuard.SameDevice(source, target, nameof(source), nameof(target));
        TensorGuard.Finite(source);
        TensorGuard.Finite(target);
        if (ids is not null)
        {
            if (ids.Count != source.size(0))
            {
                throw new ArgumentException($"ids must hold one id a row, but there are {ids.Count} ids and {source.size(0)} rows.", nameof(ids));
            }
            HashSet<string> seen = new(StringComparer.Ordinal);
            foreach (string id in ids)
            {
                if (!seen.Add(id)) throw new ArgumentException($"ids must differ, but '{id}' comes twice.", nameof(ids));
            }
            Ids = [.. ids];
        }
        _source = source.detach().DetachFromDisposeScope();
        _target = target.detach().DetachFromDisposeScope();
    }

    /// <summary>The source model's latents, [n, d_s]. Belongs to the pairs: do not dispose or change it.</summary>
    public Tensor Source => Live(_source);

    /// <summary>The target model's latents, [n, d_t]. Belongs to the pairs: do not dispose or change it.</summary>
    public Tensor Target => Live(_target);

    /// <summary>The images' ids, one a row, or null where they are not known.</summary>
    public IReadOnlyList<string>? Ids { get; }

    /// <summary>Number of pairs n.</summary>
    public long Count => Source.size(0);

    /// <summary>Width of the source latents d_s.</summary>
    public long SourceDimension => Source.size(1);

    /// <summary>Width of the target latents d_t.</summary>
    public long TargetDimension => Target.size(1);

    /// <summary>Rows of the source bank whose images the target bank lacks; told by <see cref="From"/>, 0 for all other pairs.</summary>
    public int UnpairedSourceRows { get; private init; }

    /// <summary>Rows of the target bank whose images the source bank lacks; told by <see cref="From"/>, 0 for all other pairs.</summary>
    public int UnpairedTargetRows { get; private init; }

    /// <summary>Pairs two latent batches whose rows are named on both sides, and refuses them where the names differ.</summary>
    /// <param name="source">Latent batch [n, d_s], floating point, finite. Not disposed: the pairs keep a handle of their own.</param>
    /// <param name="sourceIds">The id of each row of <paramref name="source"/>, all different.</param>
    /// <param name="target">Latent batch [n, d_t], floating point, finite, on the device of <paramref name="source"/>. Not disposed.</param>
    /// <param name="targetIds">The id of each row of <paramref name="target"/>: those of <paramref name="sourceIds"/>, in their order.</param>
    /// <returns>The pairs, owned by the caller.</returns>
    /// <exception cref="ArgumentException">As for pairs with one list of ids; or a row's ids differ: the first such row is named.</exception>
    public static LatentPairs Aligned(Tensor source, IReadOnlyList<string> sourceIds, Tensor target, IReadOnlyList<string> targetIds) => new(source, target, Same(sourceIds, targetIds));

    /// <summary>Pairs the latents of two banks by the images' ids.</summary>
    /// <param name="source">The source model's latents. Not disposed.</param>
    /// <param name="target">The target model's latents. Not disposed.</param>
    /// <param name="allowOtherImages">Whether the images may come from sources of other names, formats or preparations, for those who know that an id names the same picture in both. By default that is refused:
    /// a map between differently framed pictures learns the difference too.</param>
    /// <param name="requireAll">Whether every image must be in both banks. By default those of one bank alone are left out and counted.</param>
    /// <returns>The pairs of all images in both banks, in the order of <paramref name="source"/>, float32, on the CPU, with ids; <see cref="UnpairedSourceRows"/> and <see cref="UnpairedTargetRows"/> count what was left out.</returns>
    /// <exception cref="ArgumentException">The images were prepared differently, no image is in both banks, one is in one bank alone where all are required, or latents are not finite.</exception>
    /// <exception cref="ObjectDisposedException">A bank was disposed.</exception>
    public static LatentPairs From(LatentBank source, LatentBank target, bool allowOtherImages = false, bool requireAll = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        if (!allowOtherImages && !source.Info.SamePreparation(target.Info))
        {
            throw new ArgumentException(
                $"target must hold latents of images prepared as those of source, but they are of {Images(source)} and of {Images(target)}. "
                + "Encode the same images, or pass allowOtherImages: true if each id names the same picture in both.",
                nameof(target));
        }
        int[] rows = [.. Enumerable.Range(0, source.Count).Where(row => target.Contains(source.Ids[row]))];
        if (rows.Length == 0)
        {
            throw new ArgumentException(
                $"target must hold some of the images of source, but none of its {target.Count} ids, such as '{target.Ids[0]}', is among the {source.Count} of source, such as '{source.Ids[0]}'.",
                nameof(target));
        }
        if (requireAll && (rows.Length < source.Count || rows.Length < target.Count))
        {
            string? missing = source.Ids.FirstOrDefault(id => !target.Contains(id));
            string alone = missing is not null ? $"'{missing}' is in source alone" : $"'{target.Ids.First(id => !source.Contains(id))}' is in target alone";
            throw new ArgumentException(
                $"target must hold the images of source and no others, but {source.Count - rows.Length} of {source.Count} are in source alone and {target.Count - rows.Length} of {target.Count} in target alone; {alone}. "
                + "Encode what is missing, or leave requireAll false to pair the images in both.",
                nameof(target));
        }
        using var scope = NewDisposeScope();
        string[] ids = Array.ConvertAll(rows, row => source.Ids[row]);
        return new LatentPairs(source.Rows(rows), target.Rows(ids), ids) { UnpairedSourceRows = source.Count - rows.Length, UnpairedTargetRows = target.Count - rows.Length };
    }

    /// <summary>Some of the pairs, in the order asked for. Both sides move as one.</summary>
    /// <param name="rows">Rows, each from 0 to Count − 1; with ids, each at most once.</param>
    /// <returns>New pairs, owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A row is outside the pairs.</exception>
    /// <exception cref="ArgumentException">There is no row, or with ids one comes twice.</exception>
    public LatentPairs Select(IReadOnlyList<long> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new ArgumentException("rows must hold at least one row, but it is empty.", nameof(rows));
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i] < 0 || rows[i] >= Count)
            {
                throw new ArgumentOutOfRangeException(nameof(rows), $"rows must lie from 0 to {Count - 1}, but entry {i} is {rows[i]}.");
            }
        }
        using var scope = NewDisposeScope();
        Tensor index = tensor((long[])[.. rows], device: Source.device);
        return new LatentPairs(Source.index_select(0, index), Target.index_select(0, index), Ids is null ? null : [.. rows.Select(row => Ids[(int)row])]);
    }

    /// <summary>The same rows with source and target exchanged.</summary>
    /// <returns>New pairs, owned by the caller; nothing is copied.</returns>
    public LatentPairs Swap() => new(Target, Source, Ids);

    /// <summary>Tests whether the rows belong together: whether the source predicts its own target rows better than shuffled ones.</summary>
    /// <param name="seed">Fixes the rows looked at, the directions and the shuffles.</param>
    /// <param name="cancellationToken">Cancels between steps; no tensor is left alive.</param>
    /// <returns>What was found; see <see cref="PairCheck"/> for how.</returns>
    /// <exception cref="ArgumentException">There are fewer than three pairs.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public PairCheck CheckPairing(ulong seed = 0, CancellationToken cancellationToken = default) => PairCheck.Of(this, seed, cancellationToken);

    /// <summary>Frees the pairs' handles. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _source.Dispose();
        _target.Dispose();
    }

    /// <summary>Says the sizes.</summary>
    /// <returns>For example "9000 pairs, 512 → 768".</returns>
    public override string ToString() => $"{Count} pairs, {SourceDimension} → {TargetDimension}";

    private static IReadOnlyList<string> Same(IReadOnlyList<string> sourceIds, IReadOnlyList<string> targetIds)
    {
        ArgumentNullException.ThrowIfNull(sourceIds);
        ArgumentNullException.ThrowIfNull(targetIds);
        if (sourceIds.Count != targetIds.Count)
        {
            throw new ArgumentException($"targetIds must name as many rows as sourceIds, but they name {targetIds.Count} and {sourceIds.Count}. Leave out the rows that only one side has.", nameof(targetIds));
        }
        for (int row = 0; row < sourceIds.Count; row++)
        {
            if (string.Equals(sourceIds[row], targetIds[row], StringComparison.Ordinal)) continue;
            throw new ArgumentException(
                $"targetIds must be sourceIds, row by row, but row {row} is '{sourceIds[row]}' in the source and '{targetIds[row]}' in the target. Bring both sides into one order by their ids.", nameof(targetIds));
        }
        return sourceIds;
    }

    private static string Images(LatentBank bank) => $"'{bank.Info.ImageSourceName}' ({bank.Info.Image}, {bank.Info.Preparation}{(bank.Info.ImagesContentHash is { } content ? $", content {content[..Math.Min(8, content.Length)]}" : "")})";

    private Tensor Live(Tensor held)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return held;
    }
}
