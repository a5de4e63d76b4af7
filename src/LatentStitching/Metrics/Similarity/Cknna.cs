using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Centred kernel nearest-neighbour alignment: CKA of kernels in which only mutual neighbours are left.</summary>
/// <remarks>
/// <para>As the authors' code computes it: K = XXᵀ of rows at length 1, each entry (i, j) kept where j is among the k nearest of i in both spaces, and HSIC₁ of Song et al. of the masked kernels as if they were whole:
/// [Σᵢⱼ KᵢⱼLⱼᵢ + ΣK·ΣL/((n − 1)(n − 2)) − 2/(n − 2)·1ᵀKL1]/(n(n − 3)); the self-terms masked by one space alone. The masks are not symmetric, so neither is the value, though nearly.</para>
/// <para>With k = n − 1 it would be debiased CKA. The ratio is not bounded by 1.</para>
/// <para>Numerics: float64. Cost: that of <see cref="MutualKnn"/>; never an n×n matrix.</para>
/// <para>Source: Huh, Cheung, Wang and Isola, "The Platonic Representation Hypothesis" (ICML 2024, arXiv:2405.07987), appendix A, and its code.</para>
/// </remarks>
public sealed class Cknna : SimilarityMeasure
{
    private readonly int _count;
    private readonly double _epsilon;

    /// <summary>Makes the measure.</summary>
    /// <param name="neighbours">k, at least 2; 10 by default. Needs k + 2 rows.</param>
    /// <param name="epsilon">What is added to the denominator: 0 by default, 1e-6 for the numbers of the authors' code.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="neighbours"/> is below 2, or <paramref name="epsilon"/> is negative or not finite.</exception>
    public Cknna(int neighbours = 10, double epsilon = 0)
    {
        _count = Guard.AtLeast(neighbours, 2);
        _epsilon = Guard.NotNegative(epsilon);
        Info = new SimilarityInfo
        {
            Id = $"cknna-kernel=cosine-k={neighbours}{(epsilon > 0 ? $"-epsilon={IdNumber.Of(epsilon)}" : "")}-hsic=song-score",
            Name = $"CKNNA, k {neighbours}{(epsilon > 0 ? $", epsilon {IdNumber.Of(epsilon)}" : "")}",
            Direction = MetricDirection.HigherIsBetter,
            Reference = "Huh et al., The Platonic Representation Hypothesis (ICML 2024, arXiv:2405.07987), appendix A",
            Lowest = double.NegativeInfinity,
            Highest = double.PositiveInfinity,
            OfItself = epsilon == 0 ? 1 : null,
            IsSymmetric = false,
            IsMetric = false,
            Invariances = NearestNeighbours.Invariances(NeighbourMetric.Cosine) | SimilarityInvariances.RowPermutation,
            MinimumRows = neighbours + 2L,
        };
    }

    /// <inheritdoc/>
    public override SimilarityInfo Info { get; }

    /// <inheritdoc/>
    public override string? Warning(long rows, long xColumns, long yColumns) => NearestNeighbours.Warning(_count, rows);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        Dictionary<string, Tensor> factors = NearestNeighbours.Find(latents, _count, NeighbourMetric.Cosine, values: true, name);
        Sparse own = new(factors[NearestNeighbours.Indices], factors[NearestNeighbours.Values]);
        double self = Hsic(own, own);
        if (!(self > 0))
        {
            throw new ArgumentException($"{name} must have neighbourhoods that a kernel can see, but its debiased HSIC with itself is {IdNumber.Of(self)} with {_count} neighbours. Take more neighbours or more images.", name);
        }
        factors[LinearHsic.Self] = tensor(self, ScalarType.Float64);
        return factors;
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y)
    {
        Sparse left = new(x[NearestNeighbours.Indices], x[NearestNeighbours.Values]), right = new(y[NearestNeighbours.Indices], y[NearestNeighbours.Values]);
        return Hsic(left, right) / (Math.Sqrt(LinearHsic.SelfOf(x) * LinearHsic.SelfOf(y)) + _epsilon);
    }

    private static double Hsic(Sparse left, Sparse right)
    {
        double[] leftColumns = new double[left.Rows], rightRows = new double[left.Rows];
        double crossed = 0, leftSum = 0, rightSum = 0;
        foreach ((int i, int j, double k, double l) in left.Both(right))
        {
            leftColumns[j] += k;
            rightRows[i] += l;
            leftSum += k;
            rightSum += l;
            // The entry across the diagonal counts only where the mask has it too.
            if (left.Find(j, i) is not null && right.Find(j, i) is { } opposite) crossed += k * opposite;
        }
        double n = left.Rows;
        return (crossed + (leftSum * rightSum / ((n - 1) * (n - 2))) - (2 / (n - 2) * Vectors.Dot(leftColumns, rightRows))) / (n * (n - 3));
    }

    // A kernel of which each row keeps k entries, their columns ascending.
    private sealed class Sparse(Tensor indices, Tensor values)
    {
        private readonly int _width = (int)indices.size(1);
        private readonly long[] _indices = indices.cpu().data<long>().ToArray();
        private readonly double[] _values = values.cpu().data<double>().ToArray();

        public int Rows => _indices.Length / _width;

        public double? Find(int row, int column)
        {
            int place = Array.BinarySearch(_indices, row * _width, _width, (long)column);
            return place < 0 ? null : _values[place];
        }

        public IEnumerable<(int Row, int Column, double Own, double Other)> Both(Sparse other)
        {
            for (int i = 0; i < Rows; i++)
            {
                for (int place = i * _width; place < (i + 1) * _width; place++)
                {
                    int j = (int)_indices[place];
                    if (other.Find(i, j) is { } value) yield return (i, j, _values[place], value);
                }
            }
        }
    }
}
