using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>Kronecker products, blocks, the choice of a structure, and what holds for all fitters that need shapes.</summary>
[NoTensorLeaks]
public sealed class StructuredFitterTests
{
    private static readonly long[] _from = [2, 3, 4];
    private static readonly long[] _to = [3, 3, 4];

    public static TheoryData<ILatentMapFitter> Fitters() =>
    [
        new ConvolutionFitter(new ConvolutionOptions { SourceShape = _from, TargetShape = _to, KernelSize = 3 }),
        new ConvolutionFitter(new ConvolutionOptions { SourceShape = _from, TargetShape = _to, OffsetPerChannel = true }),
        new KroneckerFitter(new KroneckerOptions { SourceShape = _from, TargetShape = _to }),
        new BlockFitter(new BlockOptions { Source = LatentSpace.Of(("a", [8]), ("b", [16])), Target = LatentSpace.Of(("a", [20]), ("b", [16])) }),
        new StructureFitter(StructureOptions.ForImages(_from, _to)),
    ];

    private static Tensor Normal(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed);
        return randn(shape, ScalarType.Float64, generator: generator);
    }

    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_EveryShapedFitter_KeepsTheContract(ILatentMapFitter fitter)
    {
        foreach (ScalarType dtype in (ScalarType[])[ScalarType.Float16, ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64])
        {
            using var scope = NewDisposeScope();
            Tensor x = Normal(1, 40, 24).to_type(dtype), y = Normal(2, 40, 36).to_type(dtype), before = x.clone();
            using LatentPairs pairs = new(x, y);
            Steps<FitProgress> steps = new();
            using LatentMapFit fit = fitter.Fit(pairs, steps);
            fit.Affine.Bias.dtype.Should().Be(ScalarType.Float64);
            fit.Map.Apply(x).dtype.Should().Be(dtype);
            x.eq(before).all().ToBoolean().Should().BeTrue();
            fit.Report.Should().Match<FitReport>(report => report.SampleCount == 40 && report.SourceDimension == 24 && report.TargetDimension == 36 && report.Elapsed > TimeSpan.Zero);
            // Below zero where one offset a channel does worse than the mean of each column.
            fit.Report.TrainingR2.Should().BeInRange(-0.1, 1);
            Tensor residual = (fit.Map.Apply(x.to_type(ScalarType.Float64)) - y).square().sum(), total = (y.to_type(ScalarType.Float64) - y.to_type(ScalarType.Float64).mean([0])).square().sum();
            fit.Report.TrainingR2.Should().BeApproximately(1 - (residual.ToDouble() / total.ToDouble()), 1e-9);
            steps.All.Should().NotBeEmpty().And.HaveCountLessThanOrEqualTo(100);
            steps.All[^1].Iteration.Should().Be(steps.All[^1].MaxIterations);
            fit.ToString().Should().Contain("24 → 36 from 40 pairs");
        }
        fitter.ToString().Should().NotBeNullOrWhiteSpace().And.NotContain("LatentStitching");
    }

    [Theory]
    [MemberData(nameof(Fitters))]
    public void Fit_CancelledOrNothing_ThrowsAndLeavesNoTensor(ILatentMapFitter fitter)
    {
        using Tensor x = Normal(1, 20, 24), y = Normal(2, 20, 36);
        using LatentPairs pairs = new(x, y);
        long before = NoTensorLeaksAttribute.Live();
        using CancellationTokenSource source = new();
        source.Cancel();
        Action act = () => fitter.Fit(pairs, cancellationToken: source.Token);
        act.Should().Throw<OperationCanceledException>();
        Action nothing = () => fitter.Fit(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("pairs");
        NoTensorLeaksAttribute.Live().Should().Be(before);
        fitter.Fit(pairs).Dispose();
        NoTensorLeaksAttribute.Live().Should().Be(before, "a fit leaves nothing but its map");
    }

    [Theory]
    [InlineData(3, 4)]
    [InlineData(6, 8)]
    [InlineData(2, 2)]
    public void Kronecker_OfAnExactProduct_GivesItBack(long height, long width)
    {
        using var scope = NewDisposeScope();
        Tensor space = Normal(1, height * width, 12), channel = Normal(2, 3, 2), bias = Normal(3, 3 * height * width), x = Normal(4, 60, 24);
        if (height == 3) space = (eye(12, dtype: ScalarType.Float64) * 2) + (space * 0.5);
        using AffineMap truth = AffineMap.Kronecker(space, channel, bias);
        using LatentPairs pairs = new(x, truth.Apply(x));
        KroneckerOptions options = new() { SourceShape = _from, TargetShape = [3, height, width], Tolerance = 0, MaxIterations = 1000 };
        using LatentMapFit fit = new KroneckerFitter(options).Fit(pairs);
        fit.Report.Status.Should().Be(FitStatus.Succeeded);
        fit.Affine.Weight.ShouldBeCloseTo(truth.Weight, 1e-6);
        Tensor fresh = Normal(5, 9, 24);
        fit.Map.Apply(fresh).ShouldBeCloseTo(truth.Apply(fresh), 1e-6);
        fit.Affine.Linear.Tensors[0].Tensor.square().sum().ToDouble().Should().BeApproximately(height * width, 1e-9);
        fit.Report.Solver.Should().Be($"alternating least squares, {fit.Report.Iterations} rounds");
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(25.0)]
    public void Kronecker_OnNoise_NeverRaisesTheLoss_AndEndsAtAMinimum(double alpha)
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 50, 24), y = Normal(2, 50, 36);
        using LatentPairs pairs = new(x, y);
        KroneckerOptions options = new() { SourceShape = _from, TargetShape = _to, Alpha = alpha, Tolerance = 0, MaxIterations = 5000 };
        Steps<FitProgress> steps = new();
        using LatentMapFit fit = new KroneckerFitter(options).Fit(pairs, steps);
        steps.All.Select(step => step.Loss).Should().BeInDescendingOrder();
        fit.Report.Status.Should().Be(FitStatus.Succeeded);
        Tensor space = fit.Affine.Linear.Tensors[0].Tensor.clone().requires_grad_(), channel = fit.Affine.Linear.Tensors[1].Tensor.clone().requires_grad_();
        Tensor mapped = matmul(channel, x.reshape(50, 2, 12)).matmul(space.t()).flatten(1) + fit.Affine.Bias;
        ((mapped - y).square().sum() + (space.square().sum() * channel.square().sum() * alpha)).backward();
        // Flat up to what the loss itself rounds at: √1e-14 of it.
        double scale = y.square().sum().ToDouble();
        space.grad!.abs().max().ToDouble().Should().BeLessThan(1e-5 * scale);
        channel.grad!.abs().max().ToDouble().Should().BeLessThan(1e-5 * scale);
        using LatentMapFit hasty = new KroneckerFitter(options with { MaxIterations = 2 }).Fit(pairs);
        hasty.Report.Should().Match<FitReport>(report => report.Status == FitStatus.IterationLimitReached && report.Iterations == 2);
    }

    /// <summary>The factors of the rounds before are freed: for 64×64 places a pair takes 134 MB.</summary>
    [Theory]
    [InlineData(3, 4)]
    [InlineData(6, 8)]
    public void Kronecker_RoundAfterRound_KeepsOnePairOfFactors(long height, long width)
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Normal(1, 50, 24), Normal(2, 50, 3 * height * width));
        LiveTensors live = new();
        new KroneckerFitter(new KroneckerOptions { SourceShape = _from, TargetShape = [3, height, width], Tolerance = 0, MaxIterations = 12 }).Fit(pairs, live).Dispose();
        live.Counts.Should().HaveCountGreaterThan(5);
        // The last report comes when the loop is over.
        live.Counts.SkipLast(1).Distinct().Should().ContainSingle();
    }

    private sealed class LiveTensors : IProgress<FitProgress>
    {
        public List<long> Counts { get; } = [];

        public void Report(FitProgress value) => Counts.Add(NoTensorLeaksAttribute.Live());
    }

    [Fact]
    public void Blocks_AreTheInnerFitsOfTheLevels()
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 40, 9), y = Normal(2, 40, 7);
        using LatentPairs pairs = new(x, y);
        var source = LatentSpace.Of(("a", [5]), ("b", [1, 2, 2]));
        var target = LatentSpace.Of(("p", [1, 2, 2]), ("q", [3]));
        BlockOptions options = new()
        {
            Source = source,
            Target = target,
            Levels = [("a", "q"), ("b", "p")],
            Fitter = (from, to) => from.Shape.Count == 3 ? new ConvolutionFitter(new ConvolutionOptions { SourceShape = from.Shape, TargetShape = to.Shape }) : new RidgePathFitter(),
        };
        BlockFitter fitter = new(options);
        using LatentMapFit fit = fitter.Fit(pairs);
        using LatentPairs first = new(x.narrow(1, 0, 5), y.narrow(1, 4, 3)), second = new(x.narrow(1, 5, 4), y.narrow(1, 0, 4));
        using LatentMapFit dense = new RidgePathFitter().Fit(first), convolution = options.Fitter(source.Levels[1], target.Levels[0]).Fit(second);
        Tensor z = Normal(3, 6, 9);
        fit.Map.Apply(z).ShouldBeCloseTo(cat([convolution.Map.Apply(z.narrow(1, 5, 4)), dense.Map.Apply(z.narrow(1, 0, 5))], 1), 1e-14);
        fit.Report.Blocks.Should().HaveCount(2);
        fit.Report.Blocks[1].LeaveOneOutR2.Should().Be(dense.Report.LeaveOneOutR2);
        fit.Report.LeaveOneOutR2.Should().BeNull("one block has none");
        fit.Report.Solver.Should().Be($"blocks: b → p by 1×1 convolution, Cholesky of patches; a → q by {dense.Report.Solver}");
        fitter.ToString().Should().Be("blocks b → p, a → q");
        using LatentMapFit paths = new BlockFitter(options with { Fitter = (_, _) => new RidgePathFitter() }).Fit(pairs);
        paths.Report.LeaveOneOutR2.Should().BeInRange(-1, paths.Report.TrainingR2);
        new BlockFitter(options with { Levels = null }).ToString().Should().Be("blocks a → p, b → q");
    }

    [Fact]
    public void Structure_TrulyChannelsOnly_TakesTheSmallest()
    {
        using var scope = NewDisposeScope();
        using AffineMap truth = AffineMap.Convolution(Normal(1, 3, 2, 1, 1), 3, 4, Normal(2, 36));
        Tensor x = Normal(3, 120, 24), y = truth.Apply(x) + (Normal(4, 120, 36) * 0.3);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new StructureFitter(StructureOptions.ForImages(_from, _to)).Fit(pairs);
        fit.Affine.Form.Should().StartWith("1×1 convolution");
        IReadOnlyList<StructureCandidate> all = fit.Report.Candidates;
        all.Select(candidate => candidate.ParameterCount).Should().Equal(6, 54, 150, 150, 864, 864);
        all.Select(candidate => candidate.IsChosen).Should().Equal(true, false, false, false, false, false);
        all.Should().OnlyContain(candidate => candidate.HeldOutError > 0.08 && candidate.StandardError > 0);
        all[0].HeldOutError.Should().BeApproximately(0.09, 0.01);
        fit.Report.CrossValidatedR2.Should().BeInRange(0.5, fit.Report.TrainingR2);
        fit.Report.Should().Match<FitReport>(report => report.Folds == 5 && report.LeaveOneOutR2 == null);
        fit.Report.ToString().Should().EndWith("(5 folds)");
        fit.Report.Solver.Should().Be("1×1 convolution, Cholesky of patches, chosen of 6 by 5 folds");
        using LatentMapFit alone = new ConvolutionFitter(new ConvolutionOptions { SourceShape = _from, TargetShape = _to }).Fit(pairs);
        fit.Affine.Weight.ShouldBeCloseTo(alone.Affine.Weight, 0);
    }

    [Fact]
    public void Structure_NeighboursMatter_TakesThem()
    {
        using var scope = NewDisposeScope();
        using AffineMap truth = AffineMap.Convolution(Normal(1, 3, 2, 3, 3), 3, 4);
        Tensor x = Normal(3, 120, 24), y = truth.Apply(x) + (Normal(4, 120, 36) * 0.3);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new StructureFitter(StructureOptions.ForImages(_from, _to)).Fit(pairs);
        fit.Affine.Form.Should().StartWith("3×3 convolution");
        using LatentMapFit again = new StructureFitter(StructureOptions.ForImages(_from, _to)).Fit(pairs), other = new StructureFitter(StructureOptions.ForImages(_from, _to) with { Seed = 1 }).Fit(pairs);
        again.Report.Candidates.Should().Equal(fit.Report.Candidates, "one seed gives one deal");
        other.Report.Candidates[0].HeldOutError.Should().NotBe(fit.Report.Candidates[0].HeldOutError);
    }

    [Fact]
    public void Structure_FewDirections_TakesTheFactors()
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 120, 24), y = x.mm(Normal(2, 24, 2)).mm(Normal(3, 2, 36)) + (Normal(4, 120, 36) * 0.3);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new StructureFitter(StructureOptions.ForImages(_from, _to)).Fit(pairs);
        (fit.Affine.Form, fit.Affine.ParameterCount).Should().Be(("factored, rank at most 2", 2 * (24 + 36)));
        fit.Report.Candidates[4].Should().Match<StructureCandidate>(candidate => candidate.IsChosen && candidate.Name == "reduced rank, chosen by 5 folds, strength by leave-one-out" && candidate.ParameterCount == 120);
    }

    // With as many folds as rows the error is the leave-one-out error, which the ridge path computes in closed form.
    [Fact]
    public void Structure_AFoldARow_IsExactLeaveOneOut()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Normal(1, 30, 4), Normal(2, 30, 3));
        using LatentMapFit path = new RidgePathFitter(new RidgePathOptions { Alphas = [2.5] }).Fit(pairs);
        using LatentMapFit fit = new StructureFitter(new StructureOptions { Candidates = [new RidgeFitter(2.5)], Folds = 1000 }).Fit(pairs);
        fit.Report.Candidates[0].HeldOutError.Should().BeApproximately(path.Report.Path[0].Error, 1e-12);
        fit.Report.LeaveOneOutR2.Should().BeApproximately(path.Report.LeaveOneOutR2!.Value, 1e-12);
        fit.Report.Should().Match<FitReport>(report => report.CrossValidatedR2 == report.LeaveOneOutR2 && report.Folds == 30);
        fit.Report.ToString().Should().EndWith("(leave-one-out)");
    }

    /// <summary>A convolution's left-out errors without refits, against a refit for each image.</summary>
    [Theory]
    [InlineData(1, 0, true, false)]
    [InlineData(3, 0, true, false)]
    [InlineData(3, 7.5, true, false)]
    [InlineData(3, 0, true, true)]
    [InlineData(5, 2, true, true)]
    [InlineData(3, 0, false, false)]
    [InlineData(5, 1, false, false)]
    public void Convolution_LeftOutErrors_AreThoseOfRefits(int size, double alpha, bool intercept, bool perChannel)
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 14, 24) + 0.5, y = Normal(2, 14, 36) + 1;
        using LatentPairs pairs = new(x, y);
        ConvolutionOptions options = new() { SourceShape = _from, TargetShape = _to, KernelSize = size, Alpha = alpha, FitIntercept = intercept, OffsetPerChannel = perChannel, LeaveOneOut = true };
        ConvolutionFitter fitter = new(options);
        double[] errors = fitter.LeftOut(pairs, CancellationToken.None), expected = new double[14];
        double total = 0;
        for (int row = 0; row < 14; row++)
        {
            using LatentPairs others = pairs.Select([.. Enumerable.Range(0, 14).Where(other => other != row).Select(other => (long)other)]);
            using LatentMapFit refit = fitter.Fit(others);
            expected[row] = (refit.Map.Apply(x.narrow(0, row, 1)) - y.narrow(0, row, 1)).square().sum().ToDouble();
            total += (y.narrow(0, row, 1) - (intercept ? others.Target.mean([0]) : zeros(36, ScalarType.Float64))).square().sum().ToDouble();
        }
        for (int row = 0; row < 14; row++) errors[row].Should().BeApproximately(expected[row], 1e-9 * expected[row]);
        using LatentMapFit fit = fitter.Fit(pairs), plain = new ConvolutionFitter(options with { LeaveOneOut = false }).Fit(pairs);
        fit.Report.LeaveOneOutR2.Should().BeApproximately(1 - (expected.Sum() / total), 1e-9);
        plain.Report.LeaveOneOutR2.Should().BeNull();
        fit.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 0);
        // The chooser takes the quick way where every image is a part of its own; wrapped, the same fitter is refitted.
        using LatentMapFit quick = new StructureFitter(new StructureOptions { Candidates = [fitter], Folds = 14 }).Fit(pairs), slow = new StructureFitter(new StructureOptions { Candidates = [new Wrapped(fitter)], Folds = 14 }).Fit(pairs);
        StructureCandidate one = quick.Report.Candidates[0], other = slow.Report.Candidates[0];
        one.HeldOutError.Should().BeApproximately(other.HeldOutError, 1e-9 * other.HeldOutError);
        one.StandardError.Should().BeApproximately(other.StandardError, 1e-9 * other.HeldOutError);
        one.ParameterCount.Should().Be(other.ParameterCount);
        quick.Report.LeaveOneOutR2.Should().BeApproximately(slow.Report.LeaveOneOutR2!.Value, 1e-9);
    }

    [Fact]
    public void Convolution_ImageThatAloneDeterminesADirection_HasNoLeftOutError()
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 14, 24), y = Normal(2, 14, 36);
        // Only image 3 has a second channel.
        x.narrow(1, 12, 12).zero_();
        x[3] = Normal(3, 24);
        using LatentPairs pairs = new(x, y);
        ConvolutionFitter fitter = new(new ConvolutionOptions { SourceShape = _from, TargetShape = _to, KernelSize = 3, LeaveOneOut = true, FitIntercept = false });
        double[] errors = fitter.LeftOut(pairs, CancellationToken.None);
        errors.Select(double.IsPositiveInfinity).Should().Equal(Enumerable.Range(0, 14).Select(row => row == 3));
        using LatentMapFit fit = fitter.Fit(pairs);
        fit.Report.LeaveOneOutR2.Should().BeNull();
    }

    private sealed class Wrapped(ILatentMapFitter inner) : ILatentMapFitter
    {
        public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress, CancellationToken cancellationToken) => inner.Fit(pairs, progress, cancellationToken);
    }

    /// <summary>Blocks without an intercept report R² about zero, others about the mean; the whole is about the mean.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Blocks_LeaveOneOut_IsAboutTheMeanWhateverTheBlocks(bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 40, 9) + 1, y = cat([x.narrow(1, 0, 3) + (Normal(2, 40, 3) * 0.3), x.narrow(1, 5, 4) + (Normal(3, 40, 4) * 0.3)], 1) + 4;
        using LatentPairs pairs = new(x, y);
        LatentSpace source = LatentSpace.Of(("a", [5]), ("b", [4])), target = LatentSpace.Of(("a", [3]), ("b", [4]));
        RidgePathOptions path = new() { Alphas = [2.5] };
        using LatentMapFit fit = new BlockFitter(new BlockOptions { Source = source, Target = target, Fitter = (from, _) => new RidgePathFitter(path with { FitIntercept = intercept || from.Name == "a" }) }).Fit(pairs);
        double error = Draws.LeftOutError(x.narrow(1, 0, 5), y.narrow(1, 0, 3), 2.5, intercept: true) + Draws.LeftOutError(x.narrow(1, 5, 4), y.narrow(1, 3, 4), 2.5, intercept);
        double total = (y - y.mean([0])).square().sum().ToDouble() * Math.Pow(40 / 39.0, 2);
        fit.Report.LeaveOneOutR2.Should().BeApproximately(1 - (error / total), 1e-10);
    }

    [Fact]
    public void Options_AndPairs_ThatDoNotFit_AreRefused()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(ones(3, 24), ones(3, 36));
        var space = LatentSpace.Of(("a", [2]), ("b", [3]));
        BlockOptions blocks = new() { Source = space, Target = space };
        KroneckerOptions kronecker = new() { SourceShape = _from, TargetShape = [3, 3, 5] };
        Refuses(() => _ = kronecker with { MaxIterations = 0 }, "MaxIterations", "MaxIterations must be positive, but it is 0.");
        Refuses(() => _ = kronecker with { Tolerance = -1 }, "Tolerance", "Tolerance must be zero or more and finite, but it is -1.");
        Refuses(() => new KroneckerFitter(kronecker).Fit(pairs), "pairs", "pairs must have 45 target columns, as [3, 3, 5] has, but it has 36. A part of a latent is fitted by BlockFitter.");
        Refuses(() => _ = new BlockFitter(blocks with { Levels = [("a", "a")] }), "options", "options must name every target level once and no source level twice, but Levels is a → a.");
        Refuses(() => _ = new BlockFitter(blocks with { Levels = [("a", "a"), ("a", "b")] }), "options", "options must name every target level once and no source level twice, but Levels is a → a, a → b.");
        Refuses(() => _ = new BlockFitter(blocks with { Levels = [("x", "a")] }), "name", "name must be one of the levels a, b, but it is 'x'.");
        Refuses(() => _ = blocks with { Levels = [] }, "Levels", "Levels must hold at least one entry, but it is empty. Leave it null to pair levels by name or by order.");
        Refuses(
            () => _ = new BlockFitter(blocks with { Source = LatentSpace.Vector(4) }),
            "options",
            "options must name the levels that belong together, for 4 (z [4]) and 5 (a [2], b [3]) have neither the same names nor equally many levels. Set Levels.");
        Refuses(() => new BlockFitter(blocks).Fit(pairs), "pairs", "pairs must lie in the spaces 5 (a [2], b [3]) and 5 (a [2], b [3]), but they are 24 and 36 wide.");
        Refuses(() => _ = new StructureOptions { Candidates = [] }, "Candidates", "Candidates must hold at least one entry, but it is empty. ForImages gives the standard ones.");
        Refuses(() => _ = new StructureOptions { Candidates = [new RidgeFitter(1)], Folds = 1 }, "Folds", "Folds must be at least 2, but it is 1.");
        Refuses(() => new StructureFitter(StructureOptions.ForImages(_from, _to)).Fit(pairs), "pairs", "pairs must hold at least four rows to leave some out, but it holds 3.");
        Refuses(() => StructureOptions.ForImages([1, 2], _to), "sourceShape", "sourceShape must be [channels, height, width] of positive sizes, but it is [1, 2].");
        new KroneckerFitter(kronecker).ToString().Should().Be("Kronecker product, alpha 0");
        new StructureFitter(new StructureOptions { Candidates = [new RidgeFitter(1), new LeastSquaresFitter()] }).ToString().Should().Be("the smallest good structure of: ridge, alpha 1; least squares");
    }

    private static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
}
