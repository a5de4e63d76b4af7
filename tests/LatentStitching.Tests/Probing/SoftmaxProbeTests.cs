using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class SoftmaxProbeTests
{
    private static readonly string[] _names = ["cat", "dog", "bird"];

    [Theory]
    [InlineData("0.1")]
    [InlineData("1")]
    [InlineData("100")]
    public void Train_IsTheMinimumThatScikitLearnFinds(string strength)
    {
        using StateDictionary file = Fixture.Load("sklearn/logistic.safetensors");
        using var scope = NewDisposeScope();
        int[] classes = [.. file["multi.y"].data<long>().ToArray().Select(value => (int)value)];
        string key = $"multi.C{strength}";
        string[] names = [.. Enumerable.Range(0, classes.Max() + 1).Select(place => $"class {place}")];
        using SoftmaxProbeFit fit = new SoftmaxProbeTrainer { C = double.Parse(strength, System.Globalization.CultureInfo.InvariantCulture), Tolerance = 1e-13 }.Train(file["multi.X"], classes, names);
        fit.Converged.Should().BeTrue();
        fit.Probe.Weight.ShouldBeCloseTo(file[$"{key}.coef"], 1e-5);
        fit.Probe.Bias.ShouldBeCloseTo(file[$"{key}.intercept"], 1e-5);
        fit.Probe.Probabilities(file["multi.Xtest"]).sub(file[$"{key}.proba"]).abs().max().ToDouble().Should().BeLessThan(1e-6);
        fit.Probe.Predict(file["multi.Xtest"]).data<long>().ToArray().Should().Equal(file[$"{key}.predict"].data<long>().ToArray());
        fit.TrainingAccuracy.Should().BeApproximately(file[$"{key}.accuracy_train"].ToDouble(), 1e-12);
    }

    [Theory]
    [InlineData(60, 8, ScalarType.Float64)]
    [InlineData(40, 70, ScalarType.Float32)]
    public void Train_EndsAtAZeroGradient_AndClassesSumToZero(int rows, int columns, ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(rows, columns, type), wide = latents.to_type(ScalarType.Float64);
        int[] classes = [.. Enumerable.Range(0, rows).Select(row => row * row % 7 % 3)];
        long before = NoTensorLeaksAttribute.Live();
        using SoftmaxProbeFit fit = new SoftmaxProbeTrainer { C = 0.5, Tolerance = 1e-12 }.Train(latents, classes, _names);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        Tensor hot = zeros(rows, 3, ScalarType.Float64);
        for (int row = 0; row < rows; row++) hot[row, classes[row]] = 1.0;
        Tensor residual = hot.sub(fit.Probe.Probabilities(latents));
        residual.sum([0]).abs().max().ToDouble().Should().BeLessThan(1e-9);
        residual.t().mm(wide).mul(0.5).ShouldBeCloseTo(fit.Probe.Weight, 1e-4);
        fit.Probe.Weight.sum([0]).abs().max().ToDouble().Should().BeLessThan(1e-4);
        fit.Converged.Should().BeTrue();
        fit.RelativeGap.Should().BeLessThan(1e-12);
        fit.Signature.Should().Be("probe|model:softmax|penalty:l2|c:0.5");
        fit.Probe.ToString().Should().Be($"3 classes of {columns} columns");
    }

    [Fact]
    public void Train_TwoClasses_IsLogisticRegressionOfTwiceTheStrength()
    {
        // With W₁ = −W₀ the penalty is ‖w‖²/4 of the difference w: half of the logistic one's.
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(50, 4);
        ProbeLabels labels = ProbeCases.Labels(50, 4);
        int[] classes = [.. Enumerable.Range(0, 50).Select(row => labels[row, 0] ? 1 : 0)];
        using SoftmaxProbeFit two = new SoftmaxProbeTrainer { C = 1, Tolerance = 1e-13 }.Train(latents, classes, ["no", "yes"]);
        using ProbeFit one = new LogisticProbeTrainer { C = 2, Tolerance = 1e-13 }.Train(latents, labels);
        two.Probe.Weight[1].sub(two.Probe.Weight[0]).ShouldBeCloseTo(one.Probes.Weight[0], 1e-6);
        two.Probe.Bias[1].sub(two.Probe.Bias[0]).ToDouble().Should().BeApproximately(one.Probes.Bias[0].ToDouble(), 1e-6);
    }

    [Fact]
    public void Train_SeparableClasses_Warns()
    {
        using var scope = NewDisposeScope();
        using SoftmaxProbeFit fit = new SoftmaxProbeTrainer { C = 1e5 }.Train(eye(3), [0, 1, 2], _names);
        fit.Converged.Should().BeTrue();
        fit.Warnings.Should().Equal("The classes are separable, all 3 rows are labelled rightly. Only the penalty keeps the coefficients finite, and the probabilities are too sure: judge on other rows.");
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(3, 2);
        Action none = () => new SoftmaxProbeTrainer().Train(latents, [0, 1, 0], _names), few = () => new SoftmaxProbeTrainer().Train(latents, [0, 0, 0], ["cat"]), count = () => new SoftmaxProbeTrainer().Train(latents, [0, 1], ["cat", "dog"]);
        none.ShouldRefuse("classes", "classes must have a row of every class, but none is 'bird'. Leave the class out, or add rows.");
        few.ShouldRefuse("names", "names must hold at least two classes, but it holds 1.");
        count.ShouldRefuse("classes", "classes must have a row a latent, 3, but they have 2.");
        Action shape = () => _ = new SoftmaxProbe(["a"], ones(2, 3), ones(2));
        shape.ShouldRefuse("weight", "weight and bias must have 1 rows, one a name, but they are [2, 3] and [2].");
        SoftmaxProbe probe = new(["a", "b"], ones(2, 3), ones(2));
        Action width = () => probe.Predict(latents);
        width.ShouldRefuse("latents", "latents must have 3 columns, the latent width of the probe, but its shape is [3, 2].");
        probe.Dispose();
        Action disposed = () => probe.Predict(latents);
        disposed.Should().Throw<ObjectDisposedException>();
        using CancellationTokenSource source = new();
        Action cancelled = () => new SoftmaxProbeTrainer().Train(latents, [0, 1, 2], _names, new Steps<FitProgress>(source.Cancel), source.Token);
        cancelled.Should().Throw<OperationCanceledException>();
    }
}
