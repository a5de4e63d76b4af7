using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Centred kernel alignment of Gaussian kernels exp(−‖x − x′‖²/(2σ²)).</summary>
/// <remarks>
/// <para>Sees which images are near each other, and the less of what is far apart the smaller σ is. With σ from the median distance (the default) it does not feel the scale of a space; with a fixed σ it does.</para>
/// <para>Numerics: float64. Cost: n²·(p + q) multiplications and additions, and 8·n² bytes a side with three times that at the peak of preparing one.</para>
/// <para>Source: Kornblith, Norouzi, Lee and Hinton (ICML 2019, arXiv:1905.00414), section 3; debiased by Song et al., JMLR 13 (2012), eq. 5.</para>
/// </remarks>
public sealed class RbfCka : SimilarityMeasure
{
    private readonly bool _debiased;
    private readonly RbfBandwidth _bandwidth;

    /// <summary>Makes the measure.</summary>
    /// <param name="bandwidth">σ; if null the root of the median non-zero squared distance.</param>
    /// <param name="estimator">The estimator; debiased by default.</param>
    public RbfCka(RbfBandwidth? bandwidth = null, CkaEstimator estimator = CkaEstimator.Debiased)
    {
        _bandwidth = bandwidth ?? RbfBandwidth.OfMedian();
        _debiased = estimator == CkaEstimator.Debiased;
        Info = Cka.Info(_bandwidth.ToString(), $"RBF CKA {_bandwidth}", estimator) with
        {
            Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.Translation | SimilarityInvariances.RowPermutation
                | (_bandwidth.Median is null ? SimilarityInvariances.None : SimilarityInvariances.IsotropicScale),
        };
    }

    /// <inheritdoc/>
    public override SimilarityInfo Info { get; }

    /// <inheritdoc/>
    public override string? Warning(long rows, long xColumns, long yColumns) => Cka.Warning(_debiased, rows, xColumns, yColumns);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        Tensor kernel = SquaredDistances(latents);
        double width = Width(kernel);
        if (!(width > 0))
        {
            throw new ArgumentException($"{name} must have fewer equal rows for a kernel {_bandwidth}, but the median of the distances between its {latents.size(0)} rows is 0. Use RbfMedian.NonZero.", name);
        }
        kernel.mul_(-0.5 / width).exp_();
        if (_debiased) kernel.diagonal().fill_(0);
        else Centre(kernel);
        Tensor sums = kernel.sum([1]);
        double self = Sum(kernel, kernel, sums, sums);
        if (!(self > 16 * Spectrum.Epsilon * kernel.square().sum().ToDouble()))
        {
            throw new ArgumentException(
                $"{name} must have rows some of which are more alike than others, but to a Gaussian kernel {_bandwidth} all pairs of its {latents.size(0)} rows look the same. Take a wider or narrower kernel, or more images.", name);
        }
        return new Dictionary<string, Tensor>(StringComparer.Ordinal) { [LinearHsic.Kernel] = kernel, ["sums"] = sums, [LinearHsic.Self] = tensor(self, ScalarType.Float64) };
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) =>
        Cka.Ratio(Sum(x[LinearHsic.Kernel], y[LinearHsic.Kernel], x["sums"], y["sums"]), LinearHsic.SelfOf(x), LinearHsic.SelfOf(y));

    // tr(KHLH) of centred kernels, or the bracket of Song's eq. 5 of kernels without their diagonal.
    private double Sum(Tensor k, Tensor l, Tensor rowsOfK, Tensor rowsOfL)
    {
        double sum = k.flatten().dot(l.flatten()).ToDouble(), n = k.size(0);
        if (!_debiased) return sum;
        return sum + (rowsOfK.sum().ToDouble() * rowsOfL.sum().ToDouble() / ((n - 1) * (n - 2))) - (2 / (n - 2) * rowsOfK.dot(rowsOfL).ToDouble());
    }

    private static Tensor SquaredDistances(Tensor latents)
    {
        // Kernels forgive the last digit of ‖x‖² − 2xx′ + ‖x′‖² on centred rows, and a product is many times faster than differences.
        Tensor distances = CentredMatrix.Of(latents, centre: true).Kernel();
        Tensor squares = distances.diagonal().clone();
        distances.mul_(-2).add_(squares.unsqueeze(0)).add_(squares.unsqueeze(1));
        Tensor rounding = squares.max().mul(64 * Spectrum.Epsilon);
        distances.masked_fill_(distances.le(rounding), 0);
        return distances;
    }

    // σ².
    private double Width(Tensor distances)
    {
        if (_bandwidth.Median is not { } median) return _bandwidth.Factor * _bandwidth.Factor;
        Tensor values = distances.flatten();
        if (median != RbfMedian.All) values = values.masked_select(values.gt(0));
        long count = values.size(0), lower = (count + 1) / 2, upper = median == RbfMedian.LowerNonZero ? lower : (count / 2) + 1;
        double middle = Smallest(values, lower);
        if (upper != lower) middle = (middle + Smallest(values, upper)) / 2;
        return _bandwidth.Factor * _bandwidth.Factor * middle;
    }

    private static double Smallest(Tensor values, long rank) => values.kthvalue(rank, 0).values.ToDouble();

    private static void Centre(Tensor kernel)
    {
        Tensor means = kernel.mean([1]);
        Tensor all = means.mean();
        kernel.sub_(means.unsqueeze(0)).sub_(means.unsqueeze(1)).add_(all);
    }
}
