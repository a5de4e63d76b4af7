using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>One body for every fitter of the library: all take the same latents, four columns to two, which to those that are told shapes are two channels to one at two places, or two levels.</summary>
[NoTensorLeaks]
public sealed class FitterContractTests
{
    private static readonly long[] _from = [2, 1, 2];
    private static readonly long[] _to = [1, 1, 2];

    public static TheoryData<ILatentMapFitter> Fitters() =>
    [
        new LeastSquaresFitter(),
        new LeastSquaresFitter(new LeastSquaresOptions { FitIntercept = false }),
        new RidgeFitter(0.5),
        new RidgePathFitter(),
        new RidgePathFitter(new RidgePathOptions { PerTarget = true }),
        new ProcrustesFitter(),
        new ProcrustesFitter(new ProcrustesOptions { Scaling = true, Standardise = true }),
        new OrthogonalisedLeastSquaresFitter(),
        new WhiteningFitter(),
        new WhiteningFitter(new WhiteningOptions { Alpha = 1, Scaling = true }),
        new CcaFitter(),
        new CcaFitter(new CcaOptions { Components = 2, Regularisation = 0.1 }),
        new ReducedRankPathFitter(),
        new ReducedRankFitter(new ReducedRankOptions { Rank = 2, Alpha = 0.5 }),
        new AnchorFitter(),
        new AnchorFitter(new AnchorOptions { Rows = [0, 1, 2, 3], Scaling = true, FitIntercept = false }),
        new ShrunkRidgeFitter(),
        new ShrunkRidgeFitter(new ShrunkRidgeOptions { ActivityPenalty = 0, FitIntercept = true }),
        new GradientDescentFitter(new GradientDescentOptions { FitIntercept = false }),
        new GradientDescentFitter(new GradientDescentOptions { Optimiser = GradientOptimiser.Sgd, LearningRate = 0.3, Tolerance = 1e-15 }),
        new LassoFitter(0.05),
        new LassoFitter(new LassoOptions { Alpha = 0.05, L1Ratio = 0.5, FitIntercept = false }),
        new MultiTaskLassoFitter(0.05),
        new RidgePathFitter(new RidgePathOptions { Criterion = RidgeCriterion.GeneralisedCrossValidation }),
        new MeanFitter(),
        new RandomMapFitter(seed: 3),
        new ShuffledPairsFitter(new RidgeFitter(1)),
        new MlpFitter(new MlpOptions { HiddenWidth = 16, MaxEpochs = 150 }),
        new StructureFitter(new StructureOptions { Candidates = [new LeastSquaresFitter(), new RidgeFitter(0.5)] }),
        new StructureFitter(StructureOptions.ForImages(_from, _to)),
        new ConvolutionFitter(new ConvolutionOptions { SourceShape = _from, TargetShape = _to }),
        new ConvolutionFitter(new ConvolutionOptions { SourceShape = _from, TargetShape = _to, KernelSize = 3, OffsetPerChannel = true, LeaveOneOut = true }),
        new ConvolutionFitter(new ConvolutionOptions { SourceShape = _from, TargetShape = _to, Alpha = 0.5, FitIntercept = false }),
        new KroneckerFitter(new KroneckerOptions { SourceShape = _from, TargetShape = _to, Alpha = 0.5 }),
        new KroneckerFitter(new KroneckerOptions { SourceShape = _from, TargetShape = _to, FitIntercept = false }),
        new BlockFitter(new BlockOptions { Source = LatentSpace.Of(("a", [3]), ("b", [1])), Target = LatentSpace.Of(("a", [1]), ("b", [1])) }),
        new PreparedFitter(new RidgePathFitter()),
        new PreparedFitter(new LeastSquaresFitter(), new PreparedOptions { Source = LatentScaling.PcaWhitened, Target = LatentScaling.Standardised }),
        new PreparedFitter(new RidgeFitter(0.5), new PreparedOptions { Source = LatentScaling.ZcaWhitened, Target = LatentScaling.PcaWhitened }),
    ];

    // What the fitter says of its offset: none, one a channel, or one a number.
    private static bool HasOffset(ILatentMapFitter fitter) => !fitter.ToString()!.Contains("without intercept", StringComparison.Ordinal);

    private static Tensor Offset(ILatentMapFitter fitter, Tensor mean) =>
        fitter.ToString()!.Contains("one offset a channel", StringComparison.Ordinal) ? mean.mean().expand(mean.size(0)) : mean;

    [Fact]
    public void Fitters_AreAllOfTheLibrarys()
    {
        IEnumerable<Type> all = typeof(ILatentMapFitter).Assembly.GetTypes().Where(type => type.IsClass && typeof(ILatentMapFitter).IsAssignableFrom(type));
        Fitters().Cast<object[]>().Select(row => row[0].GetType()).Distinct().Should().BeEquivalentTo(all);
    }

    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_FloatTypes_GivesAFloat64MapOfTheInputsLeftAlone(ILatentMapFitter fitter)
    {
        foreach (ScalarType dtype in (ScalarType[])[ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64])
        {
            using var scope = NewDisposeScope();
            using Generator generator = new(1);
            Tensor x = randn([40, 4], ScalarType.Float32, generator: generator).to_type(dtype), y = randn([40, 2], ScalarType.Float32, generator: generator).to_type(dtype);
            Tensor xBefore = x.clone(), yBefore = y.clone();
            using LatentPairs pairs = new(x, y);
            using LatentMapFit fit = fitter.Fit(pairs);
            if (fit.Map is AffineMap affine)
            {
                affine.Weight.dtype.Should().Be(ScalarType.Float64);
                affine.Bias.dtype.Should().Be(ScalarType.Float64);
                affine.Weight.shape.Should().Equal(2, 4);
            }
            (fit.Map.SourceDimension, fit.Map.TargetDimension).Should().Be((4, 2));
            fit.Map.Apply(x).dtype.Should().Be(dtype);
            fit.Map.Apply(x).shape.Should().Equal(40, 2);
            x.eq(xBefore).all().ToBoolean().Should().BeTrue();
            y.eq(yBefore).all().ToBoolean().Should().BeTrue();
        }
    }

    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_InsideAScope_TheMapOutlivesIt(ILatentMapFitter fitter)
    {
        LatentMapFit fit;
        using (var scope = NewDisposeScope())
        {
            using LatentPairs pairs = new(randn(20, 4, ScalarType.Float64), randn(20, 2, ScalarType.Float64));
            fit = fitter.Fit(pairs);
        }
        using (var scope = NewDisposeScope()) fit.Map.Apply(zeros(2, 4, ScalarType.Float64)).shape.Should().Equal(2, 2);
        fit.Dispose();
    }

    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_Cancelled_ThrowsAndLeavesNoTensor(ILatentMapFitter fitter)
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(randn(20, 4), randn(20, 2));
        using CancellationTokenSource source = new();
        source.Cancel();
        Action act = () => fitter.Fit(pairs, cancellationToken: source.Token);
        act.Should().Throw<OperationCanceledException>();
    }

    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_SourceWithoutVariance_GivesTheMean(ILatentMapFitter fitter)
    {
        using var scope = NewDisposeScope();
        Tensor y = randn(20, 2, ScalarType.Float64);
        using LatentPairs pairs = new(zeros(20, 4, ScalarType.Float64), y);
        using LatentMapFit fit = fitter.Fit(pairs);
        if (fit.Map is AffineMap affine)
        {
            affine.Weight.abs().max().ToDouble().Should().Be(0);
            if (HasOffset(fitter)) affine.Bias.ShouldBeCloseTo(Offset(fitter, y.mean([0])), 1e-13);
            else affine.Bias.abs().max().ToDouble().Should().Be(0);
            return;
        }
        // A network keeps rows aside and gives the mean of the others: the same wherever it is asked.
        Tensor mapped = fit.Map.Apply(randn(20, 4, ScalarType.Float64));
        mapped.ShouldBeCloseTo(mapped.narrow(0, 0, 1).expand(20, 2), 0);
        mapped[0].sub(y.mean([0])).abs().max().ToDouble().Should().BeLessThan(0.5);
    }

    /// <summary>Of a target far from zero, where a map without an offset cannot do it.</summary>
    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_WithAnOffset_MapsTheMeanToTheMean(ILatentMapFitter fitter)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(30, 4, 1).add(0.5), y = Draws.Matrix(30, 2, 2).add(x.narrow(1, 0, 2)).add(5);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = fitter.Fit(pairs);
        // A network is no affine map.
        if (fit.Map is not AffineMap affine) return;
        Tensor mapped = affine.Apply(x).mean([0]);
        if (HasOffset(fitter)) Offset(fitter, mapped).ShouldBeCloseTo(Offset(fitter, y.mean([0])), 1e-9);
        else affine.Bias.abs().max().ToDouble().Should().Be(0);
    }

    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_NoPairs_Throws(ILatentMapFitter fitter)
    {
        Action act = () => fitter.Fit(null!);
        act.Should().Throw<ArgumentNullException>().WithParameterName("pairs");
    }

    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_ReportsSizesTimeAndProgress(ILatentMapFitter fitter)
    {
        using var scope = NewDisposeScope();
        // An isometry fitted to mere noise can be worse than the mean by any amount: these pairs are related.
        Tensor x = Draws.Matrix(30, 4, 1);
        using LatentPairs pairs = new(x, x.narrow(1, 0, 2).add(Draws.Matrix(30, 2, 2)));
        Steps<FitProgress> steps = new();
        using LatentMapFit fit = fitter.Fit(pairs, steps);
        fit.Report.Should().Match<FitReport>(report => report.SampleCount == 30 && report.SourceDimension == 4 && report.TargetDimension == 2 && report.Elapsed > TimeSpan.Zero);
        fit.Report.TrainingR2.Should().BeInRange(-3, 1, "a map with the target's variances can be no worse than its opposite");
        steps.All.Should().NotBeEmpty().And.HaveCountLessThanOrEqualTo(100);
        steps.All[^1].Iteration.Should().Be(steps.All[^1].MaxIterations);
        fit.ToString().Should().Contain("4 → 2 from 30 pairs");
    }
}
