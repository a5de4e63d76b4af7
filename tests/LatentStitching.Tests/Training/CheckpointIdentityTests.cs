using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Flows;
using LatentStitching.Adapters.Gans;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Adapters.Autoencoders;
using LatentStitching.Tests.Adapters.Diffusion;
using LatentStitching.Tests.Adapters.Gans;
using LatentStitching.Tests.Support;
using LatentStitching.Training;

namespace LatentStitching.Tests.Training;

/// <summary>A checkpoint knows what it is of: a run that differs in anything that changes its weights is refused, not silently mixed with another.</summary>
[NoTensorLeaks]
public sealed class CheckpointIdentityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("identity-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("beta", "\"settings\":\"beta 1\"", "\"settings\":\"beta 2\"")]
    [InlineData("commitment", "commitment 0.25,", "commitment 0.5,")]
    [InlineData("codebook decay", "codebook decay 0.99,", "codebook decay 0.9,")]
    [InlineData("dead codes", "dead codes 0.1", "dead codes 0.2")]
    [InlineData("objective", "NonSaturating, ", "LabelNoise, ")]
    [InlineData("penalty", "penalty 2.5 every 16", "penalty 7 every 16")]
    [InlineData("penalty every", "penalty 2.5 every 16", "penalty 2.5 every 4")]
    [InlineData("dropout", "dropout 0.2", "dropout 0.1")]
    [InlineData("generator", "generator ", "generator ")]
    [InlineData("generator's use", "\\u0022truncation\\u0022:1,", "\\u0022truncation\\u0022:0.5,")]
    [InlineData("bits", "bits 5", "bits 8")]
    [InlineData("prediction", "Epsilon, schedule ", "Velocity, schedule ")]
    [InlineData("noise schedule", "Epsilon, schedule ", "Epsilon, schedule ")]
    [InlineData("snapshots", "\"snapshotsAt\":\"0 2\"", "\"snapshotsAt\":\"0 3\"")]
    [InlineData("faces", "\"content\":", "\"content\":")]
    [InlineData("pixels", "\"content\":", "\"content\":")]
    [InlineData("held-out pixels", "\"validationContent\":", "\"validationContent\":")]
    public void Run_OfOtherSettings_IsRefused(string what, string was, string now)
    {
        string path = Path.Combine(_folder, "run.safetensors");
        TrainingOptions options = new() { Epochs = 1, BatchSize = 2, CheckpointPath = path };
        Run(what, other: false, options);
        byte[] before = File.ReadAllBytes(path);
        Action act = () => Run(what, other: true, options);
        string text = act.Should().Throw<InvalidDataException>().Which.Message;
        string[] sides = text.Split(", but it is of ");
        sides.Should().HaveCount(2);
        sides[0].Should().StartWith($"{path} must be a checkpoint of this run, ").And.Contain(now);
        sides[1].Should().Contain(was).And.EndWith(". Delete it, or give another CheckpointPath.");
        File.ReadAllBytes(path).Should().Equal(before);
        // The same run again is the finished one.
        Run(what, other: false, options);
    }

    [Fact]
    public void Resume_WithItsSnapshots_WritesEachOnce()
    {
        string path = Path.Combine(_folder, "run.safetensors"), copy = path + ".killed";
        TrainingOptions options = new() { Epochs = 4, BatchSize = 2, CheckpointPath = path, CheckpointEvery = 1, SnapshotFolder = Path.Combine(_folder, "s"), SnapshotsAt = [12, 0, 4, 4] };
        using MlpVae whole = Small.Mlp(), resumed = Small.Mlp();
        TensorImages images = Pictures(new ImageFormat(1, 6, 5), 1);
        TrainingReport first = new VaeTrainer(options).Train(whole, images, new KilledAt(3, path, copy));
        first.Snapshots.Select(shot => shot.ImagesSeen).Should().Equal(0, 4, 12);
        TrainingReport second = new VaeTrainer(options with { CheckpointPath = copy }).Train(resumed, images);
        second.Snapshots.Should().Equal(first.Snapshots);
    }

    [Fact]
    public void Restore_OtherTensors_AreNamed()
    {
        string path = Path.Combine(_folder, "run.safetensors");
        TrainingOptions options = new() { Epochs = 1, CheckpointPath = path };
        using MlpVae model = Small.Mlp();
        TensorImages images = Pictures(model.Image, 1);
        new VaeTrainer(options).Train(model, images);
        using (NewDisposeScope())
        {
            using StateDictionary file = SafeTensors.Load(path);
            List<(string, Tensor)> tensors = [.. file.Names.Where(name => name != "weight.vae.fc1.bias").Select(name => (name, name == "first.vae.fc4.bias" ? zeros(2) : file[name].clone())), ("more", zeros(1))];
            Dictionary<string, string> metadata = new(file.Metadata, StringComparer.Ordinal);
            SafeTensors.Save(path, tensors, metadata);
        }
        Action act = () => new VaeTrainer(options).Train(model, images);
        act.ShouldSay<InvalidDataException>($"{path} must hold the tensors of this run, but weight.vae.fc1.bias is missing; first.vae.fc4.bias is [2] instead of [30]; more is unexpected.");
    }

    private static TensorImages Pictures(ImageFormat format, ulong seed, int count = 4)
    {
        using Generator generator = new(seed);
        using Tensor pixels = rand([count * format.PixelCount], ScalarType.Float32, generator: generator);
        return new TensorImages("pictures", pixels.data<float>().ToArray(), format);
    }

    private void Run(string what, bool other, TrainingOptions options)
    {
        switch (what)
        {
            case "beta" or "snapshots" or "faces" or "pixels" or "held-out pixels":
                Vae(what, other, options);
                break;
            case "commitment" or "codebook decay" or "dead codes":
                VqVae(what, other, options);
                break;
            case "objective" or "penalty" or "penalty every":
                Gan(what, other, options);
                break;
            case "dropout" or "generator" or "generator's use":
                Recoder(what, other, options);
                break;
            case "bits":
                using (Glow glow = Glow.Create(new GlowOptions { Image = ImageFormat.Grey(4), Levels = 1, Steps = 1, HiddenChannels = 2, Bits = other ? 8 : 5 })) new GlowTrainer(options).Train(glow, Pictures(glow.Image, 1));
                break;
            default:
                Diffusion(what, other, options);
                break;
        }
    }

    private void Vae(string what, bool other, TrainingOptions options)
    {
        if (what == "faces")
        {
            // The names, counts and formats of two seeds are the same.
            using Vae model = LatentStitching.Adapters.Autoencoders.Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(32), LatentDimension = 2 });
            new VaeTrainer(options).Train(model, new ProceduralFaces(3, 32, other ? 5UL : 4UL));
            return;
        }
        using MlpVae small = Small.Mlp();
        TensorImages images = Pictures(small.Image, what == "pixels" && other ? 2UL : 1UL), held = Pictures(small.Image, what == "held-out pixels" && other ? 4UL : 3UL);
        if (what == "snapshots") options = options with { SnapshotFolder = Path.Combine(_folder, "s"), SnapshotsAt = other ? [0, 3] : [0, 2] };
        if (what == "held-out pixels") options = options with { Validation = held };
        new VaeTrainer(options) { Beta = what == "beta" && other ? 2 : 1 }.Train(small, images);
    }

    private static void VqVae(string what, bool other, TrainingOptions options)
    {
        using VqVae model = Small.Vq();
        VqVaeTrainer trainer = (what, other) switch
        {
            ("commitment", true) => new(options) { Commitment = 0.5 },
            ("codebook decay", true) => new(options) { CodebookDecay = 0.9 },
            ("dead codes", true) => new(options) { DeadCodeThreshold = 0.2 },
            _ => new(options),
        };
        trainer.Train(model, Pictures(model.Image, 1));
    }

    private static void Gan(string what, bool other, TrainingOptions options)
    {
        using MlpGan model = MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Grey(4), LatentDimension = 2, HiddenWidth = 3 });
        GanTrainer trainer = (what, other) switch
        {
            ("objective", true) => new(options) { Objective = GanObjective.LabelNoise },
            ("penalty", true) => new(options) { GradientPenalty = 7 },
            ("penalty every", true) => new(options) { PenaltyEvery = 4 },
            _ => new(options),
        };
        trainer.Train(model, Pictures(model.Image, 1));
    }

    private static void Recoder(string what, bool other, TrainingOptions options)
    {
        using StyleGan2 generator = StyleGan2Toy.Stirred(StyleGan2Toy.Model(new StyleGan2Decoding { Truncation = what == "generator's use" && other ? 0.5 : 1 }, what == "generator" && other ? 3UL : 2UL));
        using var recoder = LatentStitching.Adapters.Gans.Recoder.Create(new RecoderOptions { Image = generator.Image, LatentDimension = generator.Latent.Dimension, BaseChannels = 2, Layers = 2, Dropout = what == "dropout" && other ? 0.1 : 0.2 });
        new RecoderTrainer(options) { ImagesPerEpoch = 4, HeldOut = 2 }.Train(recoder, generator);
    }

    private static void Diffusion(string what, bool other, TrainingOptions options)
    {
        using DiffusionModel model = DiffusionModel.FromNetwork(
            DiffusionUNet.Create(DiffusionUNetTests.Tiny),
            NoiseSchedule.Linear(what == "noise schedule" && other ? 50 : 100),
            new DiffusionOptions { Steps = 4, Prediction = what == "prediction" && other ? PredictionType.Velocity : PredictionType.Epsilon });
        new DiffusionTrainer(options).Train(model, Pictures(model.Image, 1));
    }
}
