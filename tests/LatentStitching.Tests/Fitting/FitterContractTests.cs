using LatentStitching.Fitting;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>One body for every fitter of the library.</summary>
[NoTensorLeaks]
public sealed class FitterContractTests
{
    public static TheoryData<ILatentMapFitter> Fitters() =>
    [
        new LeastSquaresFitter(),
        new LeastSquaresFitter(new LeastSquaresOptions { FitIntercept = false }),
        new RidgeFitter(0.5),
        new RidgePathFitter(),
        new RidgePathFitter(new RidgePathOptions { PerTarget = true }),
        new StructureFitter(new StructureOptions { Candidates = [new LeastSquaresFitter(), new RidgeFitter(0.5)] }),
    ];

    // They are told the latents' shapes and take no others: StructuredFitterTests holds them to this contract.
    private static readonly Type[] _shaped = [typeof(ConvolutionFitter), typeof(KroneckerFitter), typeof(BlockFitter)];

    [Fact]
    public void Fitters_AreAllOfTheLibrarys()
    {
        IEnumerable<Type> all = typeof(ILatentMapFitter).Assembly.GetTypes().Where(type => type.IsClass && typeof(ILatentMapFitter).IsAssignableFrom(type));
        Fitters().Cast<object[]>().Select(row => row[0].GetType()).Distinct().Concat(_shaped).Should().BeEquivalentTo(all);
    }

    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_FloatTypes_ReturnsTheSourcesTypeAndLeavesTheInputsAlone(ILatentMapFitter fitter)
    {
        foreach (ScalarType dtype in (ScalarType[])[ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64])
        {
            using var scope = NewDisposeScope();
            using Generator generator = new(1);
            Tensor x = randn([40, 5], ScalarType.Float32, generator: generator).to_type(dtype), y = randn([40, 3], ScalarType.Float32, generator: generator).to_type(dtype);
            Tensor xBefore = x.clone(), yBefore = y.clone();
            using LatentPairs pairs = new(x, y);
            using LatentMapFit fit = fitter.Fit(pairs);
            fit.Affine.Weight.dtype.Should().Be(dtype);
            fit.Affine.Weight.shape.Should().Equal(3, 5);
            fit.Map.Apply(x).dtype.Should().Be(dtype);
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
        fit.Affine.Weight.IsInvalid.Should().BeFalse();
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
        fit.Affine.Weight.abs().max().ToDouble().Should().Be(0);
        if (fit.Affine.Bias.abs().max().ToDouble() > 0) fit.Affine.Bias.ShouldBeCloseTo(y.mean([0]), 1e-14);
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
        using LatentPairs pairs = new(randn(30, 4), randn(30, 2));
        Steps<FitProgress> steps = new();
        using LatentMapFit fit = fitter.Fit(pairs, steps);
        fit.Report.Should().Match<FitReport>(report => report.SampleCount == 30 && report.SourceDimension == 4 && report.TargetDimension == 2 && report.Elapsed > TimeSpan.Zero);
        fit.Report.TrainingR2.Should().BeInRange(-1, 1);
        steps.All.Should().NotBeEmpty().And.HaveCountLessThanOrEqualTo(100);
        steps.All[^1].Iteration.Should().Be(steps.All[^1].MaxIterations);
        fit.ToString().Should().Contain("4 → 2 from 30 pairs");
    }
}
