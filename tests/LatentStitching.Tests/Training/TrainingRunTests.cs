using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using LatentStitching.Training;
using TorchSharp.Modules;

namespace LatentStitching.Tests.Training;

[NoTensorLeaks]
public sealed class TrainingRunTests : IDisposable
{
    private static readonly IImageSource _faces = new ProceduralFaces(24, 32);
    private readonly string _folder = Directory.CreateTempSubdirectory("training-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    public void Adam_AgreesWithTorchs(double decay)
    {
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        Tensor start = rand(5, 3, ScalarType.Float64);
        Parameter own = new(start.clone()), theirs = new(start.clone());
        using AdamOptimiser adam = new(new OptimiserGroup("g", [("w", own)]), new TrainingOptions { WeightDecay = decay });
        using var reference = optim.AdamW([theirs], 1e-2, weight_decay: decay);
        for (int i = 0; i < 20; i++)
        {
            adam.Clear();
            reference.zero_grad();
            (own - i).pow(4).sum().backward();
            (theirs - i).pow(4).sum().backward();
            adam.Step(1e-2);
            reference.step();
        }
        own.detach().ShouldBeCloseTo(theirs.detach(), 1e-13);
    }

    [Fact]
    public void Resume_AfterACancelAtAnyStep_GivesTheUndisturbedBytes()
    {
        TrainingOptions options = new() { Epochs = 3, BatchSize = 10, Seed = 4, EmaDecay = 0.9, MirrorImages = true, Schedule = LearningRateSchedule.Cosine, WarmupSteps = 2, GradientClip = 50, Validation = new ProceduralFaces(6, 32, 9), Patience = 2 };
        using Vae undisturbed = Model();
        TrainingReport whole = new VaeTrainer(options).Train(undisturbed, _faces);
        for (int kill = 1; kill <= 8; kill++)
        {
            string path = Path.Combine(_folder, $"{kill}.safetensors");
            using (Vae killed = Model())
            {
                using CancellationTokenSource cancel = new();
                int step = 0;
                Action act = () => new VaeTrainer(options with { CheckpointPath = path, CheckpointEvery = 2 })
                    .Train(killed, _faces, new Each(() => { if (++step == kill) cancel.Cancel(); }), cancel.Token);
                act.Should().Throw<OperationCanceledException>();
            }
            // Another start: everything must come from the file.
            using Vae resumed = Model(seed: 99);
            TrainingReport report = new VaeTrainer(options with { CheckpointPath = path }).Train(resumed, _faces);
            Bytes(resumed).AsSpan().SequenceEqual(Bytes(undisturbed)).Should().BeTrue($"it was stopped after step {kill}");
            report.EpochLosses.Should().Equal(whole.EpochLosses);
            report.ValidationLosses.Should().Equal(whole.ValidationLosses);
            report.Steps.Should().Be(9);
            using Vae again = Model(seed: 98);
            new VaeTrainer(options with { CheckpointPath = path }).Train(again, _faces).Steps.Should().Be(9);
            Bytes(again).AsSpan().SequenceEqual(Bytes(undisturbed)).Should().BeTrue("the run is finished");
        }
    }

    // A kill leaves what was last written, not what a cancel writes on its way out.
    [Fact]
    public void Resume_AfterAKill_GoesOnFromTheLastPeriodicCheckpoint()
    {
        TrainingOptions options = new() { Epochs = 3, BatchSize = 10, Seed = 4, EmaDecay = 0.9, MirrorImages = true, Validation = new ProceduralFaces(6, 32, 9), Patience = 2 };
        using Vae undisturbed = Model();
        TrainingReport whole = new VaeTrainer(options).Train(undisturbed, _faces);
        for (int kill = 2; kill <= 8; kill += 3)
        {
            string path = Path.Combine(_folder, $"{kill}.safetensors"), copy = path + ".killed";
            using (Vae killed = Model()) new VaeTrainer(options with { CheckpointPath = path, CheckpointEvery = 2 }).Train(killed, _faces, new KilledAt(kill, path, copy));
            using Vae resumed = Model(seed: 99);
            TrainingReport report = new VaeTrainer(options with { CheckpointPath = copy }).Train(resumed, _faces);
            Bytes(resumed).AsSpan().SequenceEqual(Bytes(undisturbed)).Should().BeTrue($"it was killed after step {kill}");
            report.ValidationLosses.Should().Equal(whole.ValidationLosses);
        }
    }

    [Fact]
    public void Checkpoint_OfAnotherRun_IsRefused()
    {
        string path = Path.Combine(_folder, "run.safetensors");
        using Vae model = Model();
        new VaeTrainer(new TrainingOptions { Epochs = 1, CheckpointPath = path }).Train(model, _faces);
        Action other = () => new VaeTrainer(new TrainingOptions { Epochs = 2, CheckpointPath = path }).Train(model, _faces);
        other.Should().Throw<InvalidDataException>().WithMessage($"{path} must be a checkpoint of this run, {{*\"epochs\":2,*}}, but it is of {{*\"epochs\":1,*}}. Delete it, or give another CheckpointPath.");
        using (Tensor one = ones(1)) SafeTensors.Save(path, [("x", one)]);
        Action foreign = () => new VaeTrainer(new TrainingOptions { CheckpointPath = path }).Train(model, _faces);
        foreign.Should().Throw<InvalidDataException>().WithMessage("*but it is of none. Delete it, or give another CheckpointPath.");
    }

    [Fact]
    public void Ema_IsTheAverageByHand()
    {
        Parameter weight;
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        weight = new Parameter(ones(2, ScalarType.Float64));
        using AdamOptimiser adam = new(new OptimiserGroup("g", [("w", weight)]), new TrainingOptions { EmaDecay = 0.5 });
        double average = 1;
        for (int step = 1; step <= 12; step++)
        {
            adam.Clear();
            weight.square().sum().backward();
            adam.Step(0.1);
            double decay = Math.Min(0.5, (1.0 + step) / (10.0 + step));
            average = (decay * average) + ((1 - decay) * weight[0].ToDouble());
        }
        double raw = weight[0].ToDouble();
        adam.SwapAverage();
        weight[0].ToDouble().Should().BeApproximately(average, 1e-14);
        adam.SwapAverage();
        weight[0].ToDouble().Should().Be(raw);
    }

    [Fact]
    public void Patience_EndsTheRunWithTheBestWeights()
    {
        // Held-out noise is not learnt from faces: its loss rises soon.
        using Generator generator = new(5);
        using Tensor noise = rand([8 * 3 * 1024], ScalarType.Float32, generator: generator);
        TrainingOptions options = new() { Epochs = 30, BatchSize = 12, LearningRate = 5e-3, Patience = 2, Validation = new TensorImages("noise", noise.data<float>().ToArray(), ImageFormat.Rgb(32)), SnapshotFolder = Path.Combine(_folder, "s"), SnapshotsAt = [.. Enumerable.Range(1, 30).Select(epoch => epoch * 24L)] };
        using Vae model = Model();
        TrainingReport report = new VaeTrainer(options).Train(model, _faces);
        report.StoppedEarly.Should().BeTrue();
        report.BestEpoch.Should().Be(report.EpochLosses.Count - 2);
        report.ValidationLosses[report.BestEpoch - 1].Should().Be(report.ValidationLosses.Min());
        using LatentModel best = LatentModel.Load(report.Snapshots[report.BestEpoch - 1].Folder);
        Bytes(model).AsSpan().SequenceEqual(Bytes((Vae)best)).Should().BeTrue();
    }

    [Fact]
    public void Snapshots_AreModelFolders_FromTheUntrainedModelOn()
    {
        using Vae model = Model(), start = Model();
        TrainingReport report = new VaeTrainer(new TrainingOptions { Epochs = 2, BatchSize = 10, SnapshotFolder = _folder }).Train(model, _faces);
        report.Snapshots.Select(shot => shot.ImagesSeen).Should().Equal(0, 10, 20, 44, 48);
        report.Snapshots.Select(shot => Path.GetFileName(shot.Folder)).Should().Equal("images-000000000000", "images-000000000010", "images-000000000020", "images-000000000040", "images-000000000048");
        using var first = (Vae)LatentModel.Load(report.Snapshots[0].Folder);
        using var last = (Vae)LatentModel.Load(report.Snapshots[^1].Folder);
        Bytes(first).Should().Equal(Bytes(start));
        Bytes(last).Should().Equal(Bytes(model));
    }

    [Fact]
    public void Schedule_WarmsUpAndFalls()
    {
        using var scope = NewDisposeScope();
        using Vae model = Model();
        List<double> sizes = [];
        Parameter weight = new(zeros(1, ScalarType.Float64));
        ScheduleTask task = new(weight);
        TrainingLoop.Run(task, _faces, new TrainingOptions { Epochs = 10, BatchSize = 24, LearningRate = 1, WarmupSteps = 2, Schedule = LearningRateSchedule.Cosine }, null, default);
        // A constant gradient moves Adam's weight by the step size itself.
        double[] expected = [0.5, 1, .. Enumerable.Range(0, 8).Select(step => 0.5 * (1 + Math.Cos(Math.PI * step / 8)))];
        task.Moves.Should().HaveCount(10);
        task.Moves.Zip(expected).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-6);
    }

    [Fact]
    public void GradientClip_ShortensLongGradients()
    {
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        Parameter a = new(full([1], 3.0, ScalarType.Float64)), b = new(full([1], 4.0, ScalarType.Float64));
        using AdamOptimiser adam = new(new OptimiserGroup("g", [("a", a), ("b", b)]) { Beta1 = 0, Beta2 = 0 }, new TrainingOptions { GradientClip = 1 });
        (a.square() + b.square()).div(2).sum().backward();
        adam.Step(1e-3);
        a.grad![0].ToDouble().Should().BeApproximately(0.6, 1e-6);
        b.grad![0].ToDouble().Should().BeApproximately(0.8, 1e-6);
        adam.Clear();
    }

    [Fact]
    public void Run_BadOptions_AreRefusedInWords()
    {
        using Vae model = Model();
        Action patience = () => new VaeTrainer(new TrainingOptions { Patience = 1 }).Train(model, _faces);
        patience.ShouldRefuse("options", "options must have Validation images where it has Patience.");
        Action format = () => new VaeTrainer(new TrainingOptions { Validation = new ProceduralFaces(4, 64) }).Train(model, _faces);
        format.ShouldRefuse("options", "options must have Validation images of the format 3×32×32, but they are 3×64×64.");
        Action folder = () => new VaeTrainer(new TrainingOptions { SnapshotsAt = [0] }).Train(model, _faces);
        folder.ShouldRefuse("options", "options must have a SnapshotFolder where it has SnapshotsAt, but it is null. Say where the models go.");
        Refuses(() => _ = new TrainingOptions { SnapshotsAt = [4, -1] }, "SnapshotsAt", "SnapshotsAt must be zero or more, but it is -1.");
        Refuses(() => _ = new TrainingOptions { Schedule = (LearningRateSchedule)7 }, "Schedule", "Schedule must be Constant or Cosine, but it is 7.");
        Refuses(() => _ = new TrainingOptions { Beta1 = 1 }, "Beta1", "Beta1 must lie from 0 to below 1, but it is 1.");
        Refuses(() => _ = new TrainingOptions { Beta2 = -0.5 }, "Beta2", "Beta2 must lie from 0 to below 1, but it is -0.5.");
        Refuses(() => _ = new TrainingOptions { EmaDecay = 1 }, "EmaDecay", "EmaDecay must lie from 0 to below 1, but it is 1.");
        Refuses(() => _ = new TrainingOptions { WarmupSteps = -1 }, "WarmupSteps", "WarmupSteps must be zero or more, but it is -1.");
        Refuses(() => _ = new TrainingOptions { Patience = 0 }, "Patience", "Patience must be positive, but it is 0.");
        Refuses(() => _ = new TrainingOptions { CheckpointEvery = 0 }, "CheckpointEvery", "CheckpointEvery must be positive, but it is 0.");
        Refuses(() => _ = new TrainingOptions { CheckpointPath = " " }, "CheckpointPath", "CheckpointPath must not be blank.");
        Refuses(() => _ = new TrainingOptions { SnapshotFolder = " " }, "SnapshotFolder", "SnapshotFolder must not be blank.");
        Refuses(() => _ = new TrainingOptions { GradientClip = 0 }, "GradientClip", "GradientClip must be positive and finite, but it is 0.");
        Refuses(() => _ = new TrainingOptions { WeightDecay = -1 }, "WeightDecay", "WeightDecay must be zero or more and finite, but it is -1.");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }

    [Fact]
    public void Options_CopyTheirSnapshots()
    {
        long[] at = [0, 4];
        TrainingOptions options = new() { SnapshotsAt = at };
        at[1] = -4;
        options.SnapshotsAt.Should().Equal(0, 4);
    }

    [Fact]
    public void Run_WhatASourceLoads_IsLookedAt()
    {
        using MlpVae model = MlpVae.Create(new MlpVaeOptions { Image = new ImageFormat(1, 2, 3), HiddenWidth = 4, LatentDimension = 2 });
        Refuses([0, 0, 0, 0, 0, 1.5f], "images must hold pixels in [0, 1], but image 0 holds values from 0 to 1.5. Map [-1, 1] by (x + 1) / 2 and [0, 255] by x / 255.");
        Refuses([0, 0, 0, 0, 0, float.NaN], "images must hold pixels in [0, 1], but image 0 holds values from NaN to NaN. Map [-1, 1] by (x + 1) / 2 and [0, 255] by x / 255.");
        Refuses([], "images must hold at least one image, but there is none.");
        Action shape = () => new VaeTrainer().Train(model, new Turned());
        shape.ShouldRefuse("images", "images must have the shape [n, 1, 2, 3] of turned's images, but it is [2, 1, 3, 2]. Resize the images, or wrap the model: model.WithImage(format).");
        Action few = () => new VaeTrainer().Train(model, new Turned(few: true));
        few.ShouldRefuse("images", "images must load as many as it is asked for, but turned loaded 1 instead of 2.");
        Action held = () => new VaeTrainer(new TrainingOptions { Validation = new TensorImages("none", [], model.Image) }).Train(model, new TensorImages("good", new float[12], model.Image));
        held.ShouldRefuse("options", "options must have Validation images, or null, but there is none among them.");

        void Refuses(float[] pixels, string text)
        {
            Action act = () => new VaeTrainer().Train(model, new TensorImages("bad", pixels, model.Image));
            act.ShouldRefuse("images", text);
        }
    }

    [Fact]
    public void Run_HeldOutLossNotFinite_Throws_WithTheWeightsOfTraining()
    {
        using var scope = NewDisposeScope();
        Parameter weight = new(zeros(1, ScalarType.Float64));
        ScheduleTask task = new(weight, held: double.NaN);
        Action act = () => TrainingLoop.Run(task, _faces, new TrainingOptions { Epochs = 2, BatchSize = 24, LearningRate = 0.5, EmaDecay = 0.9, Validation = _faces }, null, default);
        act.ShouldSay<InvalidOperationException>("The held-out loss must stay finite, but it is NaN after pass 1. Lower the learning rate (0.5).");
        weight.ToDouble().Should().BeApproximately(-0.5, 1e-6, "not those of the moving average");
    }

    private static Vae Model(ulong seed = 1) => Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(32), LatentDimension = 4, Seed = seed });

    private static byte[] Bytes(Vae model) => [.. model.Network.Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray())];

    private sealed class Each(Action action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action();
    }

    private sealed class ScheduleTask(Parameter weight, double held = 0) : TrainingTask
    {
        public List<double> Moves { get; } = [];

        public override Device Device => CPU;

        public override IReadOnlyList<OptimiserGroup> Groups { get; } = [new OptimiserGroup("g", [("w", weight)])];

        public override double Step(TrainingStep step)
        {
            double before = weight.ToDouble();
            double loss = step.Minimise(0, weight.sum());
            Moves.Add(before - weight.ToDouble());
            return loss;
        }

        public override double Validate(Tensor batch, Generator generator) => held;

        public override void WriteSnapshot(string folder) => throw new InvalidOperationException("No snapshot was asked for.");
    }

    // Says one shape and loads another, or fewer.
    private sealed class Turned(bool few = false) : IImageSource
    {
        public string Name => "turned";

        public ImageFormat Image { get; } = new(1, 2, 3);

        public IReadOnlyList<string> Ids { get; } = ["a", "b"];

        public AttributeTable? Attributes => null;

        public Tensor Load(IReadOnlyList<int> indices) => few ? zeros(1, 1, 2, 3) : zeros(indices.Count, 1, 3, 2);
    }
}
