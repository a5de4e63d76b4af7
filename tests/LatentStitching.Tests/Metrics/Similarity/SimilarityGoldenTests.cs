using LatentStitching.Metrics.Similarity;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Similarity;

/// <summary>Each measure on the small integer-made matrices, against values of independent implementations (NumPy; netrep, js-d/sim_metric and google/svcca where they have the measure).</summary>
[NoTensorLeaks]
public sealed class SimilarityGoldenTests
{
    public static TheoryData<ISimilarityMeasure, double> Values => new()
    {
        { new LinearCka(CkaEstimator.Biased), 0.648203599918041 },
        { new LinearCka(), 0.567502709695283 },
        { new AngularCka(), 0.865573396238696 },
        { new RbfCka(estimator: CkaEstimator.Biased), 0.70842039196266 },
        { new RbfCka(), 0.562978440391548 },
        { new RbfCka(RbfBandwidth.OfMedian(median: RbfMedian.All), CkaEstimator.Biased), 0.711818795482463 },
        // In rational arithmetic; a program that adds a small number to the denominator has 0.292443257034846 and 0.272184100818496.
        { new MinibatchCka(6), 0.2924432570345802 },
        { new MinibatchCka(4), 0.2721841008182092 },
        { new CanonicalCorrelation(), 0.902017480642549 },
        { new CanonicalCorrelation(CcaSummary.MeanSquare), 0.814321639417435 },
        { new CanonicalCorrelation(CcaSummary.ShareOfX), 0.610741229563076 },
        { new Pwcca(), 0.899705564922643 },
        { new Pwcca(PwccaSide.Y), 0.90207246073852 },
        { new LinearRegressionR2(), 0.820677465186502 },
        { new ProcrustesDistance(ProcrustesNormalisation.SizeAndShape), 1.2975845428509 },
        { new ProcrustesDistance(), 0.698939474747252 },
        { new ProcrustesDistance(ProcrustesNormalisation.UnitSquared), 0.468950067664488 },
        { new ProcrustesDistance(ProcrustesNormalisation.Disparity), 0.413971526173856 },
        { new NormalisedBuresSimilarity(), 0.765524966167756 },
        { new ShapeMetric(0.5), 0.678708917640486 },
        { new ShapeMetric(1), 0.698939474747252 },
        // SciPy's spearmanr and kendalltau of pdist rounded to 11 decimals: these matrices have many equal distances, 66 pairs with 58 values of X's. Unrounded, ties are broken by the last digit: 0.40396217391115.
        { new Rsa(), 0.40432150533427713 },
        { new Rsa(correlation: RdmCorrelation.Pearson), 0.434530874725719 },
        { new Rsa(RdmDistance.Correlation), 0.561811122366899 },
        { new Rsa(RdmDistance.Correlation, RdmCorrelation.KendallTauB), 0.3838619820522652 },
        { new DistanceCorrelation(DistanceCorrelationEstimator.Biased), 0.883384661414557 },
        { new MutualKnn(3, NeighbourMetric.Euclidean), 0.583333333333333 },
        { new MutualKnn(3, NeighbourMetric.InnerProduct), 0.777777777777778 },
        { new MutualKnn(3), 0.5 },
        { new MutualKnn(5, NeighbourMetric.Euclidean), 0.616666666666667 },
        { new MutualKnn(5, NeighbourMetric.InnerProduct), 0.65 },
        { new MutualKnn(5), 0.616666666666667 },
        { new JaccardKnn(3), 0.383333333333333 },
        { new JaccardKnn(5), 0.463293650793651 },
        { new Cknna(3, 1e-6), 0.564353693807026 },
        { new Cknna(5, 1e-6), 0.873436803839251 },
        { new Gulp(0), Math.Sqrt(2.11407016349539) },
        { new Gulp(0.01), Math.Sqrt(1.93965649724001) },
        { new Gulp(0.1), Math.Sqrt(1.10258382036076) },
        { new Gulp(1), Math.Sqrt(0.122509593210922) },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Measure_OfTheGoldenPair(ISimilarityMeasure measure, double expected)
    {
        using var scope = NewDisposeScope();
        measure.Measure(Golden.X(), Golden.Y()).Should().BeApproximately(expected, 2e-14, measure.Info.Id);
    }

    [Fact]
    public void LinearRegressionR2_TheOtherWay()
    {
        using var scope = NewDisposeScope();
        new LinearRegressionR2().Measure(Golden.Y(), Golden.X()).Should().BeApproximately(0.61356687589749, 2e-14);
    }

    [Fact]
    public void ShapeMetric_Euclidean_IsNetrepsButForTheEigenvaluesItRaises()
    {
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), y = Golden.Y();
        // netrep pads Y with a column of zeros, raises its eigenvalue to 1e-7, and counts it in the factor that keeps the variance.
        Tensor squares = linalg.eigvalsh((y - y.mean([0])).t().mm(y - y.mean([0])));
        double variance = squares.sum().ToDouble(), whitened = (squares.sqrt() * 0.5 + 0.5).square().sum().ToDouble(), raised = Math.Pow((0.5 * Math.Sqrt(1e-7)) + 0.5, 2);
        double b = Math.Sqrt((variance + 1e-7) / (whitened + raised) * whitened), a = (x - x.mean([0])).norm().ToDouble();
        double angle = new ShapeMetric(0.5).Measure(x, y), whole = Math.Sqrt(variance);
        Math.Sqrt((a * a) + (b * b) - (2 * a * b * Math.Cos(angle))).Should().BeApproximately(1.28162947925726, 1e-13);
        new ShapeMetric(0.5, angular: false).Measure(x, y).Should().BeApproximately(Math.Sqrt((a * a) + (whole * whole) - (2 * a * whole * Math.Cos(angle))), 1e-14);
    }
}
