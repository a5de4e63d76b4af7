using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Linear CKA from batches of consecutive rows: the debiased HSICs are averaged over batches before the ratio is taken.</summary>
/// <remarks>
/// <para>What a network too large to hold all its latents at once can have. Its mean tends to that of <see cref="LinearCka"/>, with more scatter the smaller the batches are. Rows that arrive bit by bit go to <see cref="MinibatchCkaSums"/>.</para>
/// <para>The last batch may be shorter, and counts as much as the others. Cost: that of <see cref="LinearCka"/> on each batch.</para>
/// <para>Source: Nguyen, Raghu and Kornblith, "Do Wide and Deep Networks Learn the Same Things?" (ICLR 2021, arXiv:2010.15327), eqs. 2–3.</para>
/// </remarks>
public sealed class MinibatchCka : SimilarityMeasure
{
    private readonly int _batchRows;

    /// <summary>Makes the measure.</summary>
    /// <param name="batchRows">Rows a batch, at least 4.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="batchRows"/> is below 4.</exception>
    public MinibatchCka(int batchRows)
    {
        _batchRows = Guard.AtLeast(batchRows, 4);
        SimilarityInfo info = Cka.Info("linear", "linear CKA", CkaEstimator.Debiased);
        Info = info with
        {
            Id = $"cka-kernel=linear-hsic=(song-batch={batchRows})-score",
            Name = $"linear CKA, debiased, in batches of {batchRows}",
            Reference = "Nguyen, Raghu and Kornblith, Do Wide and Deep Networks Learn the Same Things? (ICLR 2021, arXiv:2010.15327), eqs. 2-3",
            Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation,
        };
    }

    /// <inheritdoc/>
    public override SimilarityInfo Info { get; }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        long rest = latents.size(0) % _batchRows;
        if (rest is > 0 and < 4)
        {
            throw new ArgumentException($"{name} must make batches of {_batchRows} rows and leave none or at least 4, but its {latents.size(0)} rows leave {rest}. Leave some rows out, or change the batch.", name);
        }
        return new Dictionary<string, Tensor>(StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y)
    {
        MinibatchCkaSums sums = new();
        foreach ((long start, long size) in CentredMatrix.Blocks(x.Rows, _batchRows)) sums.Add(x.Latents.narrow(0, start, size), y.Latents.narrow(0, start, size));
        return sums.Value;
    }
}
