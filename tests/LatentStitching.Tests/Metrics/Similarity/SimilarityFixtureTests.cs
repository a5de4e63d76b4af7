using LatentStitching.Checkpoints;
using LatentStitching.Metrics.Similarity;
using LatentStitching.Numerics;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Similarity;

/// <summary>Against recorded values of latentis, netrep, SciPy and scikit-learn.</summary>
[NoTensorLeaks]
public sealed class SimilarityFixtureTests
{
    private static double Number(StateDictionary file, string name) => file[name].to_type(ScalarType.Float64).sum().ToDouble();

    [Theory]
    [InlineData("tall")]
    [InlineData("wide")]
    [InlineData("same_dim")]
    public void Cka_IsThatOfLatentis(string name)
    {
        using var scope = NewDisposeScope();
        using StateDictionary file = Fixture.Load("latentis/measures.safetensors");
        Tensor x = file[$"{name}.X"], y = file[$"{name}.Y"];
        RbfCka median = new(RbfBandwidth.OfMedian(median: RbfMedian.LowerNonZero), CkaEstimator.Biased), three = new(RbfBandwidth.Fixed(3), CkaEstimator.Biased);
        foreach ((ISimilarityMeasure measure, string value) in new (ISimilarityMeasure, string)[] { (new LinearCka(CkaEstimator.Biased), "linear_cka"), (median, "rbf_cka_median"), (three, "rbf_cka_sigma3") })
        {
            // Theirs ran in float64 on the same float32 numbers.
            measure.Measure(x, y).Should().BeApproximately(Number(file, $"{name}.f64.{value}"), 1e-12, value);
            measure.Measure(x, y).Should().BeApproximately(Number(file, $"{name}.f32.{value}"), 1e-4, value);
            measure.Measure(x, x).Should().BeApproximately(Number(file, $"{name}.f64.cka_self"), 1e-12);
        }
    }

    [Theory]
    [InlineData("tall")]
    [InlineData("same_dim")]
    public void CanonicalCorrelations_MakeTheSvccaOfLatentis(string name)
    {
        using var scope = NewDisposeScope();
        using StateDictionary file = Fixture.Load("latentis/measures.safetensors");
        Tensor x = file[$"{name}.X"].to_type(ScalarType.Float64), y = file[$"{name}.Y"].to_type(ScalarType.Float64);
        // What latentis calls SVCCA reduces nothing: it is CCA with ε added to the covariances, and a mean over the first correlations whose sum reaches a share of all, itself excluded.
        foreach ((string value, double epsilon, double share) in new[] { ("svcca_eps1e-3", 1e-3, 0.98), ("svcca", 1e-6, 0.98), ("svcca_var0.5", 1e-6, 0.5) })
        {
            double[] rho = Regularised(x, y, epsilon);
            double total = rho.Sum(), sum = 0;
            int kept = 0;
            while (kept < rho.Length && sum / total < share) sum += rho[kept++];
            bool never = kept == rho.Length && sum / total < share;
            double mean = (never || kept == rho.Length) ? rho.Average() : rho.Take(kept).Average();
            mean.Should().BeApproximately(Number(file, $"{name}.f64.{value}"), 1e-8, value);
        }
    }

    // U·diag(s/√(s² + penalty)): canonical variates when the penalty is 0.
    private static double[] Regularised(Tensor x, Tensor y, double epsilon)
    {
        Tensor Side(Tensor rows)
        {
            PrincipalFactor factor = PrincipalFactor.OfRows(rows);
            Tensor centred = rows - rows.mean([0]);
            double largest = (centred.t().mm(centred) / (rows.size(0) - 1)).abs().max().ToDouble() + 1e-6;
            return factor.Left! * (factor.Values / (factor.Values.square() + (epsilon * largest * (rows.size(0) - 1))).sqrt());
        }
        return Canonical.Correlations(Side(x).t().mm(Side(y)));
    }

    [Theory]
    [InlineData("same")]
    [InlineData("diff")]
    [InlineData("reflected")]
    public void ShapesAndCorrelations_AreThoseOfNetrepAndSciPy(string name)
    {
        using var scope = NewDisposeScope();
        using StateDictionary file = Fixture.Load("alignment/procrustes_cca.safetensors");
        Tensor x = file[$"{name}.X"], y = file[$"{name}.Y"];
        void Is(ISimilarityMeasure measure, string value, double tolerance = 1e-12) =>
            measure.Measure(x, y).Should().BeApproximately(Number(file, $"{name}.{value}"), tolerance, value);

        Is(new ProcrustesDistance(), "netrep.alpha1.angular");
        Is(new ProcrustesDistance(ProcrustesNormalisation.SizeAndShape), "netrep.alpha1.euclidean");
        Is(new ShapeMetric(0.5), "netrep.alpha0.5.angular");
        if (name != "diff")
        {
            // A padded side's variance is not kept by netrep: SimilarityGoldenTests.
            Is(new ShapeMetric(0.5, angular: false), "netrep.alpha0.5.euclidean");
            Is(new ShapeMetric(0), "netrep.alpha0.angular");
            Is(new ShapeMetric(0, angular: false), "netrep.alpha0.euclidean");
            Is(new ProcrustesDistance(ProcrustesNormalisation.Disparity), "spatial_procrustes.disparity");
        }
        double[] expected = file[$"{name}.cca.correlations"].data<double>().ToArray();
        new CanonicalCorrelation().Measure(x, y).Should().BeApproximately(expected.Average(), 1e-12);
        new CanonicalCorrelation(CcaSummary.MeanSquare).Measure(x, y).Should().BeApproximately(expected.Sum(rho => rho * rho) / expected.Length, 1e-12);
        new CanonicalCorrelation().Measure(x, y).Should().BeApproximately(file[$"{name}.sklearn_cca.correlations"].mean().ToDouble(), 1e-6);
    }
}
