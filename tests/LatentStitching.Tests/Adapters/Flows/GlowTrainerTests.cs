using LatentStitching.Adapters.Flows;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using LatentStitching.Training;

namespace LatentStitching.Tests.Adapters.Flows;

[NoTensorLeaks]
public sealed class GlowTrainerTests : IDisposable
{
    private static readonly IImageSource _faces = new ProceduralFaces(24, 32);
    private static readonly TrainingOptions _options = new() { Epochs = 2, BatchSize = 10, LearningRate = 1e-3, Seed = 4 };
    private readonly string _folder = Directory.CreateTempSubdirectory("glow-training-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Glow Model(GlowLayout layout = GlowLayout.Rosinality, ulong seed = 1) => Glow.Create(new GlowOptions
    {
        Layout = layout, Image = ImageFormat.Rgb(32), Levels = 2, Steps = 2, HiddenChannels = 8, Affine = layout == GlowLayout.Y0ast, Seed = seed,
    });

    [Theory]
    [InlineData(GlowLayout.Rosinality)]
    [InlineData(GlowLayout.Y0ast)]
    public void Train_LowersTheBits_AndSampleAndEncodeFollow(GlowLayout layout)
    {
        using Glow model = Model(layout);
        using var scope = NewDisposeScope();
        Tensor images = _faces.Load(0, 8);
        // Before training, so that what is worked out from the weights for keeps must be worked out anew.
        Tensor before = model.Encode(images);
        double bits = model.BitsPerDimension(images, 1).mean().ToDouble();
        TrainingReport report = new GlowTrainer(_options with { Epochs = 8 }).Train(model, _faces);
        report.EpochLosses[^1].Should().BeLessThan(report.EpochLosses[0] - 0.1);
        model.BitsPerDimension(images, 1).mean().ToDouble().Should().BeLessThan(bits - 0.5).And.BeApproximately(report.EpochLosses[^1], 0.3);
        Tensor after = model.Encode(images);
        after.ShouldNotBeCloseTo(before, 0.1);
        string path = Path.Combine(_folder, "weights.safetensors");
        model.SaveWeights(path);
        using Glow loaded = Glow.Load(path, new GlowLoadOptions { ImageSize = 32 });
        loaded.Network.Initialised.Should().BeTrue();
        loaded.Encode(images).bytes.SequenceEqual(after.bytes).Should().BeTrue();
        (model.Decode(after) - images).abs().max().ToDouble().Should().BeLessThan(1e-4);
        model.Network.Weights.Trainable.Should().OnlyContain(weight => HasNoGradient(weight.Parameter));
    }

    [Theory]
    [InlineData(GlowLayout.Rosinality)]
    [InlineData(GlowLayout.Y0ast)]
    public void Train_FirstBatch_SetsEveryNormalisation(GlowLayout layout)
    {
        using Glow model = Model(layout);
        IImageSource few = _faces.Take(10);
        model.Network.Initialised.Should().BeFalse();
        double loss = new GlowTrainer(_options with { Epochs = 1 }).Train(model, few).EpochLosses[0];
        model.Network.Initialised.Should().BeTrue();

        // The same by hand: the batch in the run's order with the run's noise, then the mean bits of an initialised model.
        using Glow twin = Model(layout);
        using var scope = NewDisposeScope();
        using Generator generator = new(TrainingRun.Mix(4, 2, 0));
        int[] order = new SplitMix64(TrainingRun.Mix(4, 1, 0)).Permutation(10);
        Tensor pixels = GlowPixels.Dequantised(few.Load(order), 5, generator);
        twin.Network.Initialise(pixels);
        Tensor nats = GlowLatents.LogLikelihood(twin.Network, pixels, null);
        loss.Should().BeApproximately((-nats / (3072 * Math.Log(2))).mean().ToDouble() + 5, 1e-6);

        // What leaves the first normalisation has mean 0 and deviation 1 in each channel (the sample's or the population's).
        GlowDialect dialect = twin.Network.Dialect;
        (Tensor shift, Tensor scale, Tensor logScale) = dialect.ActNorm(twin.Network.Weights, dialect.Step(0, 0));
        Tensor squeezed = pixels.reshape(10, 3, 16, 2, 16, 2).permute(0, 1, 3, 5, 2, 4).reshape(10, 12, 16, 16).transpose(0, 1).flatten(1);
        Tensor normalised = (squeezed + shift.unsqueeze(1)) * scale.unsqueeze(1);
        normalised.mean([1]).abs().max().ToDouble().Should().BeLessThan(1e-5);
        normalised.std(1, unbiased: layout == GlowLayout.Rosinality).sub(1).abs().max().ToDouble().Should().BeLessThan(1e-4);
        logScale.ShouldBeCloseTo(scale.abs().log(), 1e-6);
    }

    [Fact]
    public void Train_SameSeed_GivesTheSameBytes_AnotherOthers()
    {
        byte[] a = Trained(4), b = Trained(4), c = Trained(5);
        a.Should().Equal(b);
        a.AsSpan().SequenceEqual(c).Should().BeFalse();

        static byte[] Trained(ulong seed)
        {
            using Glow model = Model();
            new GlowTrainer(_options with { Epochs = 1, Seed = seed }).Train(model, _faces);
            return Bytes(model);
        }
    }

    [Theory]
    [InlineData(GlowLayout.Rosinality, 1)]
    [InlineData(GlowLayout.Y0ast, 4)]
    public void Train_KilledAndResumed_GivesTheUndisturbedBytes(GlowLayout layout, int kill)
    {
        using Glow undisturbed = Model(layout);
        new GlowTrainer(_options).Train(undisturbed, _faces);
        TrainingOptions options = _options with { CheckpointPath = Path.Combine(_folder, "run.safetensors") };
        string copy = options.CheckpointPath + ".killed";
        using (Glow killed = Model(layout)) new GlowTrainer(options with { CheckpointEvery = 1 }).Train(killed, _faces, new KilledAt(kill, options.CheckpointPath!, copy));
        // Of another seed, whose permutations are others: everything must come from the file.
        using Glow resumed = Model(layout, seed: 99);
        new GlowTrainer(options with { CheckpointPath = copy }).Train(resumed, _faces).Steps.Should().Be(6);
        Bytes(resumed).AsSpan().SequenceEqual(Bytes(undisturbed)).Should().BeTrue();
        using var scope = NewDisposeScope();
        Tensor images = _faces.Load(0, 2);
        resumed.Encode(images).bytes.SequenceEqual(undisturbed.Encode(images).bytes).Should().BeTrue();
    }

    [Fact]
    public void Train_Snapshots_OpenAsTheModelWas()
    {
        using Glow model = Model();
        using var scope = NewDisposeScope();
        Tensor images = _faces.Load(0, 2), untrained = model.Encode(images);
        TrainingReport report = new GlowTrainer(_options with { SnapshotFolder = _folder, SnapshotsAt = [0, 48] }).Train(model, _faces);
        report.Snapshots.Should().HaveCount(2);
        using LatentModel first = LatentModel.Load(report.Snapshots[0].Folder), last = LatentModel.Load(report.Snapshots[1].Folder);
        first.Encode(images).bytes.SequenceEqual(untrained.bytes).Should().BeTrue();
        last.Encode(images).bytes.SequenceEqual(model.Encode(images).bytes).Should().BeTrue();
    }

    [Fact]
    public void Train_BadArguments_AreRefusedInWords()
    {
        using Glow model = Model();
        Action format = () => new GlowTrainer().Train(model, new ProceduralFaces(4, 64));
        format.ShouldRefuse("images", "images must have the format 3×32×32 of glow, but it is 3×64×64.");
        Action noModel = () => new GlowTrainer().Train(null!, _faces), noImages = () => new GlowTrainer().Train(model, null!);
        noModel.Should().Throw<ArgumentNullException>().WithParameterName("model");
        noImages.Should().Throw<ArgumentNullException>().WithParameterName("images");
    }

    private static byte[] Bytes(Glow model) => [.. model.Network.Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray())];

    private static bool HasNoGradient(Tensor weight)
    {
        using Tensor? gradient = weight.grad;
        return gradient is null || gradient.IsInvalid;
    }

    private sealed class At(int step, Action action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step) action();
        }
    }
}
