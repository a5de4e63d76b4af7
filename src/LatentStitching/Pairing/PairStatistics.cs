using LatentStitching.Numerics;
using LatentStitching.Numerics.Products;

namespace LatentStitching.Pairing;

/// <summary>All that a linear fit needs to know of pairs, added up block by block: their number, the means, and the centred sums XᵀX, XᵀY and Σy². The rows themselves are not kept.</summary>
/// <remarks>
/// <para>For more rows than fit in memory, and for rows that lie on several machines: statistics of parts merge to the statistics of the whole, in any order, up to rounding.
/// A fitter that takes them is an <c>IStatisticsFitter</c>.</para>
/// <para>Numerics: float64 whatever comes in. Each block is centred by its own mean before it is multiplied, and the means are kept as differences to the first row, so that a large
/// offset costs no digits and a constant column has exactly no variance. Rounding in XᵀX grows as √n, to 10⁻¹⁵ of its largest eigenvalue at 10,000 rows and 10⁻¹⁴ at a million; a fit then loses twice as many digits to
/// ill-conditioning as one from the rows, which corrects its solution through X: about ε·κ² against ε·κ for a source of condition number κ.</para>
/// <para>Memory: 8·(d_s² + d_s·d_t) bytes, and a working buffer of 1,025 rows. Cost: n·d_s·(d_s + 2·d_t) multiplications and additions.</para>
/// <para>Thread safety: none while it grows. One instance a thread, merged at the end.</para>
/// <para>Source: Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance: Analysis and Recommendations", The American Statistician 37 (1983), 242–247: the pairwise update.</para>
/// </remarks>
public sealed class PairStatistics : IDisposable
{
    private const long BlockRows = 1024;

    private readonly Side _source;
    private readonly Side _target;
    private readonly Tensor _gram;          // [d_s, d_s], its lower triangle
    private readonly Tensor _cross;         // [d_s, d_t]
    private readonly Tensor _targetSquares; // [d_t]
    private long _count;
    private bool _disposed;

    /// <summary>Makes the statistics of no rows, to be added to.</summary>
    /// <param name="sourceDimension">Width of the source latents d_s, at least 1.</param>
    /// <param name="targetDimension">Width of the target latents d_t, at least 1.</param>
    /// <param name="device">Where the rows will be and the sums are kept; the CPU if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A width is not positive.</exception>
    public PairStatistics(long sourceDimension, long targetDimension, Device? device = null)
    {
        Guard.Positive(sourceDimension);
        Guard.Positive(targetDimension);
        device ??= CPU;
        _source = Side.Empty(sourceDimension, device);
        _target = Side.Empty(targetDimension, device);
        _gram = zeros(sourceDimension, sourceDimension, ScalarType.Float64, device).DetachFromDisposeScope();
        _cross = zeros(sourceDimension, targetDimension, ScalarType.Float64, device).DetachFromDisposeScope();
        _targetSquares = zeros(targetDimension, ScalarType.Float64, device).DetachFromDisposeScope();
    }

    private PairStatistics(Side source, Side target, Tensor gram, Tensor cross, Tensor targetSquares)
    {
        _source = source;
        _target = target;
        _gram = gram.DetachFromDisposeScope();
        _cross = cross.DetachFromDisposeScope();
        _targetSquares = targetSquares.DetachFromDisposeScope();
    }

    /// <summary>Number of pairs n.</summary>
    public long Count
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _count;
        }
    }

    /// <summary>Width of the source latents d_s.</summary>
    public long SourceDimension => _source.Width;

    /// <summary>Width of the target latents d_t.</summary>
    public long TargetDimension => _target.Width;

    /// <summary>Adds up blocks of pairs.</summary>
    /// <param name="blocks">At least one block, all of the same widths and device. Not disposed: an iterator that says <c>using</c> before it yields frees each block when the next is asked for.</param>
    /// <param name="cancellationToken">Cancels between blocks; no tensor is left alive.</param>
    /// <returns>Their statistics, owned by the caller.</returns>
    /// <exception cref="ArgumentException">There is no block, or two differ in a width or in their device.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PairStatistics Of(IEnumerable<LatentPairs> blocks, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        PairStatistics? sum = null;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (LatentPairs block in blocks)
            {
                cancellationToken.ThrowIfCancellationRequested();
                sum ??= new PairStatistics(block.SourceDimension, block.TargetDimension, block.Source.device);
                sum.Add(block);
            }
        }
        catch
        {
            sum?.Dispose();
            throw;
        }
        return sum ?? throw new ArgumentException("blocks must hold at least one block of pairs, but there is none.", nameof(blocks));
    }

    /// <summary>Adds pairs to the sums.</summary>
    /// <param name="pairs">Pairs of the same widths, on the same device. Not disposed.</param>
    /// <exception cref="ArgumentException">A width or the device differs.</exception>
    public void Add(LatentPairs pairs)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(pairs);
        RequireWidths(pairs.SourceDimension, pairs.TargetDimension, nameof(pairs));
        RequireDevice(pairs.Source, nameof(pairs));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        foreach ((long start, long size) in CentredMatrix.Blocks(pairs.Count, BlockRows))
        {
            AddBlock(pairs.Source.narrow(0, start, size), pairs.Target.narrow(0, start, size), size);
        }
    }

    /// <summary>Adds paired rows to the sums.</summary>
    /// <param name="source">Latent batch [n, d_s], floating point, finite. Not disposed.</param>
    /// <param name="target">Latent batch [n, d_t], row i of the same image as row i of <paramref name="source"/>. Not disposed.</param>
    /// <exception cref="ArgumentException">The batches are not pairs, or a width or the device differs from that of the statistics.</exception>
    public void Add(Tensor source, Tensor target)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using LatentPairs pairs = new(source, target);
        Add(pairs);
    }

    /// <summary>Adds the sums of other pairs: afterwards these are the statistics of both together.</summary>
    /// <param name="other">Statistics of the same widths, on the same device. Not changed, not disposed.</param>
    /// <exception cref="ArgumentException">A width or the device differs.</exception>
    public void Merge(PairStatistics other)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(other);
        ObjectDisposedException.ThrowIf(other._disposed, other);
        RequireWidths(other.SourceDimension, other.TargetDimension, nameof(other));
        RequireDevice(other._gram, nameof(other));
        if (other._count == 0) return;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor a = _source.Join(other._source, _count, other._count), b = _target.Join(other._target, _count, other._count);
        _gram.add_(other._gram);
        _gram.addmm_(a.unsqueeze(1), a.unsqueeze(0));
        _cross.add_(other._cross);
        _cross.addmm_(a.unsqueeze(1), b.unsqueeze(0));
        _targetSquares.add_(other._targetSquares).add_(b.square());
        _count += other._count;
    }

    /// <summary>Writes the statistics to a safetensors file, as one shard to be merged elsewhere.</summary>
    /// <remarks>
    /// Tensors: "count" [1] (int64); for each side "source.origin" and "source.shift" [d_s], "target.origin" and "target.shift" [d_t], whose sums are the means; "gram" [d_s, d_s],
    /// "cross" [d_s, d_t] and "target.squares" [d_t], all centred, float64. The metadata hold a checksum over all of them.
    /// </remarks>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <param name="provenance">Facts to keep with the statistics, for example the models' names; keys must not start with "latentstitching.".</param>
    /// <exception cref="ArgumentException">The path is blank, or a key of <paramref name="provenance"/> is reserved.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? provenance = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        PairStatisticsFile.Save(
            path,
            [
                ("count", tensor(new[] { _count })),
                ("source.origin", _source.Origin), ("source.shift", _source.Shift), ("target.origin", _target.Origin), ("target.shift", _target.Shift),
                ("gram", CentredMatrix.Mirrored(_gram)), ("cross", _cross), ("target.squares", _targetSquares),
            ],
            provenance);
    }

    /// <summary>Reads statistics from a safetensors file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The statistics, on the CPU, owned by the caller; more can be added.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not whole, well-formed statistics.</exception>
    public static PairStatistics Load(string path)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = PairStatisticsFile.Load(path);
        return new PairStatistics(
            new Side(tensors["source.origin"], tensors["source.shift"]),
            new Side(tensors["target.origin"], tensors["target.shift"]),
            tensors["gram"],
            tensors["cross"],
            tensors["target.squares"])
        {
            _count = tensors["count"][0].ToInt64(),
        };
    }

    /// <summary>Frees the sums. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _source.Dispose();
        _target.Dispose();
        _gram.Dispose();
        _cross.Dispose();
        _targetSquares.Dispose();
    }

    /// <summary>Says the sizes.</summary>
    /// <returns>For example "statistics of 9000 pairs, 512 → 768".</returns>
    public override string ToString() => $"statistics of {_count} pairs, {SourceDimension} → {TargetDimension}";

    /// <summary>The sums as a fit takes them: about the means, or about zero for a map without an intercept. They belong to the open dispose scope.</summary>
    internal Moments Moments(bool intercept)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Tensor x = _source.Mean(), y = _target.Mean(), gram = CentredMatrix.Mirrored(_gram);
        if (intercept)
        {
            return new Moments { Count = _count, HasIntercept = true, SourceCentre = x, TargetCentre = y, Gram = gram, Cross = _cross.alias(), TargetSquares = _targetSquares.alias() };
        }
        Tensor a = x.mul(Math.Sqrt(_count)), b = y.mul(Math.Sqrt(_count));
        return new Moments
        {
            Count = _count,
            HasIntercept = false,
            SourceCentre = zeros_like(x),
            TargetCentre = zeros_like(y),
            Gram = gram.addmm_(a.unsqueeze(1), a.unsqueeze(0)),
            Cross = _cross.addmm(a.unsqueeze(1), b.unsqueeze(0)),
            TargetSquares = _targetSquares.add(b.square()),
        };
    }

    private void AddBlock(Tensor source, Tensor target, long size)
    {
        using var scope = NewDisposeScope();
        // The differences of the means, scaled, are one more row of each block: one product adds both parts of the update.
        Tensor x = _source.Take(source, _count, size), y = _target.Take(target, _count, size);
        Product.AddLower(_gram, x.t(), x);
        Product.Add(_cross, x.t(), y);
        _targetSquares.add_(y.Squared().sum([0]));
        _count += size;
    }

    private void RequireWidths(long source, long target, string name)
    {
        if (source == SourceDimension && target == TargetDimension) return;
        throw new ArgumentException(
            $"{name} must have the widths {SourceDimension} → {TargetDimension} of the statistics, but it has {source} → {target}.", name);
    }

    private void RequireDevice(Tensor added, string name)
    {
        if (added.device_type == _gram.device_type && added.device_index == _gram.device_index) return;
        throw new ArgumentException($"{name} must be on {_gram.device}, where the statistics are, but it is on {added.device}. Move it with .to(device).", name);
    }

    /// <summary>One side's mean, as the first row and the mean's distance from it, and the buffer its blocks are centred in.</summary>
    private sealed class Side(Tensor origin, Tensor shift) : IDisposable
    {
        private Tensor? _buffer; // [BlockRows + 1, width]

        public Tensor Origin { get; } = origin.DetachFromDisposeScope();

        public Tensor Shift { get; } = shift.DetachFromDisposeScope();

        public long Width { get; } = origin.size(0);

        public static Side Empty(long width, Device device) => new(zeros(width, ScalarType.Float64, device), zeros(width, ScalarType.Float64, device));

        public Tensor Mean() => Origin.add(Shift);

        /// <summary>Centres k rows in the buffer, moves the mean of n rows on by them, and adds the row (mean of the k − mean of the n)·√(nk/(n + k)). [k + 1, width].</summary>
        public Tensor Take(Tensor rows, long n, long k)
        {
            _buffer ??= empty(BlockRows + 1, Width, ScalarType.Float64, Origin.device).DetachFromDisposeScope();
            Tensor block = _buffer.narrow(0, 0, k);
            block.copy_(rows);
            if (n == 0) Origin.copy_(block[0]);
            block.sub_(Origin);
            Tensor mean = block.mean([0]);
            block.sub_(mean);
            _buffer[k].copy_(Move(mean.sub_(Shift), n, k));
            return _buffer.narrow(0, 0, k + 1);
        }

        /// <summary>Moves the mean of n rows on by the other's k, and returns the difference of the two, times √(nk/(n + k)). [width].</summary>
        public Tensor Join(Side other, long n, long k)
        {
            if (n == 0) Origin.copy_(other.Origin);
            return Move(other.Origin.sub(Origin).add_(other.Shift).sub_(Shift), n, k);
        }

        public void Dispose()
        {
            Origin.Dispose();
            Shift.Dispose();
            _buffer?.Dispose();
        }

        private Tensor Move(Tensor difference, long n, long k)
        {
            Shift.add_(difference.mul((double)k / (n + k)));
            return difference.mul(Math.Sqrt((double)n / (n + k) * k));
        }
    }
}
