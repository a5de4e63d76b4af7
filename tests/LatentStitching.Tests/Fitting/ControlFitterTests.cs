using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>Controls have errors that are known beforehand.</summary>
[NoTensorLeaks]
public sealed class ControlFitterTests
{
    [Fact]
    public void Mean_OnTrainingPairs_HasANormalisedErrorOfOne()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Linear(300, 1);
        using LatentMapFit fit = Stitcher.Fit(x, y, new MeanFitter());
        fit.Affine.Bias.ShouldBeCloseTo(y.mean([0]), 1e-14);
        Nmse(fit.Map, x, y).Should().BeApproximately(1, 1e-12);
        fit.Report.Should().Match<FitReport>(report => report.TrainingR2 == 0 && report.LeaveOneOutR2 == 0 && report.DegreesOfFreedom == 1 && report.Solver == "mean");
        new MeanFitter().ToString().Should().Be("mean of the target");
    }

    [Fact]
    public void RandomMap_OnTrainingPairs_HasTheTargetsMeansAndVariancesAndNothingElse()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Linear(3000, 2);
        x[.., 4] = 7;
        using LatentMapFit fit = Stitcher.Fit(x, y, new RandomMapFitter(seed: 5)), again = Stitcher.Fit(x, y, new RandomMapFitter(seed: 5)), other = Stitcher.Fit(x, y, new RandomMapFitter(seed: 6));
        Tensor mapped = fit.Map.Apply(x);
        mapped.mean([0]).ShouldBeCloseTo(y.mean([0]), 1e-12);
        mapped.var(0, unbiased: false).ShouldBeCloseTo(y.var(0, unbiased: false), 1e-12);
        (1 - Nmse(fit.Map, x, y)).Should().BeApproximately(fit.Report.TrainingR2, 1e-11);
        fit.Affine.Weight.bytes.SequenceEqual(again.Affine.Weight.bytes).Should().BeTrue();
        Close.RelativeDifference(other.Affine.Weight, fit.Affine.Weight).Should().BeGreaterThan(0.1);
        double[] r2 = [.. Enumerable.Range(0, 40).Select(seed =>
        {
            using LatentMapFit one = Stitcher.Fit(x, y, new RandomMapFitter((ulong)seed));
            return one.Report.TrainingR2;
        })];
        r2.Average().Should().BeApproximately(-1, 0.15);
        new RandomMapFitter(5).ToString().Should().Be("random map, seed 5");
    }

    [Fact]
    public void ShuffledPairs_OnOtherRows_AreNoBetterThanTheMean()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Linear(2000, 3);
        (Tensor heldX, Tensor heldY) = Linear(500, 3, from: 2000);
        ShuffledPairsFitter fitter = new(new RidgeFitter(1), seed: 1);
        using LatentMapFit paired = Stitcher.Fit(x, y, new RidgeFitter(1)), shuffled = Stitcher.Fit(x, y, fitter), again = Stitcher.Fit(x, y, fitter);
        Nmse(paired.Map, heldX, heldY).Should().BeLessThan(0.02);
        Nmse(shuffled.Map, heldX, heldY).Should().BeInRange(0.98, 1.05);
        shuffled.Report.Solver.Should().Be("primal Cholesky, target rows shuffled");
        shuffled.Affine.Weight.bytes.SequenceEqual(again.Affine.Weight.bytes).Should().BeTrue();
        fitter.ToString().Should().Be("ridge, alpha 1, on shuffled pairs");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(50)]
    public void ShuffledPairs_LeaveNoRowItsPartner(int rows)
    {
        using var scope = NewDisposeScope();
        Tensor x = arange(rows, dtype: ScalarType.Float64).unsqueeze(1);
        for (ulong seed = 0; seed < 20; seed++)
        {
            Seen seen = new();
            using LatentPairs pairs = new(x, x, [.. Enumerable.Range(0, rows).Select(i => $"{i}")]);
            using LatentMapFit fit = new ShuffledPairsFitter(seen, seed).Fit(pairs);
            seen.Source.Should().Equal(Enumerable.Range(0, rows).Select(i => (double)i));
            seen.Target.Should().BeEquivalentTo(seen.Source);
            seen.Target.Zip(seen.Source).Should().NotContain(pair => pair.First == pair.Second);
            seen.HadIds.Should().BeFalse("an id of one side would be wrong for the other");
        }
    }

    [Fact]
    public void Arguments_ThatDoNotFit_AreNamed()
    {
        using var scope = NewDisposeScope();
        using LatentPairs one = new(ones(1, 2), ones(1, 2));
        Action shuffle = () => new ShuffledPairsFitter(new MeanFitter()).Fit(one);
        shuffle.ShouldRefuse("pairs", "pairs must hold at least two rows to exchange their partners, but it holds 1.");
        Action network = () => new MlpFitter().Fit(one);
        network.ShouldRefuse("pairs", "pairs must hold at least two rows, one of them to know when to stop, but it holds 1.");
        Action none = () => _ = new ShuffledPairsFitter(null!);
        none.Should().Throw<ArgumentNullException>().WithParameterName("inner");
        foreach (Action act in (Action[])[() => _ = new MlpOptions { HiddenWidth = 0 }, () => _ = new MlpOptions { MaxEpochs = 0 }, () => _ = new MlpOptions { Patience = 0 }, () => _ = new MlpOptions { BatchSize = 0 }])
        {
            act.Should().Throw<ArgumentOutOfRangeException>().WithMessage("* must be positive, but it is 0.*");
        }
        Action rate = () => _ = new MlpOptions { LearningRate = -1 };
        rate.Should().Throw<ArgumentOutOfRangeException>().WithMessage("LearningRate must be positive and finite, but it is -1.*");
        Action share = () => _ = new MlpOptions { HeldOutShare = 1 };
        share.Should().Throw<ArgumentOutOfRangeException>().WithMessage("HeldOutShare must lie strictly between 0 and 1, but it is 1.*");
    }

    [Fact]
    public void Mlp_ParabolaBelowZero_IsLearntWhereALinearMapCannot()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Parabola(1500, 1);
        (Tensor heldX, Tensor heldY) = Parabola(400, 2);
        using LatentMapFit network = Stitcher.Fit(x, y, new MlpFitter(new MlpOptions { HiddenWidth = 64 })), linear = Stitcher.Fit(x, y);
        Nmse(linear.Map, heldX, heldY).Should().BeGreaterThan(0.8);
        Nmse(network.Map, heldX, heldY).Should().BeLessThan(0.05);
        network.Map.Apply(heldX).max().ToDouble().Should().BeLessThan(0.5, "the targets are all negative, and so must the output be able to be");
        network.Report.HeldOutR2.Should().BeGreaterThan(0.95);
        network.Report.ToString().Should().Contain("(held out)");
        network.Map.Should().BeOfType<MlpMap>().Which.ToString().Should().Be("map with one hidden layer 2 → 64 → 3");
        network.Invoking(fit => fit.Affine).Should().Throw<InvalidOperationException>().WithMessage("The map is a MlpMap, not an affine map.");
    }

    [Fact]
    public void Mlp_LinearToy_IsAboutAsGoodAsTheLinearMap()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Linear(2000, 4);
        (Tensor heldX, Tensor heldY) = Linear(500, 4, from: 2000);
        using LatentMapFit network = Stitcher.Fit(x.add(1000), y, new MlpFitter(new MlpOptions { HiddenWidth = 64 })), linear = Stitcher.Fit(x, y);
        double plain = Nmse(linear.Map, heldX, heldY);
        Nmse(network.Map, heldX.add(1000), heldY).Should().BeLessThan(plain + 0.02);
    }

    [Fact]
    public void Mlp_SameSeed_GivesTheSameBytes()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Parabola(200, 1);
        MlpOptions options = new() { HiddenWidth = 16, MaxEpochs = 5 };
        Tensor Mapped(MlpOptions with)
        {
            using LatentMapFit fit = Stitcher.Fit(x, y, new MlpFitter(with));
            return fit.Map.Apply(x);
        }
        Mapped(options).bytes.SequenceEqual(Mapped(options).bytes).Should().BeTrue();
        Mapped(options with { Seed = 1 }).bytes.SequenceEqual(Mapped(options).bytes).Should().BeFalse();
    }

    [Fact]
    public void Mlp_CancelledWhileItTrains_ThrowsAndLeavesNoTensor()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Parabola(200, 1);
        using CancellationTokenSource cancel = new();
        using LatentPairs pairs = new(x, y);
        Action act = () => new MlpFitter(new MlpOptions { HiddenWidth = 8 }).Fit(pairs, new Steps<FitProgress>(cancel.Cancel), cancel.Token);
        act.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void Mlp_WildStep_IsReportedAsDiverged()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Parabola(200, 1);
        using LatentPairs pairs = new(x.to_type(ScalarType.Float32), y);
        using LatentMapFit fit = new MlpFitter(new MlpOptions { HiddenWidth = 8, LearningRate = 1e30 }).Fit(pairs);
        fit.Report.Status.Should().Be(FitStatus.Diverged);
    }

    [Fact]
    public void MlpMap_WrongWidthAndUseAfterDispose_Throw()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Parabola(50, 1);
        LatentMapFit fit = Stitcher.Fit(x, y, new MlpFitter(new MlpOptions { HiddenWidth = 4, MaxEpochs = 1 }));
        Action width = () => fit.Map.Apply(ones(3, 5));
        width.ShouldRefuse("latents", "latents must have 2 columns, the latent width of the map's source, but its shape is [3, 5].");
        fit.Dispose();
        fit.Dispose();
        Action disposed = () => fit.Map.Apply(x);
        disposed.Should().Throw<ObjectDisposedException>();
    }

    private static double Nmse(ILatentMap map, Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        return map.Apply(x).sub(y).square().sum().div(y.sub(y.mean([0])).square().sum()).ToDouble();
    }

    private static (Tensor X, Tensor Y) Linear(long rows, ulong seed, long from = 0)
    {
        using Generator generator = new(seed);
        Tensor w = randn([8, 6], ScalarType.Float64, generator: generator);
        Tensor x = randn([from + rows, 8], ScalarType.Float64, generator: generator).narrow(0, from, rows);
        using Generator noise = new(seed + (ulong)from + 100);
        return (x, x.mm(w).add(randn([rows, 6], ScalarType.Float64, generator: noise).mul(0.2)).add(4));
    }

    private static (Tensor X, Tensor Y) Parabola(long rows, ulong seed)
    {
        using Generator generator = new(seed);
        Tensor x = randn([rows, 2], ScalarType.Float64, generator: generator).clamp(-2, 2);
        Tensor a = x.narrow(1, 0, 1), b = x.narrow(1, 1, 1);
        return (x, cat([a.square(), b.abs(), (a + b).abs()], 1).neg().sub(1));
    }

    private sealed class Seen : ILatentMapFitter
    {
        public double[] Source { get; private set; } = [];

        public double[] Target { get; private set; } = [];

        public bool HadIds { get; private set; }

        public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
        {
            Source = pairs.Source.data<double>().ToArray();
            Target = pairs.Target.data<double>().ToArray();
            HadIds = pairs.Ids is not null;
            return new MeanFitter().Fit(pairs, progress, cancellationToken);
        }
    }
}
