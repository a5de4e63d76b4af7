using LatentStitching.Metrics.Similarity;
using LatentStitching.Numerics;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Similarity;

/// <summary>Single measures: second implementations, ties, options, and the text of each refusal.</summary>
[NoTensorLeaks]
public sealed class SimilarityRefusalTests
{
    private static Tensor Normal(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed);
        return randn(shape, ScalarType.Float64, generator: generator);
    }

    [Theory]
    [InlineData(40, 6, 5)]
    [InlineData(12, 30, 5)]
    [InlineData(12, 5, 30)]
    [InlineData(12, 30, 25)]
    public void LinearCka_FeatureAndGramForm_AreSongsFormula(long rows, long p, long q)
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, rows, p) + 3, y = Normal(2, rows, q) + (x.narrow(1, 0, 1) * 2);
        double Hsic(Tensor a, Tensor b, bool debiased)
        {
            Tensor k = a.mm(a.t()), l = b.mm(b.t()), one = ones(rows, 1, ScalarType.Float64), h = eye(rows, dtype: ScalarType.Float64) - (one.mm(one.t()) / rows);
            if (!debiased) return k.mm(h).mm(l).mm(h).trace().ToDouble();
            k.diagonal().fill_(0);
            l.diagonal().fill_(0);
            return (k.mm(l).trace() + (k.sum() * l.sum() / ((rows - 1) * (rows - 2))) - (one.t().mm(k).mm(l).mm(one).sum() * 2 / (rows - 2))).ToDouble();
        }
        foreach (bool debiased in (bool[])[true, false])
        {
            double expected = Hsic(x, y, debiased) / Math.Sqrt(Hsic(x, x, debiased) * Hsic(y, y, debiased));
            new LinearCka(debiased ? CkaEstimator.Debiased : CkaEstimator.Biased).Measure(x, y).Should().BeApproximately(expected, 1e-12);
        }
    }

    [Fact]
    public void BiasCorrectedDistanceCorrelation_IsThatOfUCentredMatrices_AndZeroByChance()
    {
        using var scope = NewDisposeScope();
        Tensor U(Tensor rows)
        {
            long n = rows.size(0);
            Tensor d = cdist(rows, rows), sums = d.sum([1]);
            Tensor u = d - (sums.unsqueeze(0) / (n - 2)) - (sums.unsqueeze(1) / (n - 2)) + (d.sum() / ((n - 1) * (n - 2)));
            return u * (1 - eye(n, dtype: ScalarType.Float64));
        }
        Tensor x = Normal(1, 30, 4), y = x.mm(Normal(2, 4, 3)).tanh();
        Tensor a = U(x), b = U(y);
        double expected = ((a * b).sum() / ((a * a).sum() * (b * b).sum()).sqrt()).ToDouble();
        new DistanceCorrelation().Measure(x, y).Should().BeApproximately(expected, 1e-12);
        double mean = Enumerable.Range(0, 100).Average(seed => new DistanceCorrelation().Measure(Normal((ulong)seed, 20, 15), Normal((ulong)seed + 1000, 20, 15)));
        // The standard error of this mean is 0.02 at most.
        mean.Should().BeApproximately(0, 0.06);
        new DistanceCorrelation(DistanceCorrelationEstimator.Biased).Measure(Normal(1, 20, 150), Normal(2, 20, 150)).Should().BeGreaterThan(0.9, "the biased one cannot tell");
    }

    [Fact]
    public void KendallTauB_IsThatOfAllPairs_WithTies()
    {
        MathNet.Numerics.Random.MersenneTwister random = new(2, threadSafe: false);
        for (int trial = 0; trial < 50; trial++)
        {
            int count = random.Next(3, 40);
            double[] x = [.. Enumerable.Range(0, count).Select(_ => (double)random.Next(6))], y = [.. Enumerable.Range(0, count).Select(_ => (double)random.Next(9))];
            double concordant = 0, untiedX = 0, untiedY = 0;
            for (int i = 0; i < count; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    int a = Math.Sign(x[i] - x[j]), b = Math.Sign(y[i] - y[j]);
                    concordant += a * b;
                    untiedX += a * a;
                    untiedY += b * b;
                }
            }
            RankCorrelation.KendallTauB(x, y).Should().BeApproximately(concordant / Math.Sqrt(untiedX * untiedY), 1e-14);
        }
        RankCorrelation.Ranks([30, 10, 20, 10 + 1e-13]).Should().Equal(4, 1.5, 3, 1.5);
    }

    [Fact]
    public void Neighbours_OfTies_AreTheFirstByRow()
    {
        using var scope = NewDisposeScope();
        // A grid turned by an odd angle: each point has up to four neighbours at one distance, but for rounding.
        Tensor grid = cartesian_prod(arange(6, ScalarType.Float64), arange(6, ScalarType.Float64));
        Tensor turn = tensor(new double[,] { { Math.Cos(0.3), -Math.Sin(0.3) }, { Math.Sin(0.3), Math.Cos(0.3) } });
        foreach (NeighbourMetric metric in (NeighbourMetric[])[NeighbourMetric.Euclidean, NeighbourMetric.InnerProduct])
        {
            long[] straight = NearestNeighbours.Find(grid, 3, metric, values: false, "x")["indices"].data<long>().ToArray();
            NearestNeighbours.Find(grid.mm(turn) + (metric == NeighbourMetric.Euclidean ? 1 : 0), 3, metric, values: false, "x")["indices"].data<long>().ToArray().Should().Equal(straight);
            double[,] score = new double[36, 36];
            for (int i = 0; i < 36; i++)
            {
                for (int j = 0; j < 36; j++)
                {
                    double dx = (i / 6) - (j / 6), dy = (i % 6) - (j % 6);
                    score[i, j] = metric == NeighbourMetric.Euclidean ? -((dx * dx) + (dy * dy)) : ((i / 6) * (j / 6)) + ((i % 6) * (j % 6));
                }
            }
            long[] expected = [.. Enumerable.Range(0, 36).SelectMany(i => Enumerable.Range(0, 36).Where(j => j != i).OrderByDescending(j => score[i, j]).ThenBy(j => j).Take(3).Order().Select(j => (long)j))];
            straight.Should().Equal(expected, metric.ToString());
        }
    }

    [Fact]
    public void Neighbours_OfManyBlocks_AreThoseOfOne()
    {
        using var scope = NewDisposeScope();
        // 2^22 entries a block: 3000 rows take three.
        Tensor x = Normal(1, 3000, 5), d = cdist(x, x);
        d.diagonal().fill_(double.PositiveInfinity);
        long[] expected = d.topk(4, 1, largest: false).indexes.sort(1).Values.data<long>().ToArray();
        NearestNeighbours.Find(x, 4, NeighbourMetric.Euclidean, values: false, "x")["indices"].data<long>().ToArray().Should().Equal(expected);
    }

    [Fact]
    public void MutualKnn_OfUnrelatedSpaces_IsChance()
    {
        using var scope = NewDisposeScope();
        // k/(n − 1) with a standard error of about 0.002.
        new MutualKnn(20).Measure(Normal(1, 400, 8), Normal(2, 400, 8)).Should().BeApproximately(20 / 399.0, 0.012);
    }

    [Fact]
    public void CrossValidatedR2_IsTheFittersAndNothingByChance()
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 60, 20), y = Normal(2, 60, 3);
        new LinearRegressionR2().Measure(x, y).Should().BeGreaterThan(0.2, "20 of 59 directions explain a third of anything");
        new CrossValidatedR2().Measure(x, y).Should().BeInRange(-0.05, 0.1);
        new CrossValidatedR2().Measure(x, x.mm(Normal(3, 20, 4))).Should().BeGreaterThan(0.999999);
        // The target may be wider than it has rows, the source not.
        new LinearRegressionR2().Measure(x, Normal(4, 60, 200)).Should().BeInRange(0.2, 0.5);
    }

    [Fact]
    public void Options_OutOfRange_AreRefused()
    {
        void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
        Refuses(() => _ = new LinearCka((CkaEstimator)7), "estimator", "estimator must be Debiased or Biased, but it is 7.");
        Refuses(() => _ = new RbfCka(estimator: (CkaEstimator)7), "estimator", "estimator must be Debiased or Biased, but it is 7.");
        Refuses(() => RbfBandwidth.Fixed(0), "sigma", "sigma must be positive and finite, but it is 0.");
        Refuses(() => RbfBandwidth.OfMedian(-1), "factor", "factor must be positive and finite, but it is -1.");
        Refuses(() => RbfBandwidth.OfMedian(1, (RbfMedian)9), "median", "median must be one of RbfMedian, but it is 9.");
        Refuses(() => _ = new CanonicalCorrelation((CcaSummary)9), "summary", "summary must be Mean, MeanSquare or ShareOfX, but it is 9.");
        Refuses(() => _ = new Svcca(1), "variance", "variance must lie strictly between 0 and 1, but it is 1.");
        Refuses(() => _ = new Pwcca((PwccaSide)9), "side", "side must be X or Y, but it is 9.");
        Refuses(() => _ = new ProcrustesDistance((ProcrustesNormalisation)9), "normalisation", "normalisation must be one of ProcrustesNormalisation, but it is 9.");
        Refuses(() => _ = new ShapeMetric(1.5), "alpha", "alpha must lie from 0 to 1, but it is 1.5.");
        Refuses(() => _ = new Rsa((RdmDistance)9), "distance", "distance must be one of RdmDistance, but it is 9.");
        Refuses(() => _ = new Rsa(correlation: (RdmCorrelation)9), "correlation", "correlation must be one of RdmCorrelation, but it is 9.");
        Refuses(() => _ = new DistanceCorrelation((DistanceCorrelationEstimator)9), "estimator", "estimator must be BiasCorrected or Biased, but it is 9.");
        Refuses(() => _ = new MutualKnn(0), "neighbours", "neighbours must be positive, but it is 0.");
        Refuses(() => _ = new JaccardKnn(3, (NeighbourMetric)9), "metric", "metric must be Cosine, Euclidean or InnerProduct, but it is 9.");
        Refuses(() => _ = new Cknna(1), "neighbours", "neighbours must be at least 2, but it is 1.");
        Refuses(() => _ = new Cknna(5, -1), "epsilon", "epsilon must be zero or more and finite, but it is -1.");
        Refuses(() => _ = new Gulp(double.NaN), "lambda", "lambda must be zero or more and finite, but it is NaN.");
        RbfBandwidth.OfMedian(0.5, RbfMedian.LowerNonZero).ToString().Should().Be("(rbf-median=lower_nonzero-fraction=0.5)");
        RbfBandwidth.OfMedian(median: RbfMedian.All).ToString().Should().Be("(rbf-median=all-fraction=1)");
        new Cknna(3, 1e-6).ToString().Should().Be("cknna-kernel=cosine-k=3-epsilon=0.000001-hsic=song-score");
    }

    [Fact]
    public void Rows_ThatAMeasureCannotTake_AreRefused()
    {
        using var scope = NewDisposeScope();
        void Refuses(ISimilarityMeasure measure, Tensor rows, string text) => FluentActions.Invoking(() => measure.Prepare(rows)).Should().Throw<ArgumentException>().Which.Message.Should().Be(text + " (Parameter 'latents')");
        Tensor apart = eye(6, dtype: ScalarType.Float64), zero = Normal(1, 20, 3), flat = Normal(2, 20, 3), equal = cat([zeros(15, 2), ones(3, 2)], 0);
        zero[4].fill_(0);
        flat[5].fill_(2);
        Refuses(new LinearCka(), apart, "latents must have rows some of which are more alike than others, but all pairs of its 6 rows are equally far apart: there is no structure to compare. Take more images.");
        Refuses(new DistanceCorrelation(), apart, "latents must have rows some of which are more alike than others, but all pairs of its 6 rows are equally far apart. Take more images.");
        Refuses(new Rsa(), apart, "latents must have rows some of which are more alike than others, but all pairs of its 6 rows are equally far apart. Take more images.");
        Refuses(new Rsa(RdmDistance.Cosine, RdmCorrelation.Cosine), arange(1, 7, ScalarType.Float64).unsqueeze(1), "latents must have rows that differ in direction, but all pairs of its 6 rows are at distance 0. Use Euclidean distances.");
        Refuses(new RbfCka(RbfBandwidth.Fixed(1e-3)), Normal(3, 20, 5), "latents must have rows some of which are more alike than others, but to a Gaussian kernel (rbf-sigma=0.001) all pairs of its 20 rows look the same. Take a wider or narrower kernel, or more images.");
        Refuses(new RbfCka(RbfBandwidth.OfMedian(median: RbfMedian.All)), equal, "latents must have fewer equal rows for a kernel (rbf-median=all-fraction=1), but the median of the distances between its 18 rows is 0. Use RbfMedian.NonZero.");
        Refuses(new Rsa(RdmDistance.Cosine), zero, "latents must have no row that would be zero, but row 4 does: it has no direction. Leave it out, or use Euclidean distances.");
        Refuses(new Rsa(RdmDistance.Correlation), flat, "latents must have no row that would have all its entries equal, but row 5 does: it has no direction. Leave it out, or use Euclidean distances.");
        Refuses(new MutualKnn(3), zero, "latents must have a direction in each row, but row 4 is zero. Leave it out, or use NeighbourMetric.Euclidean.");
        Refuses(new ShapeMetric(0), cat([flat, flat], 1), "latents must have independent columns for shape_metric-alpha=0-distance=angular, but their rank is 3 of 6. Give alpha a positive value, or use CanonicalCorrelation.");
        Refuses(new Svcca(), Normal(4, 6, 40), "latents must need fewer components than rows less one for svcca-variance=0.99-score, but it takes 5 with 6 rows: any two such spaces fit each other perfectly. Take more images, or a smaller share of the variance.");
        Refuses(new CanonicalCorrelation(), Normal(5, 6, 5), "latents must have at least two more rows than columns for cca-score, but its shape is [6, 5]: any two such spaces fit each other perfectly. Take more images, fewer columns (Svcca), or a measure that needs no inverse (LinearCka, ProcrustesDistance).");
        Refuses(new LinearCka(), zero * 1e-90, "latents must have entries up to 1e70 and vary by 1e-70 at least, but the largest is " + (zero.abs().max().ToDouble() * 1e-90).ToString("g4", System.Globalization.CultureInfo.InvariantCulture)
            + " and they vary by " + ((zero.amax([0]) - zero.amin([0])).max().ToDouble() * 1e-90).ToString("g4", System.Globalization.CultureInfo.InvariantCulture) + ". Scale the batch to entries around 1.");
        Action wide = () => new LinearRegressionR2().Measure(Normal(6, 8, 7), Normal(7, 8, 2));
        wide.ShouldRefuse("x", "x must have at least two more rows than source columns for linear_regression-rows=training-score, but there are 8 rows and 7 columns: any target would be explained. Take more images, or CrossValidatedR2.");
    }

    [Fact]
    public void PreparedLatents_FromOutside_KeepsWhatItIsGiven()
    {
        using var scope = NewDisposeScope();
        Tensor rows = Normal(1, 5, 2);
        PreparedLatents prepared = new("mine", rows, new Dictionary<string, Tensor> { ["a"] = ones(3) });
        (prepared.Rows, prepared.Columns, prepared.Measure, prepared.Has("a"), prepared.Has("b"), prepared["a"].size(0)).Should().Be((5L, 2L, "mine", true, false, 3L));
        prepared.ToString().Should().Be("5 × 2 for mine");
        FluentActions.Invoking(() => prepared["b"]).Should().Throw<KeyNotFoundException>();
        prepared.Dispose();
        prepared.Dispose();
        prepared.ToString().Should().Be("disposed, for mine");
        FluentActions.Invoking(() => prepared.Latents).Should().Throw<ObjectDisposedException>();
        FluentActions.Invoking(() => prepared["a"]).Should().Throw<ObjectDisposedException>();
        FluentActions.Invoking(() => prepared.Has("a")).Should().Throw<ObjectDisposedException>();
        rows.sum().ToDouble().Should().NotBe(0, "the caller's tensor lives");
    }

    [Fact]
    public void AMeasureOfOnesOwn_IsCheckedLikeAnyOther_AndGivesNoNaN()
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 6, 2), y = Normal(2, 6, 3);
        new Quotient(2).Measure(x, y).Should().Be(3);
        Action none = () => new Quotient(0).Measure(x, y), flat = () => new Quotient(2).Measure(ones(6, 2), y);
        none.ShouldRefuse("y", "y must be such that quotient-score is a number, but it came out as Infinity: squares of the entries leave the range of float64. Scale the batches to entries around 1.");
        flat.Should().Throw<ArgumentException>();
        new Quotient(2).Evaluate(x, y).Signature.Should().Be("quotient|form:score|n:6|ci:jackknife-6");
        new Quotient(2).ToString().Should().Be("quotient-score");
        PermutationTest.Of(new Quotient(2), x, y, 9).PValue.Should().Be(1);
    }

    private sealed class Quotient(double divisor) : SimilarityMeasure
    {
        public override SimilarityInfo Info { get; } = new()
        {
            Id = "quotient-score",
            Name = "quotient",
            Direction = LatentStitching.Metrics.MetricDirection.HigherIsBetter,
            Reference = "none",
            Lowest = 0,
            Highest = 1,
            OfItself = null,
            IsSymmetric = false,
            IsMetric = false,
            Invariances = SimilarityInvariances.RowPermutation,
        };

        protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name) => new Dictionary<string, Tensor> { ["width"] = tensor((double)latents.size(1)) };

        protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => x["width"].ToDouble() * y["width"].ToDouble() / divisor;
    }
}
