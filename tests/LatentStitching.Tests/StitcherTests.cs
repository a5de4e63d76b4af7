using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;
using Microsoft.Extensions.Logging;

namespace LatentStitching.Tests;

[NoTensorLeaks]
public sealed class StitcherTests
{
    [Fact]
    public void Fit_LinearModels_StitchesWithoutLoss()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        using StitchResult result = Stitcher.Fit(source, target, Toy.Images(200));
        result.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.SampleCount == 200);
        result.Report.LeaveOneOutR2.Should().BeGreaterThan(0.999999);
        StitchErrors errors = result.Evaluate(Toy.Images(50, seed: 77));
        errors.Stitched.Value.Should().BeLessThan(1e-8);
        (1 - errors.NormalisedLatent.Value).Should().BeGreaterThan(0.999999);
        errors.Recovered.Should().BeApproximately(1, 1e-6);
        result.Map.Should().BeSameAs(result.Model.Map);
        result.ToString().Should().StartWith("s → t. Succeeded: 6 → 6 from 200 pairs");
    }

    [Fact]
    public void Fit_ByImages_IsInputPairing()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        using StitchResult brief = Stitcher.Fit(source, target, Toy.Images(50)), whole = Stitcher.Fit(source, target, new StitchOptions { Pairing = new InputPairing(Toy.Images(50)) });
        ((AffineMap)brief.Map).Weight.bytes.SequenceEqual(((AffineMap)whole.Map).Weight.bytes).Should().BeTrue();
        Action nothing = () => Stitcher.Fit(source, target, (IImageSource)null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("images");
    }

    [Fact]
    public void Fit_NoOptions_PairsByThePrior()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2, prior: true);
        using StitchResult result = Stitcher.Fit(source, target);
        result.Report.SampleCount.Should().Be(1000);
        result.Evaluate(Toy.Images(50)).Stitched.Value.Should().BeLessThan(1e-8);
    }

    [Fact]
    public void Fit_Tensors_GivesTheMap()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor x = randn([30, 4], ScalarType.Float64, generator: generator), weight = randn([3, 4], ScalarType.Float64, generator: generator);
        using LatentMapFit fit = Stitcher.Fit(x, x.mm(weight.t()) + 2, new LeastSquaresFitter());
        fit.Affine.Weight.ShouldBeCloseTo(weight, 1e-12);
        fit.Affine.Bias.ShouldBeCloseTo(full([3], 2.0), 1e-12);
        Action mismatch = () => Stitcher.Fit(x, x.narrow(0, 0, 29));
        mismatch.ShouldRefuse("target", "target must hold as many rows as source, but the shapes are [30, 4] and [29, 4]. Row i of both must come from the same input.");
    }

    [Fact]
    public void Fit_WithoutAScope_LeavesOnlyTheMap_AndTheModelsOutliveIt()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        long before = NoTensorLeaksAttribute.Live();
        StitchResult result = Stitcher.Fit(source, target, Toy.Images(50));
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        result.Dispose();
        result.Dispose();
        (NoTensorLeaksAttribute.Live() - before).Should().Be(0);
        using Tensor images = zeros(1, 1, 2, 3);
        foreach (ILatentModel model in (ILatentModel[])[source, target])
        {
            using Tensor reconstructed = model.Reconstruct(images);
            reconstructed.size(0).Should().Be(1);
        }
        Action act = () => result.Model.Translate(images);
        act.Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Fit_NoPriorAndNoImages_SaysWhatToPass()
    {
        using DelegateLatentModel source = Toy.Linear("left", 1), target = Toy.Linear("right", 2);
        Action act = () => Stitcher.Fit(source, target);
        act.ShouldRefuse(
            "source", "source or target must have a prior, but neither left nor right has one. Pass images: new StitchOptions { Pairing = new InputPairing(images) }.");
        Action noSource = () => Stitcher.Fit(null!, target);
        noSource.Should().Throw<ArgumentNullException>().WithParameterName("source");
        Action noTarget = () => Stitcher.Fit(source, (ILatentModel)null!);
        noTarget.Should().Throw<ArgumentNullException>().WithParameterName("target");
    }

    [Fact]
    public void Fit_Progress_TellsPairingThenFitting()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        Steps<StitchProgress> steps = new();
        using StitchResult result = Stitcher.Fit(source, target, new StitchOptions { Pairing = new InputPairing(Toy.Images(10)) { BatchSize = 4 }, Progress = steps });
        steps.All.Select(step => step.Stage).Distinct().Should().Equal("pairing", "fitting");
        steps.All.Where(step => step.Stage == "pairing").Select(step => step.Done).Should().Equal(4, 8, 10);
        foreach (IGrouping<string, StitchProgress> stage in steps.All.GroupBy(step => step.Stage))
        {
            stage.Select(step => step.Done).Should().BeInAscendingOrder();
            stage.Last().Done.Should().Be(stage.Last().Total);
        }
    }

    [Theory]
    [InlineData("pairing")]
    [InlineData("fitting")]
    public void Fit_CancelledInAStage_ThrowsAndLeavesNoTensor(string stage)
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        using CancellationTokenSource cancel = new();
        Cancelling progress = new(stage, cancel);
        Action act = () => Stitcher.Fit(source, target, new StitchOptions { Pairing = new InputPairing(Toy.Images(10)) { BatchSize = 4 }, Progress = progress }, cancel.Token);
        act.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void Fit_Logger_GetsOneLineEachAtItsLevel()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        using MemoryLog log = new();
        StitchOptions options = new() { Pairing = new InputPairing(Toy.Images(40)), LoggerFactory = log };
        Stitcher.Fit(source, target, options).Dispose();
        log.Category.Should().Be("LatentStitching.Stitcher");
        log.Lines.Select(line => line.Level).Should().Equal(LogLevel.Debug, LogLevel.Information);
        log.Lines[0].Text.Should().Be("Paired s and t: 40 rows, 6 to 6.");
        log.Lines[1].Text.Should().StartWith("Fitted a map. Succeeded: 6 → 6 from 40 pairs");

        log.Lines.Clear();
        Stitcher.Fit(source, target, options with { Pairing = new InputPairing(Toy.Images(4)), Fitter = new LeastSquaresFitter() }).Dispose();
        log.Lines.Select(line => line.Level).Should().Equal(LogLevel.Debug, LogLevel.Warning);
        log.Lines[1].Text.Should().StartWith("Fitted a map that needs a look. RankDeficient: 6 → 6 from 4 pairs");
    }

    [Fact]
    public void Fit_RowsThatDoNotBelongTogether_IsWarnedOf()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        using MemoryLog log = new();
        StitchOptions options = new() { Pairing = new Misaligned(), LoggerFactory = log };
        using (StitchResult result = Stitcher.Fit(source, target, options)) result.PairCheck!.LooksPaired.Should().BeFalse();
        log.Lines.Should().ContainSingle(line => line.Level == LogLevel.Warning).Which.Text.Should().StartWith("These rows do not look paired: leave-one-out R²");
        log.Lines.Clear();
        using (StitchResult result = Stitcher.Fit(source, target, options with { CheckPairs = false })) result.PairCheck.Should().BeNull();
        log.Lines.Should().NotContain(line => line.Level == LogLevel.Warning);
        using (StitchResult result = Stitcher.Fit(source, target, Toy.Images(20))) result.PairCheck!.LooksPaired.Should().BeTrue();
        using (StitchResult result = Stitcher.Fit(source, target, Toy.Images(19))) result.PairCheck.Should().BeNull("so few rows tell nothing");
    }

    [Fact]
    public void Fit_FitterOfOtherWidths_ThrowsAndLeavesNothing()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        Action act = () => Stitcher.Fit(source, target, new StitchOptions { Pairing = new InputPairing(Toy.Images(9)), Fitter = new Narrow(FitStatus.Succeeded) });
        act.ShouldRefuse("map", "map must lead from 6 to 6 columns, the latent widths of s and t, but it leads from 5 to 6.");
    }

    [Fact]
    public void Fit_PartsFromOutsideThatGiveNothing_AreNamed()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        Action pairing = () => Stitcher.Fit(source, target, new StitchOptions { Pairing = new NoPairs() });
        pairing.ShouldSay<InvalidOperationException>("NoPairs.Pair must return pairs, but it returned null.");
        Action fitter = () => Stitcher.Fit(source, target, new StitchOptions { Pairing = new InputPairing(Toy.Images(9)), Fitter = new NoFit() });
        fitter.ShouldSay<InvalidOperationException>("NoFit.Fit must return a fit, but it returned null.");
    }

    [Fact]
    public void Fit_FitterFails_ThrowsWithItsReportAndLeavesNothing()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        using MemoryLog log = new();
        Action act = () => Stitcher.Fit(source, target, new StitchOptions { Pairing = new InputPairing(Toy.Images(9)), Fitter = new Narrow(FitStatus.Diverged), LoggerFactory = log });
        act.Should().Throw<FitFailedException>().Which.Report.Status.Should().Be(FitStatus.Diverged);
        act.Should().Throw<FitFailedException>().WithMessage("The fit gave no usable map: Diverged: 6 → 6 from 9 pairs, narrow,*Lower the step size, or standardise the source latents with PreparedFitter.");
        log.Lines[1].Level.Should().Be(LogLevel.Warning);
    }

    /// <summary>A fitter that gives a map of the wrong width.</summary>
    private sealed class Narrow(FitStatus status) : ILatentMapFitter
    {
        public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
        {
            using Tensor weight = zeros(6, 5);
            return new LatentMapFit(
                new AffineMap(weight),
                new FitReport { Status = status, Solver = "narrow", SampleCount = pairs.Count, SourceDimension = 6, TargetDimension = 6, TrainingR2 = 0 });
        }
    }

    private sealed class NoPairs : ILatentPairing
    {
        public LatentPairs Pair(ILatentModel source, ILatentModel target, IProgress<PairingProgress>? progress = null, CancellationToken cancellationToken = default) => null!;
    }

    private sealed class NoFit : ILatentMapFitter
    {
        public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default) => null!;
    }

    private sealed class Cancelling(string stage, CancellationTokenSource source) : IProgress<StitchProgress>
    {
        public void Report(StitchProgress value)
        {
            if (value.Stage == stage) source.Cancel();
        }
    }

    /// <summary>A log in memory.</summary>
    /// <summary>Begins one side three images late, as a folder with three files more would.</summary>
    private sealed class Misaligned : ILatentPairing
    {
        public LatentPairs Pair(ILatentModel source, ILatentModel target, IProgress<PairingProgress>? progress = null, CancellationToken cancellationToken = default)
        {
            using var scope = NewDisposeScope();
            using LatentPairs pairs = new InputPairing(Toy.Images(60)).Pair(source, target, progress, cancellationToken);
            return new LatentPairs(pairs.Source, pairs.Target.roll(3, 0));
        }
    }

    private sealed class MemoryLog : ILoggerFactory, ILogger
    {
        public string? Category { get; private set; }

        public List<(LogLevel Level, string Text)> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName)
        {
            Category = categoryName;
            return this;
        }

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add((logLevel, formatter(state, exception)));

        public void Dispose()
        {
        }
    }
}
