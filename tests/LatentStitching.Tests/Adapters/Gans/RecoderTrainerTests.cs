using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using LatentStitching.Training;

namespace LatentStitching.Tests.Adapters.Gans;

[NoTensorLeaks]
public sealed class RecoderTrainerTests : IDisposable
{
    private static readonly RecoderOptions _layout = new() { Image = ImageFormat.Grey(8), LatentDimension = 3, BaseChannels = 8, Layers = 2, Dropout = 0.1 };
    private readonly string _folder = Directory.CreateTempSubdirectory("recoder-").FullName;

    private string Checkpoint => Path.Combine(_folder, "run.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static MlpGan Generator() => MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Grey(8), LatentDimension = 3, HiddenWidth = 32, Seed = 1 });

    private static byte[] Weights(Recoder recoder) => [.. recoder.Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray())];

    [Fact]
    public void Train_LowersTheHeldOutError_AndTellsIt()
    {
        using MlpGan generator = Generator();
        using var recoder = Recoder.Create(_layout);
        byte[] before = [.. generator.Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray())];
        RecoderReport report = new RecoderTrainer(new TrainingOptions { Epochs = 6, BatchSize = 50, LearningRate = 3e-3 }) { ImagesPerEpoch = 1000, HeldOut = 300 }.Train(recoder, generator);
        report.Training.Steps.Should().Be(120);
        report.Training.ValidationLosses.Should().HaveCount(6);
        report.Training.ValidationLosses[^1].Should().BeLessThan(0.6 * report.Training.ValidationLosses[0]);
        report.RelativeLatentError.Should().BeLessThan(0.5);
        using (var scope = NewDisposeScope())
        {
            // The same rows as the report's, whose numbers follow.
            Tensor z = generator.Sample(300, TrainingRun.Mix(0, 5, 0)), images = generator.Decode(z), found = recoder.Invert(generator, images);
            report.LatentError.Should().BeApproximately((found - z).square().mean().ToDouble(), 1e-6);
            report.RelativeLatentError.Should().BeApproximately((found - z).square().sum().ToDouble() / (z - z.mean([0], keepdim: true)).square().sum().ToDouble(), 1e-5);
            report.ImageError.Should().BeApproximately((generator.Decode(found) - images).square().mean().ToDouble(), 1e-8);
        }
        generator.Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray()).Should().Equal(before, "a generator is not trained with its recoder");
        generator.Inversion.Should().BeNull();
    }

    [Fact]
    public void Train_Killed_ResumesToTheSameWeights()
    {
        TrainingOptions options = new() { Epochs = 2, BatchSize = 20, Seed = 5 };
        byte[] undisturbed, resumed;
        using MlpGan generator = Generator();
        using (var recoder = Recoder.Create(_layout))
        {
            new RecoderTrainer(options) { ImagesPerEpoch = 100, HeldOut = 20 }.Train(recoder, generator);
            undisturbed = Weights(recoder);
        }
        string copy = Checkpoint + ".killed";
        using (var killed = Recoder.Create(_layout))
        {
            new RecoderTrainer(options with { CheckpointPath = Checkpoint, CheckpointEvery = 3 }) { ImagesPerEpoch = 100, HeldOut = 20 }.Train(killed, generator, new KilledAt(6, Checkpoint, copy));
        }
        // Of other first weights: everything must come from the file.
        using (var recoder = Recoder.Create(_layout with { Seed = 99 }))
        {
            new RecoderTrainer(options with { CheckpointPath = copy }) { ImagesPerEpoch = 100, HeldOut = 20 }.Train(recoder, generator).Training.Steps.Should().Be(10);
            resumed = Weights(recoder);
        }
        resumed.Should().Equal(undisturbed);
    }

    [Fact]
    public void Train_Snapshots_AreWholeModels()
    {
        using MlpGan generator = Generator();
        using var recoder = Recoder.Create(_layout);
        RecoderReport report = new RecoderTrainer(new TrainingOptions { Epochs = 1, BatchSize = 20, SnapshotFolder = _folder, SnapshotsAt = [0, 40] }) { ImagesPerEpoch = 40, HeldOut = 20 }.Train(recoder, generator);
        report.Training.Snapshots.Should().HaveCount(2);
        using LatentModel last = LatentModel.Load(report.Training.Snapshots[1].Folder);
        using var scope = NewDisposeScope();
        Tensor images = rand(2, 1, 8, 8);
        last.Encode(images).ShouldBeCloseTo(recoder.Invert(generator, images), 0);
        generator.Inversion.Should().BeNull();
    }

    [Fact]
    public void SaveWeights_ThenLoad_IsTheSameRecoder()
    {
        string path = Path.Combine(_folder, "r.safetensors");
        using MlpGan generator = Generator();
        using var recoder = Recoder.Create(_layout with { HiddenLayer = true, Seed = 8 });
        recoder.SaveWeights(path);
        using Recoder loaded = Recoder.Load(path, _layout with { HiddenLayer = true });
        using var scope = NewDisposeScope();
        Tensor images = rand(2, 1, 8, 8);
        loaded.Invert(generator, images).ShouldBeCloseTo(recoder.Invert(generator, images), 0);
        Action other = () => Recoder.Load(path, _layout);
        other.ShouldSay<InvalidDataException>($"{path} must hold exactly the weights of a recoder of the layout given, but dense.weight is [3, 12] instead of [3, 64]; hidden.weight is unexpected; hidden.bias is unexpected.");
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using MlpGan generator = Generator();
        using var recoder = Recoder.Create(_layout with { LatentDimension = 9 });
        Action fit = () => new RecoderTrainer().Train(recoder, generator), held = () => _ = new RecoderTrainer { HeldOut = 1 }, none = () => _ = new RecoderTrainer { ImagesPerEpoch = 0 };
        Action validation = () => _ = new RecoderTrainer(new TrainingOptions { Validation = new ProceduralFaces(2, 16) });
        fit.ShouldRefuse("generator", "generator must be one for recoder, which encodes 1×8×8 to 9, but mlp-gan decodes 3 to 1×8×8.");
        held.ShouldRefuse("HeldOut", "HeldOut must be at least 2, but it is 1.");
        none.ShouldRefuse("ImagesPerEpoch", "ImagesPerEpoch must be positive, but it is 0.");
        validation.ShouldRefuse("options", "options must leave Validation null, for the generator makes those images too. Set HeldOut.");
        Action noRecoder = () => new RecoderTrainer().Train(null!, generator), noGenerator = () => new RecoderTrainer().Train(recoder, null!);
        noRecoder.Should().Throw<ArgumentNullException>().WithParameterName("recoder");
        noGenerator.Should().Throw<ArgumentNullException>().WithParameterName("generator");
    }
}
