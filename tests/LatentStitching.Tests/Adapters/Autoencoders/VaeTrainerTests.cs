using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using LatentStitching.Training;

namespace LatentStitching.Tests.Adapters.Autoencoders;

[NoTensorLeaks]
public sealed class VaeTrainerTests
{
    private static readonly IImageSource _faces = new ProceduralFaces(48, 32);

    private static Vae Model(ulong seed = 1) => Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(32), LatentDimension = 4, Seed = seed });

    [Fact]
    public void Train_LowersTheLoss()
    {
        using Vae model = Model();
        TrainingReport report = new VaeTrainer(new TrainingOptions { Epochs = 15, BatchSize = 16, LearningRate = 2e-3 }).Train(model, _faces);
        report.Steps.Should().Be(45);
        report.EpochLosses.Should().HaveCount(15);
        report.EpochLosses[^1].Should().BeLessThan(0.95 * report.EpochLosses[0]);
        report.ImagesPerSecond.Should().BePositive();
        report.Elapsed.Should().BePositive();
        using Tensor images = _faces.Load(0, 2);
        using Tensor made = model.Reconstruct(images);
        made.requires_grad.Should().BeFalse();
        model.Network.Weights.All.Should().OnlyContain(weight => HasNoGradient(weight.Tensor), "a trained model keeps its weights, not their last gradients");
    }

    [Fact]
    public void Train_SameSeed_GivesTheSameBytes_AnotherOthers()
    {
        byte[] a = Trained(1), b = Trained(1), c = Trained(2);
        a.Should().Equal(b);
        a.AsSpan().SequenceEqual(c).Should().BeFalse();

        static byte[] Trained(ulong seed)
        {
            using Vae model = Model();
            new VaeTrainer(new TrainingOptions { Epochs = 2, BatchSize = 20, Seed = seed }).Train(model, _faces);
            return Weights(model);
        }
    }

    [Theory]
    [InlineData(24, 1)]
    [InlineData(3, 10)]
    [InlineData(1, 4)]
    public void Train_Progress_ComesAtMostAHundredTimesAndEndsWithTheLast(int batch, int epochs)
    {
        using Vae model = Model();
        Steps<TrainingProgress> steps = new();
        TrainingReport report = new VaeTrainer(new TrainingOptions { Epochs = epochs, BatchSize = batch }).Train(model, _faces, steps);
        steps.All.Should().NotBeEmpty().And.HaveCountLessThanOrEqualTo(100);
        steps.All.Select(step => step.Step).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        steps.All.Should().OnlyContain(step => step.TotalSteps == report.Steps && step.Remaining >= TimeSpan.Zero && double.IsFinite(step.Loss) && step.ImagesPerSecond > 0);
        steps.All[^1].Should().Match<TrainingProgress>(step => step.Step == report.Steps && step.Epoch == epochs && step.Remaining == TimeSpan.Zero);
    }

    [Fact]
    public void Train_Cancelled_KeepsWhatWasLearntAndLeavesNoTensor()
    {
        byte[] start, oneStep;
        using (Vae model = Model())
        {
            start = Weights(model);
            new VaeTrainer(new TrainingOptions { Epochs = 1, BatchSize = 48 }).Train(model, _faces);
            oneStep = Weights(model);
        }
        using Vae cancelled = Model();
        using CancellationTokenSource cancel = new();
        Steps<TrainingProgress> steps = new(cancel.Cancel);
        Action act = () => new VaeTrainer(new TrainingOptions { Epochs = 5, BatchSize = 48 }).Train(cancelled, _faces, steps, cancel.Token);
        act.Should().Throw<OperationCanceledException>();
        Weights(cancelled).Should().Equal(oneStep);
        oneStep.AsSpan().SequenceEqual(start).Should().BeFalse();
        is_grad_enabled().Should().BeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void Train_FirstLoss_IsTheSumByHand(double beta)
    {
        IImageSource faces = _faces.Take(5);
        using Vae model = Model();
        double expected;
        using (NewDisposeScope())
        {
            // The order of the images does not matter to their mean, the order of the noise does.
            int[] order = new SplitMix64(TrainingRun.Mix(3, 1, 0)).Permutation(5);
            using Generator generator = new(TrainingRun.Mix(3, 2, 0));
            Tensor x = faces.Load(order);
            (Tensor mean, Tensor logVariance) = model.EncodePosterior(x);
            Tensor noise = randn([5, 4], ScalarType.Float32, generator: generator);
            Tensor p = model.Decode(mean + (logVariance / 2).exp() * noise).to_type(ScalarType.Float64), wide = x.to_type(ScalarType.Float64);
            double reconstruction = -(wide * p.log() + (1 - wide) * (1 - p).log()).sum().ToDouble();
            double divergence = 0;
            foreach ((float mu, float log) in mean.data<float>().ToArray().Zip(logVariance.data<float>().ToArray())) divergence += 0.5 * ((mu * mu) + Math.Exp(log) - 1 - log);
            expected = (reconstruction + (beta * divergence)) / 5;
        }
        TrainingReport report = new VaeTrainer(new TrainingOptions { Epochs = 1, BatchSize = 5, Seed = 3 }) { Beta = beta }.Train(model, faces);
        report.EpochLosses.Should().ContainSingle().Which.Should().BeApproximately(expected, 1e-5 * expected);
    }

    [Fact]
    public void Train_BadArguments_Throws()
    {
        using Vae model = Model();
        Action format = () => new VaeTrainer().Train(model, new ProceduralFaces(4, 64));
        format.ShouldRefuse("images", "images must have the format 3×32×32 of vae, but it is 3×64×64.");
        Action noModel = () => new VaeTrainer().Train(null!, _faces);
        noModel.Should().Throw<ArgumentNullException>().WithParameterName("model");
        Action noImages = () => new VaeTrainer().Train(model, null!);
        noImages.Should().Throw<ArgumentNullException>().WithParameterName("images");
        Action beta = () => _ = new VaeTrainer { Beta = -1 };
        beta.ShouldRefuse("Beta", "Beta must be zero or more and finite, but it is -1.");
    }

    [Fact]
    public void Train_Diverges_SaysAtWhichStepAndWhatToLower()
    {
        using Vae model = Model();
        Action act = () => new VaeTrainer(new TrainingOptions { LearningRate = 1e9, BatchSize = 16 }).Train(model, _faces);
        act.Should().Throw<InvalidOperationException>().Which.Message.Should().MatchRegex(@"^The loss must stay finite, but it is (NaN|∞|Infinity) at step \d+\. Lower the learning rate \(1000000000\)\.$");
        is_grad_enabled().Should().BeTrue();
        // The step whose loss is not finite is not taken.
        using var scope = NewDisposeScope();
        foreach ((_, Tensor weight) in model.Network.Weights.All) weight.isfinite().all().ToBoolean().Should().BeTrue();
    }

    [Fact]
    public void Options_OutOfRange_Throws()
    {
        Refuses(() => _ = new TrainingOptions { Epochs = 0 }, "Epochs", "Epochs must be positive, but it is 0.");
        Refuses(() => _ = new TrainingOptions { BatchSize = -1 }, "BatchSize", "BatchSize must be positive, but it is -1.");
        Refuses(() => _ = new TrainingOptions { LearningRate = 0 }, "LearningRate", "LearningRate must be positive and finite, but it is 0.");
        Refuses(() => _ = new TrainingOptions { LearningRate = double.NaN }, "LearningRate", "LearningRate must be positive and finite, but it is NaN.");
        Refuses(() => _ = new VaeOptions { LatentDimension = 0 }, "LatentDimension", "LatentDimension must be positive, but it is 0.");
        Refuses(() => _ = new VaeOptions { Name = "" }, "Name", "Name must not be blank.");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }

    private static bool HasNoGradient(Tensor weight)
    {
        using Tensor? gradient = weight.grad;
        return gradient is null || gradient.IsInvalid;
    }

    private static byte[] Weights(Vae model) => [.. model.Network.Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray())];
}
