using LatentStitching.Checkpoints;
using LatentStitching.Metrics.Distribution;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Distribution;

[NoTensorLeaks]
public sealed class FrechetDistanceTests
{
    internal static Tensor F2() => Golden.Matrix(15, 4, (i, j) => (((2 * i * i) + (5 * i * j) + (3 * j) + 4) % 19) / 19.0);

    internal static FeatureStatistics Statistics(Tensor features)
    {
        FeatureStatistics statistics = new("test", features.size(1));
        statistics.Add(features);
        return statistics;
    }

    [Fact]
    public void GoldenFeatures_GiveTheKnownDistance()
    {
        using var scope = NewDisposeScope();
        using FeatureStatistics x = Statistics(Golden.X()), y = Statistics(F2());
        FrechetResult result = FrechetDistance.Evaluate(x, y);
        result.Distance.Value.Should().BeApproximately(0.169221548425678, 1e-13);
        result.Distance.Signature.Should().Be("fid|features:test|cov:unbiased|n:12/15|ci:none");
        FrechetTrace.Of(GaussianFactor.Of(x), GaussianFactor.Of(y)).Should().BeApproximately(0.314847690727909, 1e-13);
        result.Warnings.Should().Equal(FrechetWarning.FewImages);
        result.KernelDistance.Should().BeNull();
        double.IsNaN(result.Distance.Lower).Should().BeTrue();
    }

    // pytorch-fid b9c1811 and torch-fidelity 5e211a9; "exact" by eigenvalues of the symmetric form in float64.
    [Theory]
    [InlineData("full")]
    [InlineData("rank_deficient")]
    [InlineData("identical")]
    [InlineData("one_dim")]
    [InlineData("close")]
    public void AgreesWithPytorchFid(string name)
    {
        using StateDictionary file = Fixture.Load("fid_kid/frechet.safetensors");
        using var scope = NewDisposeScope();
        using FeatureStatistics one = Statistics(file[name + ".feat1"]), other = Statistics(file[name + ".feat2"]);
        double value = FrechetDistance.Evaluate(one, other).Distance.Value;
        value.Should().BeApproximately(file[name + ".fid_pytorch_fid"].ToDouble(), 1e-6);
        // The recorded symmetric form too adds the roots of eigenvalues that are rounding where the covariances are singular; from its own moments without them it is exact.
        if (name is "full") value.Should().BeApproximately(file[name + ".fid_symmetric_exact"].ToDouble(), 1e-9);
        Tensor a = file[name + ".sigma1"].reshape(one.Dimension, one.Dimension), b = file[name + ".sigma2"].reshape(one.Dimension, one.Dimension);
        double mean = (file[name + ".mu1"] - file[name + ".mu2"]).square().sum().ToDouble();
        value.Should().BeApproximately(mean + a.trace().ToDouble() + b.trace().ToDouble() - (2 * SymmetricRootTrace(a, b)), 1e-9);
        one.Mean().ShouldBeCloseTo(file[name + ".mu1"], 1e-13);
        one.Covariance().ShouldBeCloseTo(file[name + ".sigma1"].reshape(one.Dimension, one.Dimension), 1e-12);
    }

    // Rows against rows, rows against a covariance, two covariances: the same moments in every form.
    [Theory]
    [InlineData(30, 40, 20)]
    [InlineData(12, 40, 20)]
    [InlineData(40, 12, 20)]
    [InlineData(8, 12, 20)]
    [InlineData(2, 2, 20)]
    public void EveryForm_EqualsTheSymmetricRoot(int m, int n, int d)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor x = randn([m, d], ScalarType.Float64, generator: generator), y = randn([n, d], ScalarType.Float64, generator: generator).mul(1.5).add(0.2);
        using FeatureStatistics one = Statistics(x), other = Statistics(y);
        one.HasRows.Should().Be(m <= d);
        Tensor a = Covariance(x), b = Covariance(y);
        double expected = (x.mean([0]) - y.mean([0])).square().sum().ToDouble() + a.trace().ToDouble() + b.trace().ToDouble() - (2 * SymmetricRootTrace(a, b));
        FrechetDistance.Evaluate(one, other).Distance.Value.Should().BeApproximately(expected, 1e-10);
        FrechetDistance.Evaluate(other, one).Distance.Value.Should().BeApproximately(expected, 1e-10);
    }

    [Fact]
    public void SingularCovariances_OfManyRows_AreExact()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(2);
        // More images than features, of which three are constant and two copies of others.
        Tensor x = randn([200, 8], ScalarType.Float64, generator: generator), y = randn([300, 8], ScalarType.Float64, generator: generator).mul(0.5);
        Tensor wideX = cat([x, x.narrow(1, 0, 2), full([200, 3], 0.1, ScalarType.Float64)], 1), wideY = cat([y, y.narrow(1, 0, 2), full([300, 3], 0.4, ScalarType.Float64)], 1);
        using FeatureStatistics one = Statistics(wideX), other = Statistics(wideY);
        double value = FrechetDistance.Evaluate(one, other).Distance.Value;
        // The copies stretch their columns by √2.
        Tensor stretch = tensor([Math.Sqrt(2), Math.Sqrt(2), 1, 1, 1, 1, 1, 1]);
        using FeatureStatistics small = Statistics(x * stretch), smaller = Statistics(y * stretch);
        value.Should().BeApproximately(FrechetDistance.Evaluate(small, smaller).Distance.Value + (3 * 0.3 * 0.3), 1e-10);
    }

    [Fact]
    public void OneDimension_IsTheClosedForm()
    {
        using var scope = NewDisposeScope();
        // Variances 1 and 4 with n - 1: (1 - 2)² = 1, and means 3 apart.
        using FeatureStatistics one = Statistics(tensor(new[,] { { -1.0 }, { 0 }, { 1 } })), other = Statistics(tensor(new[,] { { 1.0 }, { 3 }, { 5 } }));
        FrechetResult result = FrechetDistance.Evaluate(one, other);
        result.Distance.Value.Should().BeApproximately(10, 1e-13);
        result.MeanPart.Should().BeApproximately(9, 1e-13);
    }

    [Fact]
    public void IdenticalSets_GiveZero_AndShiftsTheirSquare()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        foreach (int n in (int[])[10, 100])
        {
            Tensor x = randn([n, 30], ScalarType.Float64, generator: generator) + 1e4;
            using FeatureStatistics one = Statistics(x), same = Statistics(x), shifted = Statistics(x + 2);
            FrechetDistance.Evaluate(one, same).Distance.Value.Should().BeInRange(0, 1e-10);
            FrechetDistance.Evaluate(one, shifted).Distance.Value.Should().BeApproximately(120, 1e-8);
        }
    }

    [Fact]
    public void ConstantImages_AreNamed_NotNaN()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        using FeatureSet flat = new(full([5, 3], 2f), "test"), varied = new(randn([5, 3], generator: generator), "test");
        foreach ((FeatureSet one, FeatureSet other) in ((FeatureSet, FeatureSet)[])[(flat, flat), (flat, varied)])
        {
            FrechetResult result = FrechetDistance.Evaluate(one, other);
            result.Warnings.Should().Equal(FrechetWarning.FewImages, FrechetWarning.NoVariance);
            double.IsFinite(result.Distance.Value).Should().BeTrue();
            double.IsFinite(result.KernelDistance!.Value).Should().BeTrue();
        }
        FrechetDistance.Evaluate(flat, flat).Distance.Value.Should().Be(0);
    }

    [Fact]
    public void FewImages_BringTheKernelDistanceBeside()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(4);
        using FeatureSet few = new(randn([20, 64], generator: generator), "inception-64,tensorflow"), alsoFew = new(randn([30, 64], generator: generator), "inception-64,tensorflow");
        FrechetResult result = FrechetDistance.Evaluate(few, alsoFew);
        result.Warnings.Should().Equal(FrechetWarning.FewerImagesThanFeatures, FrechetWarning.FewImages);
        result.KernelDistance!.Signature.Should().Be("kid|features:inception-64,tensorflow|kernel:cubic|estimator:unbiased|sample:full|n:20/30|ci:jackknife-normal");
        result.Distance.Signature.Should().Be("fid|features:inception-64,tensorflow|cov:unbiased|n:20/30|ci:none");
        result.ToString().Should().MatchRegex(@"^[\d.]+ \(KID -?[\d.e-]+ \[.*\]; FewerImagesThanFeatures; FewImages\)$");
        using FeatureSet many = new(randn([2048, 4], generator: generator), "test");
        FrechetResult enough = FrechetDistance.Evaluate(many, many);
        enough.Warnings.Should().BeEmpty();
        enough.KernelDistance.Should().BeNull();
        enough.ToString().Should().Be(enough.Distance.Value.ToString("g4", System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Misuse_Throws()
    {
        using var scope = NewDisposeScope();
        using FeatureStatistics one = Statistics(ones(1, 3)), two = Statistics(ones(2, 3));
        using FeatureStatistics other = new("other", 3);
        ((Action)(() => FrechetDistance.Evaluate(one, two))).ShouldRefuse("candidate", "candidate must hold at least 2 images, but it holds 1.");
        ((Action)(() => FrechetDistance.Evaluate(two, one))).ShouldRefuse("reference", "reference must hold at least 2 images, but it holds 1.");
        ((Action)(() => FrechetDistance.Evaluate(other, two))).ShouldRefuse(
            "candidate", "candidate must be of the features 'test' [3], but it is of 'other' [3]. Features of different extractors cannot be compared.");
        ((Action)(() => FrechetDistance.Evaluate(two, null!))).Should().Throw<ArgumentNullException>().WithParameterName("reference");
    }

    private static Tensor Covariance(Tensor x)
    {
        Tensor centred = x - x.mean([0]);
        return centred.t().mm(centred) / (x.size(0) - 1);
    }

    private static double SymmetricRootTrace(Tensor a, Tensor b)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(a);
        Tensor root = (vectors * values.clamp(min: 0).sqrt()).mm(vectors.t());
        Tensor spectrum = linalg.eigvalsh(root.mm(b).mm(root));
        // Of the singular ones only as many are more than rounding as the smaller rank.
        return spectrum.where(spectrum > spectrum.max() * 1e-13, zeros_like(spectrum)).sqrt().sum().ToDouble();
    }
}
