using LatentStitching.Adapters.Diffusion;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using LatentStitching.Training;

namespace LatentStitching.Tests.Adapters.Diffusion;

[NoTensorLeaks]
public sealed class DiffusionTrainerTests : IDisposable
{
    private static readonly IImageSource _faces = Faces(24);
    private readonly string _folder = Directory.CreateTempSubdirectory("diffusion-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static TensorImages Faces(int count)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor pixels = rand([count, 3, 1, 1], ScalarType.Float32, generator: generator).expand(count, 3, 8, 8).contiguous();
        return new TensorImages("colours", pixels.data<float>().ToArray(), ImageFormat.Rgb(8));
    }

    private static DiffusionModel Model(ulong seed = 1, PredictionType prediction = PredictionType.Epsilon, double dropout = 0) => DiffusionModel.FromNetwork(
        DiffusionUNet.Create(DiffusionUNetTests.Tiny with { Seed = seed, Dropout = dropout }), NoiseSchedule.Linear(), new DiffusionOptions { Prediction = prediction, Steps = 4 });

    private static byte[] Bytes(DiffusionModel model) => [.. ((DiffusionUNet)model.Network).Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray())];

    [Theory]
    [InlineData(PredictionType.Epsilon)]
    [InlineData(PredictionType.Velocity)]
    [InlineData(PredictionType.Sample)]
    public void Train_LowersTheLoss(PredictionType prediction)
    {
        using DiffusionModel model = Model(prediction: prediction);
        TrainingReport report = new DiffusionTrainer(new TrainingOptions { Epochs = 12, BatchSize = 8, LearningRate = 2e-3, GradientClip = 1 }).Train(model, _faces);
        report.Steps.Should().Be(36);
        report.EpochLosses[^1].Should().BeLessThan(0.75 * report.EpochLosses[0]);
        using Tensor images = _faces.Load(0, 2);
        using Tensor made = model.Reconstruct(images);
        made.requires_grad.Should().BeFalse();
    }

    [Fact]
    public void Train_SameSeed_GivesTheSameBytes_AnotherOthers()
    {
        byte[] a = Trained(1), b = Trained(1), c = Trained(2);
        a.AsSpan().SequenceEqual(b).Should().BeTrue();
        a.AsSpan().SequenceEqual(c).Should().BeFalse();

        static byte[] Trained(ulong seed)
        {
            using DiffusionModel model = Model(dropout: 0.2);
            new DiffusionTrainer(new TrainingOptions { Epochs = 1, BatchSize = 7, Seed = seed }).Train(model, _faces);
            return Bytes(model);
        }
    }

    [Fact]
    public void Train_Resumed_GivesTheUndisturbedBytes()
    {
        TrainingOptions options = new() { Epochs = 2, BatchSize = 10, EmaDecay = 0.9, GradientClip = 1, Validation = Faces(5) };
        using DiffusionModel undisturbed = Model(), killed = Model(), resumed = Model(seed: 9);
        TrainingReport whole = new DiffusionTrainer(options).Train(undisturbed, _faces);
        options = options with { CheckpointPath = Path.Combine(_folder, "run.safetensors"), CheckpointEvery = 1 };
        string copy = options.CheckpointPath + ".killed";
        new DiffusionTrainer(options).Train(killed, _faces, new KilledAt(2, options.CheckpointPath!, copy));
        new DiffusionTrainer(options with { CheckpointPath = copy }).Train(resumed, _faces).ValidationLosses.Should().Equal(whole.ValidationLosses);
        Bytes(resumed).AsSpan().SequenceEqual(Bytes(undisturbed)).Should().BeTrue();
    }

    // A network that predicts nothing at all is off by the noise itself, whose mean square is 1.
    [Fact]
    public void Train_FirstLoss_OfANetworkThatSaysNothing_IsTheNoisesVariance()
    {
        using DiffusionModel model = Model();
        var network = (DiffusionUNet)model.Network;
        using (no_grad())
        using (NewDisposeScope())
        {
            network.Weights["conv_out.weight"].zero_();
            network.Weights["conv_out.bias"].zero_();
        }
        TrainingReport report = new DiffusionTrainer(new TrainingOptions { Epochs = 1, BatchSize = 24, LearningRate = 1e-6 }).Train(model, _faces);
        report.EpochLosses.Should().ContainSingle().Which.Should().BeApproximately(1, 0.06);
    }

    [Fact]
    public void Train_BlocksOfDigits_LowersTheLoss()
    {
        using var network = ConvolutionalDenoiser.Create(new ConvolutionalDenoiserOptions { Image = ImageFormat.Rgb(8), HiddenChannels = [8, 8] });
        using var model = DiffusionModel.FromNetwork(network, network.Schedule, new DiffusionOptions { Range = NetworkRange.MinusHalfToHalf });
        TrainingReport report = new DiffusionTrainer(new TrainingOptions { Epochs = 12, BatchSize = 8, LearningRate = 5e-3 }).Train(model, _faces);
        report.EpochLosses[^1].Should().BeLessThan(0.8 * report.EpochLosses[0]);
    }

    [Fact]
    public void Train_BadArguments_AreRefusedInWords()
    {
        using DiffusionModel model = Model();
        Action format = () => new DiffusionTrainer().Train(model, new ProceduralFaces(4, 32));
        format.ShouldRefuse("images", "images must have the format 3×8×8 of diffusion, but it is 3×32×32.");
        using var own = DiffusionModel.FromFunction(ImageFormat.Rgb(8), (x, _) => x, NoiseSchedule.Linear());
        Action function = () => new DiffusionTrainer().Train(own, _faces);
        function.ShouldRefuse("model", "model must have a DiffusionUNet or a ConvolutionalDenoiser, whose weights the trainer knows, but it has a network of its own.");
        Action noModel = () => new DiffusionTrainer().Train(null!, _faces), noImages = () => new DiffusionTrainer().Train(model, null!);
        noModel.Should().Throw<ArgumentNullException>().WithParameterName("model");
        noImages.Should().Throw<ArgumentNullException>().WithParameterName("images");
    }
}
