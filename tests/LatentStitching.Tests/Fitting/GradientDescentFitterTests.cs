using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>Gradient steps against the closed forms they end in, a recorded run of another implementation, and their own rules of stopping.</summary>
[NoTensorLeaks]
public sealed class GradientDescentFitterTests
{
    private static readonly GradientDescentOptions _heavyBall = new()
    {
        Optimiser = GradientOptimiser.Sgd, Momentum = 0.9, LearningRate = 0.2, MaxIterations = 20_000, Tolerance = 1e-12,
    };

    [Theory]
    [InlineData(1e-4, 1e-4, false)]
    [InlineData(0.0015, 0.0015, false)]
    [InlineData(0.3, 0.05, false)]
    [InlineData(0, 2, true)]
    [InlineData(0.01, 0.5, true)]
    public void Penalties_EndInShrunkRidge_AndItInItsFormula(double kernel, double activity, bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor z = Draws.Matrix(80, 6, 1).add(intercept ? 0.5 : 0), y = Draws.Matrix(80, 4, 2) + z.mm(Draws.Matrix(6, 4, 3)) + 1;
        using LatentPairs pairs = new(z, y);
        using LatentMapFit exact = new ShrunkRidgeFitter(new ShrunkRidgeOptions { KernelPenalty = kernel, ActivityPenalty = activity, FitIntercept = intercept }).Fit(pairs);
        foreach (GradientDescentOptions options in (GradientDescentOptions[])[_heavyBall, new() { LearningRate = 0.02, MaxIterations = 20_000, Tolerance = 1e-9 }])
        {
            using LatentMapFit steps = new GradientDescentFitter(options with { KernelPenalty = kernel, ActivityPenalty = activity, FitIntercept = intercept }).Fit(pairs);
            steps.EnsureSucceeded().Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, 1e-6);
            if (intercept) steps.Affine.Bias.ShouldBeCloseTo(exact.Affine.Bias, 1e-6);
            steps.Report.Alpha.Should().BeApproximately(exact.Report.Alpha, 1e-12);
            steps.Report.TrainingR2.Should().BeApproximately(exact.Report.TrainingR2, 1e-9);
        }
        if (intercept) return;
        // W = ((1 + λ_a·d_t)ZᵀZ + λ_k·N·d_t·I)⁻¹ZᵀY
        Tensor formula = linalg.solve((z.t().mm(z) * (1 + (activity * 4))) + (eye(6, dtype: ScalarType.Float64) * (kernel * 80 * 4)), z.t().mm(y));
        exact.Affine.Weight.ShouldBeCloseTo(formula.t(), 1e-12);
        exact.Affine.Bias.abs().max().ToDouble().Should().Be(0);
    }

    [Fact]
    public void ShrunkRidge_IsRidgeTimesTheShrinkage()
    {
        using var scope = NewDisposeScope();
        foreach ((long rows, long columns) in new (long, long)[] { (50, 8), (8, 50) })
        {
            using LatentPairs pairs = new(Draws.Matrix(rows, columns, 1) + 1, Draws.Matrix(rows, 3, 2) + 2);
            foreach (bool intercept in (bool[])[false, true])
            {
                using LatentMapFit shrunk = new ShrunkRidgeFitter(new ShrunkRidgeOptions { KernelPenalty = 0.1, ActivityPenalty = 0.2, FitIntercept = intercept }).Fit(pairs);
                shrunk.Report.Alpha.Should().BeApproximately(0.1 * rows * 3 / 1.6, 1e-12);
                using LatentMapFit ridge = new RidgeFitter(new RidgeOptions { Alpha = shrunk.Report.Alpha, FitIntercept = intercept }).Fit(pairs);
                shrunk.Affine.Weight.ShouldBeCloseTo(ridge.Affine.Weight / 1.6, 1e-13);
                shrunk.Affine.Bias.sub(ridge.Affine.Bias / 1.6).abs().max().ToDouble().Should().BeLessThan(1e-13);
                double total = (intercept ? pairs.Target - pairs.Target.mean([0]) : pairs.Target).square().sum().ToDouble();
                shrunk.Report.TrainingR2.Should().BeApproximately(1 - ((shrunk.Map.Apply(pairs.Source) - pairs.Target).square().sum().ToDouble() / total), 1e-12);
            }
        }
    }

    [Fact]
    public void ShrunkRidge_NoPenaltyAndTooFewRows_IsRankDeficient()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(5, 8, 1), Draws.Matrix(5, 2, 2));
        using LatentMapFit fit = new ShrunkRidgeFitter(new ShrunkRidgeOptions { KernelPenalty = 0, ActivityPenalty = 0 }).Fit(pairs);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == 5);
        fit.Map.Apply(pairs.Source).ShouldBeCloseTo(pairs.Target, 1e-12);
    }

    [Theory]
    [InlineData(120, 7)]
    [InlineData(12, 30)]
    public void NoPenalty_EndsInLeastSquares_OfLeastNorm(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        // Without an offset: its column of ones would take part in the least norm.
        using LatentPairs pairs = new(Draws.Matrix(rows, columns, 1), Draws.Matrix(rows, 3, 2));
        using LatentMapFit exact = new LeastSquaresFitter(new LeastSquaresOptions { FitIntercept = false }).Fit(pairs);
        using LatentMapFit steps = new GradientDescentFitter(_heavyBall with { FitIntercept = false }).Fit(pairs);
        steps.EnsureSucceeded().Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, 1e-9);
        steps.Report.Solver.Should().Be("SGD, full batch");
        steps.Report.Iterations.Should().BeInRange(1, 19_999);
    }

    [Fact]
    public void WeightDecay_EndsInRidge()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(60, 5, 1) + 1, Draws.Matrix(60, 3, 2));
        using LatentMapFit steps = new GradientDescentFitter(_heavyBall with { WeightDecay = 0.05 }).Fit(pairs);
        using LatentMapFit ridge = new RidgeFitter(0.05 * 60 * 3 / 2).Fit(pairs);
        steps.Report.Alpha.Should().BeApproximately(4.5, 1e-12);
        steps.EnsureSucceeded().Affine.Weight.ShouldBeCloseTo(ridge.Affine.Weight, 1e-9);
        steps.Affine.Bias.ShouldBeCloseTo(ridge.Affine.Bias, 1e-9);
    }

    /// <summary>Steps of one size wander about the minimum of all pairs, however many they are; falling ones end in it.</summary>
    [Theory]
    [InlineData(GradientOptimiser.Adam, 0.02)]
    [InlineData(GradientOptimiser.Sgd, 0.3)]
    public void Batches_EndInTheMinimum_UnlessTheStepsAreOfOneSize(GradientOptimiser optimiser, double rate)
    {
        using var scope = NewDisposeScope();
        Tensor z = Draws.Matrix(300, 4, 1);
        using LatentPairs pairs = new(z, z.mm(Draws.Matrix(4, 3, 2)) + (Draws.Matrix(300, 3, 3) * 0.03));
        using LatentMapFit exact = new LeastSquaresFitter().Fit(pairs);
        GradientDescentOptions options = new() { Optimiser = optimiser, BatchSize = 64, LearningRate = rate, MaxIterations = 12_000, Tolerance = null };
        using LatentMapFit steps = new GradientDescentFitter(options).Fit(pairs), constant = new GradientDescentFitter(options with { CosineDecay = false }).Fit(pairs);
        steps.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Solver.EndsWith("batches of 64", StringComparison.Ordinal));
        steps.Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, 1e-4);
        steps.Affine.Bias.sub(exact.Affine.Bias).abs().max().ToDouble().Should().BeLessThan(1e-4);
        // Looked at after whole passes: 300 rows make five batches of 64.
        using LatentMapFit asked = new GradientDescentFitter(options with { Tolerance = 1e-2 }).Fit(pairs);
        asked.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Iterations % 5 == 0);
        Close.RelativeDifference(constant.Affine.Weight, exact.Affine.Weight).Should().BeGreaterThan(3e-4);
    }

    [Fact]
    public void CosineDecay_OnAllPairs_IsOffUnlessAskedFor()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(60, 5, 1), Draws.Matrix(60, 3, 2));
        GradientDescentOptions options = new() { Optimiser = GradientOptimiser.Sgd, LearningRate = 0.1, MaxIterations = 2, Tolerance = null };
        using LatentMapFit plain = new GradientDescentFitter(options).Fit(pairs), constant = new GradientDescentFitter(options with { CosineDecay = false }).Fit(pairs);
        plain.Affine.Weight.ShouldBeCloseTo(constant.Affine.Weight, 0);
        // Two steps: of 0.1 and 0.1·(1 + cos(π/2))/2 = 0.05.
        using LatentMapFit first = new GradientDescentFitter(options with { MaxIterations = 1 }).Fit(pairs);
        using LatentMapFit second = new GradientDescentFitter(options with { MaxIterations = 1, LearningRate = 0.05 }, first.Affine).Fit(pairs);
        using LatentMapFit falling = new GradientDescentFitter(options with { CosineDecay = true }).Fit(pairs);
        falling.Affine.Weight.ShouldBeCloseTo(second.Affine.Weight, 1e-14);
    }

    [Fact]
    public void Adam_FromAGivenMap_RepeatsLatentis()
    {
        using StateDictionary file = Fixture.Load("latentis/translators.safetensors");
        using LatentPairs pairs = new(file["same.X"], file["same.Y"]);
        using AffineMap start = new(file["same.sgd.init_weight"], file["same.sgd.init_bias"]);
        using LatentMapFit fit = new GradientDescentFitter(new GradientDescentOptions { LearningRate = 1e-2, MaxIterations = 50, Tolerance = null }, start).Fit(pairs);
        fit.EnsureSucceeded().Report.Iterations.Should().Be(50);
        fit.Affine.Weight.ShouldBeCloseTo(file["same.sgd.weight"], 1e-5);
        fit.Affine.Bias.ShouldBeCloseTo(file["same.sgd.bias"], 1e-5);
    }

    [Theory]
    [InlineData(GradientOptimiser.Adam, 0)]
    [InlineData(GradientOptimiser.Sgd, 0)]
    [InlineData(GradientOptimiser.Sgd, 0.9)]
    public void Steps_AreThoseOfTorchOnTheLossItself(GradientOptimiser optimiser, double momentum)
    {
        using var scope = NewDisposeScope();
        const double kernel = 0.02, activity = 0.03, rate = 0.05;
        Tensor z = Draws.Matrix(20, 5, 1) + 1, y = Draws.Matrix(20, 3, 2), first = Draws.Matrix(3, 5, 3), offset = Draws.Matrix(1, 3, 4).squeeze(0);
        using LatentPairs pairs = new(z, y), wide = new(z.t().contiguous(), Draws.Matrix(5, 3, 5));
        using AffineMap start = new(first, offset);
        using LatentMapFit fit = new GradientDescentFitter(
            new GradientDescentOptions
            {
                Optimiser = optimiser, Momentum = momentum, LearningRate = rate, MaxIterations = 30, Tolerance = null, KernelPenalty = kernel, ActivityPenalty = activity,
            },
            start).Fit(pairs);
        using var w = new TorchSharp.Modules.Parameter(first.clone());
        using var b = new TorchSharp.Modules.Parameter(offset.clone());
        using optim.Optimizer reference = optimiser == GradientOptimiser.Adam ? optim.Adam([w, b], rate) : optim.SGD([w, b], rate, momentum);
        for (int step = 0; step < 30; step++)
        {
            using var single = NewDisposeScope();
            reference.zero_grad();
            Tensor mapped = z.mm(w.t()) + b;
            (((mapped - y).square().mean()) + (w.square().sum() * kernel) + (mapped.square().sum() * (activity / 20))).backward();
            reference.step();
        }
        fit.Affine.Weight.ShouldBeCloseTo(w.detach(), 1e-9);
        fit.Affine.Bias.ShouldBeCloseTo(b.detach(), 1e-9);
    }

    [Fact]
    public void AspertiTonelli_ComesNearTheClosedForm()
    {
        using var scope = NewDisposeScope();
        Tensor z = Draws.Matrix(200, 16, 1);
        using LatentPairs pairs = new(z, z.mm(Draws.Matrix(16, 8, 2)) * 0.1);
        using LatentMapFit steps = new GradientDescentFitter(GradientDescentOptions.AspertiTonelli).Fit(pairs);
        using LatentMapFit exact = new ShrunkRidgeFitter().Fit(pairs);
        steps.EnsureSucceeded().Report.Iterations.Should().Be(2000);
        // Its 2,000 steps are not enough; ten times as many are.
        steps.Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, 0.3);
        using LatentMapFit more = new GradientDescentFitter(GradientDescentOptions.AspertiTonelli with { MaxIterations = 20_000 }).Fit(pairs);
        more.Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, 1e-3);
        steps.Affine.Bias.abs().max().ToDouble().Should().Be(0);
        GradientDescentOptions.AspertiTonelliGan.Should().Be(GradientDescentOptions.AspertiTonelli with { KernelPenalty = 0.0015, ActivityPenalty = 0.0015 });
        ShrunkRidgeOptions.Gan.Should().Be(new ShrunkRidgeOptions { KernelPenalty = 0.0015, ActivityPenalty = 0.0015 });
    }

    [Fact]
    public void Seed_FixesTheBytes()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(60, 5, 1), Draws.Matrix(60, 3, 2));
        GradientDescentOptions options = new() { BatchSize = 16, MaxIterations = 50, Tolerance = null, Initial = MapInitialisation.GlorotUniform, HeldOutFraction = 0.2, Seed = 4 };
        using LatentMapFit one = new GradientDescentFitter(options).Fit(pairs);
        using LatentMapFit same = new GradientDescentFitter(options).Fit(pairs);
        using LatentMapFit other = new GradientDescentFitter(options with { Seed = 5 }).Fit(pairs);
        one.Affine.Weight.bytes.SequenceEqual(same.Affine.Weight.bytes).Should().BeTrue();
        one.Affine.Weight.bytes.SequenceEqual(other.Affine.Weight.bytes).Should().BeFalse();
    }

    [Fact]
    public void Glorot_StartsWithinItsLimit()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(zeros(10, 40), zeros(10, 20));
        using LatentMapFit fit = new GradientDescentFitter(
            new GradientDescentOptions { Initial = MapInitialisation.GlorotUniform, MaxIterations = 1, Tolerance = null, FitIntercept = false }).Fit(pairs);
        double limit = Math.Sqrt(6.0 / 60);
        fit.Affine.Weight.abs().max().ToDouble().Should().BeInRange(0.98 * limit, limit);
        fit.Affine.Weight.mean().ToDouble().Should().BeApproximately(0, 0.03);
    }

    [Fact]
    public void HeldOut_StopsEarly_AndRestoresTheBest()
    {
        using var scope = NewDisposeScope();
        // Noise fitted by as many columns as rows: more steps only make the held-out error worse.
        Tensor z = Draws.Matrix(60, 50, 1);
        using LatentPairs pairs = new(z, z.narrow(1, 0, 2) + (Draws.Matrix(60, 2, 2) * 2));
        GradientDescentOptions options = new() { LearningRate = 0.01, MaxIterations = 4000, Tolerance = 1e-9, HeldOutFraction = 0.25, Patience = 30, Seed = 3 };
        using LatentMapFit stopped = new GradientDescentFitter(options).Fit(pairs);
        stopped.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Solver == "Adam, full batch, stopped early");
        long taken = stopped.Report.Iterations!.Value;
        taken.Should().BeInRange(31, 3999);

        // The best of all prefixes of the run is the one returned: 30 steps before the stop.
        using LatentMapFit best = new GradientDescentFitter(options with { MaxIterations = taken - 30, Tolerance = null }).Fit(pairs);
        stopped.Affine.Weight.bytes.SequenceEqual(best.Affine.Weight.bytes).Should().BeTrue();
        using LatentMapFit before = new GradientDescentFitter(options with { MaxIterations = taken - 31, Tolerance = null }).Fit(pairs);
        stopped.Affine.Weight.bytes.SequenceEqual(before.Affine.Weight.bytes).Should().BeFalse();
        using LatentMapFit greedy = new GradientDescentFitter(options with { HeldOutFraction = 0 }).Fit(pairs);
        Tensor fresh = Draws.Matrix(500, 50, 9);
        greedy.Report.HeldOutR2.Should().BeNull("it kept no rows");
        // The held-out rows are those that no step saw: what the two maps explain of them differs as their squared errors do.
        stopped.Report.HeldOutR2.Should().BeGreaterThan(before.Report.HeldOutR2!.Value - 1e-12).And.Be(best.Report.HeldOutR2);
        stopped.ToString().Should().Contain("(held out)");
        double Error(LatentMapFit fit) => (fit.Map.Apply(fresh) - fresh.narrow(1, 0, 2)).square().mean().ToDouble();
        Error(stopped).Should().BeLessThan(Error(greedy));
    }

    [Fact]
    public void TooFewSteps_SaysSo_UnlessTheyWereAllThatWasAsked()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(60, 5, 1), Draws.Matrix(60, 3, 2));
        using LatentMapFit fit = new GradientDescentFitter(new GradientDescentOptions { MaxIterations = 3 }).Fit(pairs);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.IterationLimitReached && report.Iterations == 3);
        using LatentMapFit asked = new GradientDescentFitter(new GradientDescentOptions { MaxIterations = 3, Tolerance = null }).Fit(pairs);
        asked.Report.Status.Should().Be(FitStatus.Succeeded);
        asked.Affine.Weight.ShouldBeCloseTo(fit.Affine.Weight, 0);
        Action act = () => fit.EnsureSucceeded();
        act.Should().Throw<FitFailedException>().WithMessage("The fit gave no usable map: IterationLimitReached: 5 → 3 from 60 pairs, Adam, full batch*Allow more iterations, or standardise the source latents with PreparedFitter.");
    }

    [Theory]
    [InlineData(GradientOptimiser.Sgd, 50, null)]
    [InlineData(GradientOptimiser.Sgd, 1e300, null)]
    [InlineData(GradientOptimiser.Sgd, 50, 16)]
    [InlineData(GradientOptimiser.Adam, 1e6, null)]
    public void LargeSteps_Diverge_AndSayWhatToDo(GradientOptimiser optimiser, double rate, int? batch)
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(60, 5, 1), Draws.Matrix(60, 3, 2));
        using LatentMapFit fit = new GradientDescentFitter(
            new GradientDescentOptions { Optimiser = optimiser, LearningRate = rate, BatchSize = batch, MaxIterations = 200, Tolerance = null }).Fit(pairs);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Diverged && report.Iterations <= 200);
        fit.Affine.Weight.abs().max().ToDouble().Should().Be(0);
        Action act = () => fit.EnsureSucceeded();
        act.Should().Throw<FitFailedException>().WithMessage("The fit gave no usable map: Diverged: *Lower the step size, or standardise the source latents with PreparedFitter.");
    }

    [Fact]
    public void Fit_OverflowingNumbers_AreReportedNotReturned()
    {
        using var scope = NewDisposeScope();
        // Slopes of 1e310 do not fit a double.
        Tensor x = Draws.Matrix(20, 2, 1).mul(1e-150), y = x.mul(1e155).mul(1e155);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new GradientDescentFitter(_heavyBall with { LearningRate = 1e5, FitIntercept = false }).Fit(pairs);
        fit.Report.Status.Should().Be(FitStatus.Diverged);
        using LatentMapFit closed = new ShrunkRidgeFitter(new ShrunkRidgeOptions { KernelPenalty = 0 }).Fit(pairs);
        closed.Report.Status.Should().Be(FitStatus.NonFiniteResult);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(16)]
    public void Fit_CancelledMidway_ThrowsAndLeavesNoTensor(int? batch)
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(60, 5, 1), Draws.Matrix(60, 3, 2));
        new GradientDescentFitter(new GradientDescentOptions { BatchSize = batch, MaxIterations = 5000, Tolerance = null, HeldOutFraction = 0.1, Patience = 5000 }).ShouldStopAfterOneStep(pairs);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(777)]
    public void Progress_IsToldAtMostAHundredTimes(int iterations)
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(60, 5, 1), Draws.Matrix(60, 3, 2));
        Steps<FitProgress> steps = new();
        using LatentMapFit fit = new GradientDescentFitter(new GradientDescentOptions { MaxIterations = iterations, Tolerance = null }).Fit(pairs, steps);
        steps.All.Should().HaveCountLessThanOrEqualTo(100);
        steps.All[^1].Iteration.Should().Be(iterations);
        steps.All[^1].Loss.Should().BeLessThanOrEqualTo(steps.All[0].Loss);
    }

    [Fact]
    public void Start_IsCopied()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(60, 5, 1), Draws.Matrix(60, 3, 2));
        using LatentMapFit exact = new LeastSquaresFitter().Fit(pairs);
        AffineMap start = new(exact.Affine.Weight, exact.Affine.Bias);
        GradientDescentFitter fitter = new(new GradientDescentOptions { Tolerance = 1e-10 }, start);
        start.Dispose();
        using LatentMapFit fit = fitter.Fit(pairs);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Iterations == 0);
        fit.Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, 0);
    }

    [Fact]
    public void ToString_SaysWhatIsFitted()
    {
        new GradientDescentFitter().ToString().Should().Be("gradient descent, Adam at 0.01");
        new GradientDescentFitter(GradientDescentOptions.AspertiTonelli).ToString().Should().Be("gradient descent, Adam at 0.0005, without intercept");
        new ShrunkRidgeFitter().ToString().Should().Be("shrunk ridge, kernel 0.0001, activity 0.0001, without intercept");
        new ShrunkRidgeFitter(new ShrunkRidgeOptions { FitIntercept = true }).ToString().Should().Be("shrunk ridge, kernel 0.0001, activity 0.0001");
    }

    [Fact]
    public void Options_OutOfRange_Throw()
    {
        foreach ((Action act, string name, string text) in new (Action, string, string)[]
        {
            (() => _ = new GradientDescentOptions { Momentum = 1 }, "Momentum", "must lie from 0 to below 1, but it is 1."),
            (() => _ = new GradientDescentOptions { LearningRate = 0 }, "LearningRate", "must be positive and finite, but it is 0."),
            (() => _ = new GradientDescentOptions { BatchSize = 0 }, "BatchSize", "must be positive, but it is 0."),
            (() => _ = new GradientDescentOptions { MaxIterations = 0 }, "MaxIterations", "must be positive, but it is 0."),
            (() => _ = new GradientDescentOptions { Tolerance = 0 }, "Tolerance", "must be positive and finite, but it is 0."),
            (() => _ = new GradientDescentOptions { WeightDecay = -1 }, "WeightDecay", "must be zero or more and finite, but it is -1."),
            (() => _ = new GradientDescentOptions { KernelPenalty = -1 }, "KernelPenalty", "must be zero or more and finite, but it is -1."),
            (() => _ = new GradientDescentOptions { ActivityPenalty = double.NaN }, "ActivityPenalty", "must be zero or more and finite, but it is NaN."),
            (() => _ = new GradientDescentOptions { HeldOutFraction = 1 }, "HeldOutFraction", "must lie from 0 to below 1, but it is 1."),
            (() => _ = new GradientDescentOptions { Patience = 0 }, "Patience", "must be positive, but it is 0."),
            (() => _ = new ShrunkRidgeOptions { KernelPenalty = -1 }, "KernelPenalty", "must be zero or more and finite, but it is -1."),
            (() => _ = new ShrunkRidgeOptions { ActivityPenalty = -1 }, "ActivityPenalty", "must be zero or more and finite, but it is -1."),
        })
        {
            act.ShouldRefuse(name, $"{name} {text}");
        }
    }

    [Fact]
    public void Arguments_ThatDoNotFit_Throw()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(ones(3, 2), ones(3, 1)), row = new(ones(1, 2), ones(1, 1));
        using AffineMap offset = new(ones(1, 2), ones(1)), wide = new(ones(1, 3));
        Action momentum = () => _ = new GradientDescentFitter(new GradientDescentOptions { Momentum = 0.5 });
        momentum.ShouldRefuse("options", "options must leave Momentum at 0 with Adam, which has its own, but it is 0.5. Use Sgd for a momentum of yours.");
        Action start = () => _ = new GradientDescentFitter(GradientDescentOptions.AspertiTonelli, offset);
        start.ShouldRefuse("start", "start must have no offset where FitIntercept is false, but its offset is not zero.");
        Action width = () => new GradientDescentFitter(start: wide).Fit(pairs);
        width.ShouldRefuse("pairs", "pairs must have the widths of the start, 3 → 1, but they are 2 → 1.");
        Action few = () => new GradientDescentFitter().Fit(row);
        few.ShouldRefuse("pairs", "pairs must hold at least two rows for a map with an intercept, but it holds 1.");
        Action closed = () => new ShrunkRidgeFitter(new ShrunkRidgeOptions { FitIntercept = true }).Fit(row);
        closed.ShouldRefuse("pairs", "pairs must hold at least two rows for a map with an intercept, but it holds 1.");
        Action held = () => new GradientDescentFitter(new GradientDescentOptions { HeldOutFraction = 0.6 }).Fit(pairs);
        held.ShouldRefuse("pairs", "pairs must keep at least 2 rows to fit on, but of its 3 a HeldOutFraction of 0.6 holds out 2. Lower the fraction.");
        Action heldPlain = () => new GradientDescentFitter(new GradientDescentOptions { HeldOutFraction = 0.9, FitIntercept = false }).Fit(pairs);
        heldPlain.ShouldRefuse("pairs", "pairs must keep at least 1 row to fit on, but of its 3 a HeldOutFraction of 0.9 holds out 3. Lower the fraction.");
    }
}
