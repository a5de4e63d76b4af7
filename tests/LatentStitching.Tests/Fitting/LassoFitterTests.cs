using FsCheck.Xunit;
using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>The sparse fitters against scikit-learn 1.2.1, their optimality conditions, and each other.</summary>
[NoTensorLeaks]
public sealed class LassoFitterTests
{
    private static readonly LassoOptions _exact = new() { Tolerance = 1e-13 };

    public static TheoryData<string, string, double> Cases()
    {
        TheoryData<string, string, double> data = [];
        foreach (string name in (string[])["tall", "wide", "const", "dup"])
        {
            foreach (string target in (string[])["y", "y01"])
            {
                foreach (double alpha in (double[])[0.005, 0.02, 0.1]) data.Add(name, target, alpha);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Lasso_IsScikitLearns(string name, string target, double alpha)
    {
        using StateDictionary file = Fixture.Load("sklearn/lasso.safetensors");
        using var scope = NewDisposeScope();
        string key = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name}.{target}.alpha{alpha}");
        using LatentPairs pairs = Pairs(file, name, target);
        using LatentMapFit fit = new LassoFitter(_exact with { Alpha = alpha }).Fit(pairs);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Alpha == alpha && report.Iterations > 0);
        double reference = file[$"{key}.objective"].ToDouble();
        Objective(fit, pairs, alpha, 1).Should().BeApproximately(reference, 1e-9 * reference);
        fit.Map.Apply(file[$"{name}.Xtest"]).squeeze(1).ShouldBeCloseTo(file[$"{key}.predict"], name == "dup" ? 1e-6 : 1e-7);
        if (name == "dup") return; // its coefficients are not unique
        LargestDifference(fit.Affine.Weight.squeeze(0), file[$"{key}.coef"]).Should().BeLessThan(1e-6);
        LargestDifference(fit.Affine.Bias.squeeze(), file[$"{key}.intercept"]).Should().BeLessThan(1e-6);
    }

    [Theory]
    [InlineData("tall")]
    [InlineData("wide")]
    [InlineData("const")]
    [InlineData("dup")]
    public void Variants_AreScikitLearns(string name)
    {
        using StateDictionary file = Fixture.Load("sklearn/lasso.safetensors");
        using var scope = NewDisposeScope();
        using LatentPairs pairs = Pairs(file, name, "y");
        foreach ((string variant, LassoOptions options) in new (string, LassoOptions)[]
        {
            ("positive", _exact with { Alpha = 0.02, Positive = true }),
            ("noint", _exact with { Alpha = 0.02, FitIntercept = false }),
            ("enet", _exact with { Alpha = 0.05, L1Ratio = 0.4 }),
        })
        {
            using LatentMapFit fit = new LassoFitter(options).Fit(pairs);
            fit.Report.Status.Should().Be(FitStatus.Succeeded);
            Tensor coefficients = file[$"{name}.{variant}.coef"];
            Tensor mapped = pairs.Source.mv(fit.Affine.Weight[0]), expected = pairs.Source.mv(coefficients);
            (mapped - expected).sub((mapped - expected).mean()).abs().max().ToDouble().Should().BeLessThan(1e-6, $"{name} {variant}");
            if (name != "dup" || variant == "enet") LargestDifference(fit.Affine.Weight[0], coefficients).Should().BeLessThan(1e-6, $"{name} {variant}");
            if (variant == "positive") fit.Affine.Weight.min().ToDouble().Should().BeGreaterThanOrEqualTo(0);
            if (variant == "noint") fit.Affine.Bias.abs().max().ToDouble().Should().Be(0);
        }
    }

    [Theory]
    [InlineData("tall")]
    [InlineData("wide")]
    [InlineData("const")]
    [InlineData("dup")]
    public void AlphaMax_IsTheLeastStrengthOfNoCoefficient(string name)
    {
        using StateDictionary file = Fixture.Load("sklearn/lasso.safetensors");
        using LatentPairs pairs = Pairs(file, name, "y");
        double reference = file[$"{name}.alpha_max.alpha_max"].ToDouble();
        LassoFitter.AlphaMax(pairs).Should().BeApproximately(reference, 4e-15 * reference);
        foreach (LassoOptions options in (LassoOptions[])[_exact, _exact with { L1Ratio = 0.3 }, _exact with { FitIntercept = false }, _exact with { Positive = true }])
        {
            double largest = LassoFitter.AlphaMax(pairs, options);
            using LatentMapFit none = new LassoFitter(options with { Alpha = largest }).Fit(pairs);
            using LatentMapFit some = new LassoFitter(options with { Alpha = largest * (1 - 1e-6) }).Fit(pairs);
            NonZero(none).Should().Be(0);
            NonZero(some).Should().BeGreaterThan(0);
        }
        double joint = MultiTaskLassoFitter.AlphaMax(pairs);
        joint.Should().Be(LassoFitter.AlphaMax(pairs));
        using LatentMapFit nothing = new MultiTaskLassoFitter(joint).Fit(pairs);
        NonZero(nothing).Should().Be(0);
    }

    [Property(MaxTest = 40)]
    public void Lasso_MeetsItsOptimalityConditions(byte rows, byte columns, byte targets, ushort seed)
    {
        using var scope = NewDisposeScope();
        long n = 3 + (rows % 60), d = 1 + (columns % 60), t = 1 + (targets % 4);
        double ratio = seed % 3 == 0 ? 0.5 : 1;
        using LatentPairs pairs = new(Random(n, d, seed).mm(Random(d, d, 1)).add(2), Random(n, t, seed + 1u));
        LassoOptions options = _exact with { Tolerance = 1e-12, L1Ratio = ratio };
        options = options with { Alpha = LassoFitter.AlphaMax(pairs, options) * Math.Pow(10, -(seed % 5) / 2.0) };
        using LatentMapFit fit = new LassoFitter(options).Fit(pairs);
        fit.Report.Status.Should().Be(FitStatus.Succeeded, "n {0}, d {1}, t {2}, sweeps {3}", n, d, t, fit.Report.Iterations);
        double l1 = options.Alpha * ratio, l2 = options.Alpha * (1 - ratio);
        Tensor xc = pairs.Source - pairs.Source.mean([0]), w = fit.Affine.Weight.t();
        Tensor pull = xc.t().mm(pairs.Target - fit.Map.Apply(pairs.Source)).div(n) - (w * l2);
        double slack = 1e-3 * l1; // what the gap allows at the weakest strength
        pull.abs().max().ToDouble().Should().BeLessThanOrEqualTo(l1 + slack);
        Tensor support = w.ne(0);
        if (support.any().ToBoolean()) (pull - (w.sign() * l1)).masked_select(w.abs().gt(1e-3 * w.abs().max())).abs().max().ToDouble().Should().BeLessThan(slack);
    }

    [Property(MaxTest = 25)]
    public void MultiTask_MeetsItsOptimalityConditions(byte rows, byte columns, byte targets, ushort seed)
    {
        using var scope = NewDisposeScope();
        long n = 3 + (rows % 60), d = 1 + (columns % 60), t = 1 + (targets % 9);
        double ratio = seed % 3 == 0 ? 0.5 : 1;
        using LatentPairs pairs = new(Random(n, d, seed).add(2), Random(n, t, seed + 1u));
        MultiTaskLassoOptions options = new() { Tolerance = 1e-12, L1Ratio = ratio };
        options = options with { Alpha = MultiTaskLassoFitter.AlphaMax(pairs, options) * Math.Pow(10, -(seed % 4) / 2.0) };
        using LatentMapFit fit = new MultiTaskLassoFitter(options).Fit(pairs);
        fit.Report.Status.Should().Be(FitStatus.Succeeded, "n {0}, d {1}, t {2}, sweeps {3}", n, d, t, fit.Report.Iterations);
        double l1 = options.Alpha * ratio, l2 = options.Alpha * (1 - ratio);
        Tensor xc = pairs.Source - pairs.Source.mean([0]), w = fit.Affine.Weight.t();
        Tensor pull = xc.t().mm(pairs.Target - fit.Map.Apply(pairs.Source)).div(n) - (w * l2);
        pull.norm(1).max().ToDouble().Should().BeLessThanOrEqualTo(l1 * (1 + 1e-3));
        Tensor norms = w.norm(1, keepdim: true), used = norms.squeeze(1).gt(1e-3 * norms.max());
        if (used.any().ToBoolean()) (pull - (w / norms * l1)).index_select(0, used.nonzero().squeeze(1)).abs().max().ToDouble().Should().BeLessThan(1e-3 * l1);
        // A source column serves every target or none.
        w.ne(0).any(1).eq(w.ne(0).all(1)).all().ToBoolean().Should().BeTrue();
    }

    [Fact]
    public void MultiTask_OneTarget_IsTheLasso()
    {
        using StateDictionary file = Fixture.Load("sklearn/lasso.safetensors");
        using LatentPairs pairs = Pairs(file, "wide", "y");
        using LatentMapFit one = new LassoFitter(_exact with { Alpha = 0.02 }).Fit(pairs);
        using LatentMapFit joint = new MultiTaskLassoFitter(new MultiTaskLassoOptions { Alpha = 0.02, Tolerance = 1e-13 }).Fit(pairs);
        joint.Affine.Weight.ShouldBeCloseTo(one.Affine.Weight, 1e-12);
    }

    [Fact]
    public void Lasso_ManyTargets_AreFittedEachForItself()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(70, 30, 1), y = Random(70, 5, 2).add(x.mm(Random(30, 5, 3)));
        using LatentPairs pairs = new(x, y);
        using LatentMapFit together = new LassoFitter(_exact with { Alpha = 0.3 }).Fit(pairs);
        for (long k = 0; k < 5; k++)
        {
            using LatentPairs single = new(x, y.narrow(1, k, 1));
            using LatentMapFit alone = new LassoFitter(_exact with { Alpha = 0.3 }).Fit(single);
            together.Affine.Weight.narrow(0, k, 1).ShouldBeCloseTo(alone.Affine.Weight, 1e-12);
        }
    }

    [Fact]
    public void Lasso_SparseTruth_FindsItsColumnsAndReportsThem()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(300, 400, 1), w = zeros(2, 400, ScalarType.Float64);
        w[0, 7] = 2;
        w[1, 7] = -1;
        w[1, 311] = 3;
        using LatentPairs pairs = new(x, x.mm(w.t()) + (Random(300, 2, 2) * 0.1));
        using LatentMapFit fit = new MultiTaskLassoFitter(0.2).Fit(pairs);
        fit.Affine.Weight.ne(0).any(0).nonzero().squeeze(1).data<long>().ToArray().Should().Equal(7, 311);
        fit.Report.Solver.Should().Be("multi-task lasso by working-set coordinate descent, 2 of 400 source columns in use");
        Tensor held = Random(100, 400, 9);
        Tensor errors = (fit.Map.Apply(held) - held.mm(w.t())).square().mean();
        errors.ToDouble().Should().BeLessThan(0.1);
    }

    [Fact]
    public void FitPath_AnyOrder_IsTheSingleFits()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(60, 90, 1), y = Random(60, 3, 2) + x.narrow(1, 0, 3);
        using LatentPairs pairs = new(x, y);
        double[] alphas = [0.05, 0.4, 0.1];
        Steps<FitProgress> steps = new();
        IReadOnlyList<LatentMapFit> path = new LassoFitter(_exact).FitPath(pairs, alphas, steps);
        IReadOnlyList<LatentMapFit> joint = new MultiTaskLassoFitter(new MultiTaskLassoOptions { Tolerance = 1e-13 }).FitPath(pairs, alphas);
        for (int i = 0; i < alphas.Length; i++)
        {
            using LatentMapFit single = new LassoFitter(_exact with { Alpha = alphas[i] }).Fit(pairs);
            path[i].Report.Alpha.Should().Be(alphas[i]);
            path[i].Affine.Weight.ShouldBeCloseTo(single.Affine.Weight, 1e-6);
            using LatentMapFit group = new MultiTaskLassoFitter(new MultiTaskLassoOptions { Tolerance = 1e-13, Alpha = alphas[i] }).Fit(pairs);
            joint[i].Affine.Weight.ShouldBeCloseTo(group.Affine.Weight, 1e-6);
            path[i].Dispose();
            joint[i].Dispose();
        }
        steps.All.Should().HaveCountLessThanOrEqualTo(100);
        steps.All[^1].Should().Match<FitProgress>(last => last.Iteration == 9 && last.MaxIterations == 9);
    }

    [Fact]
    public void Fit_Twice_GivesTheSameBytes()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Random(50, 40, 1), Random(50, 6, 2));
        using LatentMapFit one = new LassoFitter(0.1).Fit(pairs);
        using LatentMapFit again = new LassoFitter(0.1).Fit(pairs);
        one.Affine.Weight.bytes.SequenceEqual(again.Affine.Weight.bytes).Should().BeTrue();
    }

    [Fact]
    public void Fit_TooFewSweeps_SaysSo()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Random(50, 40, 1).mm(Random(40, 40, 3)), Random(50, 2, 2));
        using LatentMapFit fit = new LassoFitter(new LassoOptions { Alpha = 0.01, MaxIterations = 2, Tolerance = 1e-10 }).Fit(pairs);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.IterationLimitReached && report.Iterations == 4);
        Action act = () => fit.EnsureSucceeded();
        act.Should().Throw<FitFailedException>().WithMessage("The fit gave no usable map: IterationLimitReached: 40 → 2 from 50 pairs, lasso*Allow more iterations, or standardise the source latents with PreparedFitter.");
    }

    [Fact]
    public void Fit_CancelledMidway_ThrowsAndLeavesNoTensor()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Random(60, 90, 1), Random(60, 3, 2));
        using CancellationTokenSource source = new();
        Action act = () => new LassoFitter(_exact).FitPath(pairs, [0.3, 0.1, 0.01], new Steps<FitProgress>(source.Cancel), source.Token);
        act.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void ToString_SaysWhatIsFitted()
    {
        new LassoFitter(0.02).ToString().Should().Be("lasso, alpha 0.02");
        new LassoFitter(new LassoOptions { Alpha = 2, L1Ratio = 0.5, Positive = true, FitIntercept = false }).ToString()
            .Should().Be("elastic net of L1 share 0.5, alpha 2, positive, without intercept");
        new MultiTaskLassoFitter(0.02).ToString().Should().Be("multi-task lasso, alpha 0.02");
        new MultiTaskLassoFitter(new MultiTaskLassoOptions { L1Ratio = 0.5, FitIntercept = false }).ToString().Should().Be("multi-task elastic net of L1 share 0.5, alpha 1, without intercept");
    }

    [Fact]
    public void Arguments_OutOfRange_Throw()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(ones(3, 2), ones(3, 1));
        using LatentPairs row = new(ones(1, 2), ones(1, 1));
        foreach (Action act in (Action[])[() => _ = new LassoFitter(0), () => _ = new MultiTaskLassoFitter(0)]) act.ShouldRefuse("Alpha", "Alpha must be positive and finite, but it is 0.");
        foreach (Action act in (Action[])[() => _ = new LassoOptions { L1Ratio = 0 }, () => _ = new MultiTaskLassoOptions { L1Ratio = 0 }])
        {
            act.ShouldRefuse("L1Ratio", "L1Ratio must lie above 0 and at most at 1, but it is 0. Without an L1 part use RidgeFitter.");
        }
        foreach (Action act in (Action[])[() => _ = new LassoOptions { Tolerance = 0 }, () => _ = new MultiTaskLassoOptions { Tolerance = 0 }]) act.ShouldRefuse("Tolerance", "Tolerance must be positive and finite, but it is 0.");
        foreach (Action act in (Action[])[() => _ = new LassoOptions { MaxIterations = 0 }, () => _ = new MultiTaskLassoOptions { MaxIterations = 0 }]) act.ShouldRefuse("MaxIterations", "MaxIterations must be positive, but it is 0.");
        foreach (Action act in (Action[])[() => new LassoFitter(1).FitPath(pairs, []), () => new MultiTaskLassoFitter(1).FitPath(pairs, [])])
        {
            act.ShouldRefuse("alphas", "alphas must hold at least one entry, but it is empty. Take fractions of AlphaMax.");
        }
        foreach (Action act in (Action[])[() => new LassoFitter(1).FitPath(pairs, [1, -1]), () => new MultiTaskLassoFitter(1).FitPath(pairs, [1, -1])])
        {
            act.ShouldRefuse("alphas", "alphas must be positive and finite, but it is -1.");
        }
        foreach (Action act in (Action[])[() => new LassoFitter(1).Fit(row), () => LassoFitter.AlphaMax(row), () => new MultiTaskLassoFitter(1).Fit(row), () => MultiTaskLassoFitter.AlphaMax(row)])
        {
            act.ShouldRefuse("pairs", "pairs must hold at least two rows for a map with an intercept, but it holds 1.");
        }
        foreach (Action act in (Action[])[() => _ = new LassoFitter(null!), () => _ = new MultiTaskLassoFitter(null!)]) act.Should().Throw<ArgumentNullException>().WithParameterName("options");
    }

    private static LatentPairs Pairs(StateDictionary file, string name, string target)
    {
        using var scope = NewDisposeScope();
        return new LatentPairs(file[$"{name}.X"], file[$"{name}.{target}"].unsqueeze(1));
    }

    private static double Objective(LatentMapFit fit, LatentPairs pairs, double alpha, double ratio)
    {
        using var scope = NewDisposeScope();
        Tensor w = fit.Affine.Weight;
        double squares = (pairs.Target - fit.Map.Apply(pairs.Source)).square().sum().ToDouble();
        return (squares / (2 * pairs.Count)) + (alpha * ratio * w.abs().sum().ToDouble()) + (alpha * (1 - ratio) / 2 * w.square().sum().ToDouble());
    }

    private static double LargestDifference(Tensor actual, Tensor expected)
    {
        using var scope = NewDisposeScope();
        return (actual - expected).abs().max().ToDouble();
    }

    private static long NonZero(LatentMapFit fit)
    {
        using var scope = NewDisposeScope();
        return fit.Affine.Weight.count_nonzero().ToInt64();
    }

    private static Tensor Random(long rows, long columns, ulong seed)
    {
        using Generator generator = new(seed);
        return randn([rows, columns], ScalarType.Float64, generator: generator);
    }
}
