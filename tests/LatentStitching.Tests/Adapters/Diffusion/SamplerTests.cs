using LatentStitching.Adapters.Diffusion;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Diffusion;

/// <summary>The samplers against diffusers' own test values and against a problem whose solution is known.</summary>
[NoTensorLeaks]
public sealed class SamplerTests
{
    // diffusers' dummy: model(s, t) = s·t/(t + 1) on arange(768)/768, clipped to ±1, 10 steps; sums of |x| recomputed in float64.
    [Theory]
    [InlineData(PredictionType.Epsilon, 1e-4, true, 172.006522, 671.682108)]
    [InlineData(PredictionType.Velocity, 1e-4, true, 52.530124, 1394.219338)]
    [InlineData(PredictionType.Epsilon, 0.01, true, 149.829460, 539.962160)]
    [InlineData(PredictionType.Epsilon, 0.01, false, 149.078430, 542.672166)]
    public void Ddim_BothWays_AgreesWithDiffusers(PredictionType prediction, double start, bool setAlphaToOne, double decoded, double encoded)
    {
        using var scope = NewDisposeScope();
        var grid = TimeGrid.Of(NoiseSchedule.Linear(1000, start), 10, StepSpacing.Leading, 0, setAlphaToOne, "options");
        NoisePredictor predictor = new(Dummy, prediction, clip: 1);
        DdimSampler.Decode(DummySample(), grid, predictor).abs().sum().ToDouble().Should().BeApproximately(decoded, 1e-6);
        DdimSampler.Encode(DummySample(), grid, predictor).abs().sum().ToDouble().Should().BeApproximately(encoded, 1e-6);
    }

    [Fact]
    public void Times_OfEverySpacing_AreTheKnownOnes()
    {
        NoiseSchedule schedule = NoiseSchedule.Linear();
        // test_scheduler_ddim_inverse.py of diffusers: five steps, offset 1.
        Times(5, StepSpacing.Leading, 1).Should().Equal(1, 201, 401, 601, 801);
        // Lin et al. (2023), table 2: ten steps.
        Times(10, StepSpacing.Trailing).Should().Equal(99, 199, 299, 399, 499, 599, 699, 799, 899, 999);
        Times(10, StepSpacing.Leading).Should().Equal(0, 100, 200, 300, 400, 500, 600, 700, 800, 900);
        Times(10, StepSpacing.Linspace).Should().Equal(100, 200, 300, 400, 500, 599, 699, 799, 899, 999);
        Times(3, StepSpacing.Trailing).Should().Equal(332, 666, 999);
        Times(1, StepSpacing.Quadratic).Should().Equal(0);
        Times(1000, StepSpacing.Trailing).Should().Equal(Enumerable.Range(0, 1000));

        IReadOnlyList<int> Times(int steps, StepSpacing spacing, int offset = 0) => TimeGrid.Of(schedule, steps, spacing, offset, true, "options").Times;
    }

    // Means of |x| from tests/schedulers/test_scheduler_dpm_multi.py of diffusers, told there to 1e-3.
    [Theory]
    [InlineData(PredictionType.Epsilon, false, 0.3301)]
    [InlineData(PredictionType.Velocity, false, 0.2251)]
    [InlineData(PredictionType.Epsilon, true, 1.1364)]
    public void DpmSolver_SecondOrder_AgreesWithDiffusers(PredictionType prediction, bool thresholded, double expected)
    {
        using var scope = NewDisposeScope();
        var grid = TimeGrid.Of(NoiseSchedule.Linear(), 10, StepSpacing.Linspace, 0, setAlphaToOne: false, "options");
        DynamicThreshold? threshold = thresholded ? new DynamicThreshold { Quantile = 0.87, Maximum = 0.5 } : null;
        Tensor x = DpmSolver.Decode(DummySample(), grid, new NoisePredictor(Dummy, prediction), order: 2, threshold, lowerOrderAtEnd: false);
        x.abs().mean().ToDouble().Should().BeApproximately(expected, 1e-3);
    }

    // For images N(0, ¼) the best network is linear and the walk's exact end is known: x keeps its place among deviations. Order 3 starts with steps of order 1 and 2.
    [Theory]
    [InlineData(1, 0.9)]
    [InlineData(2, 1.8)]
    [InlineData(3, 2.5)]
    public void DpmSolver_OnGaussianImages_ConvergesWithItsOrder(int order, double expected)
    {
        using var scope = NewDisposeScope();
        NoiseSchedule schedule = NoiseSchedule.Linear(50_000, 2e-6, 4e-4);
        double coarse = Error(order, 40), fine = Error(order, 80);
        Math.Log2(coarse / fine).Should().BeGreaterThan(expected);
        if (order > 1) coarse.Should().BeLessThan(Error(order - 1, 40) / 2);

        double Error(int with, int steps)
        {
            // Equal strides of log-SNR, where the order is that of the method.
            double first = Lambda(schedule.AlphaBars[2000]), last = Lambda(schedule.AlphaBars[40_000]);
            int[] times = [.. Enumerable.Range(0, steps + 1).Select(i => Nearest(first + ((last - first) * i / steps)))];
            var grid = TimeGrid.Of(schedule, times[1..], schedule.AlphaBars[times[0]]);
            Tensor x = DpmSolver.Decode(full([1, 1, 1, 1], 1.0, ScalarType.Float64), grid, new NoisePredictor(Gaussian(schedule)), with, lowerOrderAtEnd: false);
            double exact = Deviation(grid.AlphaBars[0]) / Deviation(grid.AlphaBars[^1]);
            return Math.Abs(x.ToDouble() - exact) / exact;
        }

        int Nearest(double lambda) => Enumerable.Range(0, 50_000).MinBy(t => Math.Abs(Lambda(schedule.AlphaBars[t]) - lambda));
    }

    // x_t = σ_t/σ_s·x_s + σ_t·∫ e^λ f(λ) dλ (proposition 4.1 of the paper), whose integral is e^λ·(f − f′ + f″) for a quadratic f.
    [Fact]
    public void DpmSolver_ThirdOrderStep_IsExactForQuadraticPredictions()
    {
        using var scope = NewDisposeScope();
        double[] lambdas = [0.3, -0.5, -0.9];
        const double to = 1.1;
        Tensor next = DpmSolver.Step(tensor([2.0]), [.. lambdas.Select(lambda => (tensor([F(lambda)]), lambda))], 3, AlphaBar(lambdas[0]), AlphaBar(to));
        double expected = (Sigma(to) / Sigma(lambdas[0]) * 2) + (Sigma(to) * ((Math.Exp(to) * Integral(to)) - (Math.Exp(lambdas[0]) * Integral(lambdas[0]))));
        next.ToDouble().Should().BeApproximately(expected, 1e-12);

        static double F(double x) => 0.7 - (1.3 * x) + (0.9 * x * x);
        static double Integral(double x) => F(x) - (-1.3 + (1.8 * x)) + 1.8;
        static double AlphaBar(double lambda) => 1 / (1 + Math.Exp(-2 * lambda));
        static double Sigma(double lambda) => Math.Sqrt(1 - AlphaBar(lambda));
    }

    [Fact]
    public void DpmSolver_FirstOrder_IsDdim()
    {
        using var scope = NewDisposeScope();
        var grid = TimeGrid.Of(NoiseSchedule.Linear(), 17, StepSpacing.Trailing, 0, true, "options");
        NoisePredictor predictor = new((x, t) => (x * 0.7).tanh() * (t.reshape(-1, 1, 1, 1) / 1000));
        Tensor start = DummySample();
        DpmSolver.Decode(start, grid, predictor, order: 1).ShouldBeCloseTo(DdimSampler.Decode(start, grid, predictor), 1e-12);
    }

    // The same trained knowledge said in three ways walks the same way.
    [Theory]
    [InlineData(PredictionType.Velocity)]
    [InlineData(PredictionType.Sample)]
    public void Predictions_SayingTheSame_WalkTheSame(PredictionType prediction)
    {
        using var scope = NewDisposeScope();
        NoiseSchedule schedule = NoiseSchedule.Linear();
        var grid = TimeGrid.Of(schedule, 12, StepSpacing.Trailing, 0, true, "options");
        NoisePredictor noise = new(Gaussian(schedule)), other = new(Said, prediction);
        Tensor start = DummySample();
        DdimSampler.Decode(start, grid, other).ShouldBeCloseTo(DdimSampler.Decode(start, grid, noise), 1e-12);
        DpmSolver.Decode(start, grid, other, 3).ShouldBeCloseTo(DpmSolver.Decode(start, grid, noise, 3), 1e-12);
        DdimSampler.Encode(start, grid, other, refinements: 60).ShouldBeCloseTo(DdimSampler.Encode(start, grid, noise, refinements: 60), 1e-9);

        Tensor Said(Tensor x, Tensor times)
        {
            double alphaBar = schedule.AlphaBars[(int)times[0].ToDouble()];
            (double alpha, double sigma) = (Math.Sqrt(alphaBar), Math.Sqrt(1 - alphaBar));
            Tensor epsilon = Gaussian(schedule)(x, times), image = (x - epsilon * sigma) / alpha;
            return prediction == PredictionType.Velocity ? epsilon * alpha - image * sigma : image;
        }
    }

    [Fact]
    public void Encode_MoreRefinements_ComeNearerToUndoingDecode()
    {
        using var scope = NewDisposeScope();
        var grid = TimeGrid.Of(NoiseSchedule.Linear(), 8, StepSpacing.Trailing, 0, true, "options");
        NoisePredictor predictor = new(Gaussian(NoiseSchedule.Linear()));
        Tensor image = DummySample();
        double[] errors = [.. new[] { 0, 2, 10, 60 }.Select(k => Close.RelativeDifference(DdimSampler.Decode(DdimSampler.Encode(image, grid, predictor, k), grid, predictor), image))];
        errors.Should().BeInDescendingOrder();
        errors[^1].Should().BeLessThan(1e-9);
    }

    // Ho et al.'s posterior variance is DDIM's with η = 1 on all times.
    [Fact]
    public void Ancestral_PosteriorVariance_IsDdimWithFullNoise()
    {
        using var scope = NewDisposeScope();
        NoiseSchedule schedule = NoiseSchedule.Linear(20, 0.01, 0.3);
        NoisePredictor predictor = new(Gaussian(schedule));
        Tensor start = DummySample();
        using Generator a = new(1), b = new(1);
        Tensor ancestral = AncestralSampler.Draw(start, schedule, predictor, AncestralVariance.Posterior, () => randn(start.shape, ScalarType.Float64, generator: a));
        var grid = TimeGrid.Of(schedule, 20, StepSpacing.Trailing, 0, true, "options");
        DdimSampler.Decode(start, grid, predictor, 1, step => step == 19 ? zeros_like(start) : randn(start.shape, ScalarType.Float64, generator: b)).ShouldBeCloseTo(ancestral, 1e-12);
    }

    // With the right network the drawn images have the right deviation: exactly one step of variance bookkeeping at a time.
    [Theory]
    [InlineData(AncestralVariance.Posterior)]
    [InlineData(AncestralVariance.Beta)]
    public void Ancestral_OnGaussianImages_DrawsTheirDeviation(AncestralVariance variance)
    {
        using var scope = NewDisposeScope();
        NoiseSchedule schedule = NoiseSchedule.Linear(200, 1e-3, 0.1);
        using Generator generator = new(3);
        long[] shape = [20_000, 1, 1, 1];
        Tensor drawn = AncestralSampler.Draw(randn(shape, ScalarType.Float64, generator: generator), schedule, new NoisePredictor(Gaussian(schedule)), variance, () => randn(shape, ScalarType.Float64, generator: generator));
        drawn.std().ToDouble().Should().BeApproximately(0.5, 0.02);
    }

    private static Tensor DummySample() => arange(768, dtype: ScalarType.Float64).div(768).reshape(3, 8, 8, 4).permute(3, 0, 1, 2);

    private static Tensor Dummy(Tensor x, Tensor times) => x * times.reshape(-1, 1, 1, 1) / (times.reshape(-1, 1, 1, 1) + 1);

    // E[ε | x_t] for images N(0, ¼): σ·x/(α²/4 + σ²).
    private static Func<Tensor, Tensor, Tensor> Gaussian(NoiseSchedule schedule) => (x, times) =>
    {
        double alphaBar = schedule.AlphaBars[(int)times[0].ToDouble()];
        return x * (Math.Sqrt(1 - alphaBar) / ((alphaBar * 0.25) + 1 - alphaBar));
    };

    private static double Lambda(double alphaBar) => 0.5 * Math.Log(alphaBar / (1 - alphaBar));

    private static double Deviation(double alphaBar) => Math.Sqrt((alphaBar * 0.25) + 1 - alphaBar);
}
