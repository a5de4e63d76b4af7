using LatentStitching.Fitting;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>The k nearest other rows of each row, by blocks of products: never an n×n matrix.</summary>
internal static class NearestNeighbours
{
    public const string Indices = "indices";
    public const string Values = "values";
    private const long BlockEntries = 1 << 22; // 32 MiB of float64

    public static string Name(NeighbourMetric metric) => metric switch
    {
        NeighbourMetric.Cosine => "cosine",
        NeighbourMetric.Euclidean => "euclidean",
        NeighbourMetric.InnerProduct => "inner_product",
        _ => throw new ArgumentOutOfRangeException(nameof(metric), $"metric must be Cosine, Euclidean or InnerProduct, but it is {metric}."),
    };

    public static SimilarityInvariances Invariances(NeighbourMetric metric) =>
        SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale
        | (metric == NeighbourMetric.Euclidean ? SimilarityInvariances.Translation : SimilarityInvariances.None);

    /// <summary>What can be told of a number of neighbours: the values that chance gives, and how near to it all rows are.</summary>
    public static string? Warning(int count, long rows) => 4L * count < rows - 1
        ? null
        : $"{count} neighbours of {rows} rows: two unrelated spaces share {IdNumber.Of(Math.Round(count / (rows - 1.0), 2))} of them by chance. Take more images, or fewer neighbours.";

    /// <summary>Indices [n, k], ascending in each row, and where asked for the inner products with them [n, k].</summary>
    /// <remarks>Of rows that are equally near, up to rounding, the first by index are taken.</remarks>
    public static Dictionary<string, Tensor> Find(Tensor latents, int count, NeighbourMetric metric, bool values, string name)
    {
        Tensor rows = metric switch
        {
            NeighbourMetric.Euclidean => CentredMatrix.Of(latents, centre: true).Whole(),
            NeighbourMetric.Cosine => Directions(latents.to_type(ScalarType.Float64), name),
            _ => latents.to_type(ScalarType.Float64),
        };
        long n = rows.size(0);
        Tensor indices = empty(n, count, ScalarType.Int64, latents.device);
        Tensor products = values ? empty(n, count, ScalarType.Float64, latents.device) : empty(0, ScalarType.Float64);
        Tensor lengths = rows.square().sum([1]);
        // The rounding of a product of two rows, and of the squared lengths it is compared with.
        Tensor rounding = lengths.sqrt().mul(lengths.max().sqrt()).add(metric == NeighbourMetric.Euclidean ? lengths.max() : 0).mul(32 * Spectrum.Epsilon);
        foreach ((long start, long size) in CentredMatrix.Blocks(n, Math.Max(1, BlockEntries / n)))
        {
            using var scope = NewDisposeScope();
            Tensor near = rows.narrow(0, start, size).mm(rows.t());
            if (metric == NeighbourMetric.Euclidean) near.mul_(2).sub_(lengths);
            near.diagonal(start).fill_(double.NegativeInfinity);
            Tensor found = Nearest(near, count, rounding.narrow(0, start, size));
            indices.narrow(0, start, size).copy_(found);
            if (values) products.narrow(0, start, size).copy_(near.gather(1, found));
        }
        Dictionary<string, Tensor> factors = new(StringComparer.Ordinal) { [Indices] = indices };
        if (values) factors[Values] = products;
        return factors;
    }

    /// <summary>How many neighbours each row has in both spaces.</summary>
    public static IEnumerable<int> Shared(PreparedLatents x, PreparedLatents y)
    {
        int count = (int)x[Indices].size(1);
        long[] left = x[Indices].cpu().data<long>().ToArray(), right = y[Indices].cpu().data<long>().ToArray();
        for (int start = 0; start < left.Length; start += count)
        {
            int shared = 0;
            for (int i = start, j = start; i < start + count && j < start + count;)
            {
                if (left[i] == right[j]) shared++;
                (int nextLeft, int nextRight) = (left[i] <= right[j] ? i + 1 : i, right[j] <= left[i] ? j + 1 : j);
                (i, j) = (nextLeft, nextRight);
            }
            yield return shared;
        }
    }

    private static Tensor Nearest(Tensor near, int count, Tensor rounding)
    {
        (Tensor values, Tensor indices) = near.topk(count + 1, 1);
        Tensor last = values.narrow(1, count - 1, 1), threshold = rounding.unsqueeze(1);
        Tensor found = indices.narrow(1, 0, count).sort(1).Values;
        Tensor open = last.sub(values.narrow(1, count, 1)).le(threshold).squeeze(1).nonzero().squeeze(1);
        if (open.size(0) == 0) return found;

        // Where the last one in and the first one out are equally near, topk chooses as it likes.
        near = near.index_select(0, open);
        (last, threshold) = (last.index_select(0, open), threshold.index_select(0, open));
        Tensor sure = near.gt(last.add(threshold)), tied = near.ge(last.sub(threshold)).logical_and(sure.logical_not());
        Tensor left = sure.sum([1], keepdim: true).neg().add(count);
        Tensor taken = sure.logical_or(tied.logical_and(tied.to_type(ScalarType.Int32).cumsum(1).le(left)));
        return found.index_copy(0, open, taken.nonzero().select(1, 1).reshape(-1, count));
    }

    private static Tensor Directions(Tensor rows, string name)
    {
        Tensor zero = rows.eq(0).all(1);
        if (!zero.any().ToBoolean()) return RelativeProjection.Unit(rows);
        long row = zero.to_type(ScalarType.Int32).argmax().ToInt64();
        throw new ArgumentException($"{name} must have a direction in each row, but row {row} is zero. Leave it out, or use NeighbourMetric.Euclidean.", name);
    }
}
