using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using LatentStitching.Training;

namespace LatentStitching.Tests.Adapters.Autoencoders;

/// <summary>What holds for the training of every class here, on toys.</summary>
[NoTensorLeaks]
public sealed class AutoencoderTrainersTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("training-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Kinds => ["autoencoder", "asperti", "diffuse", "mlp", "split", "vanilla", "vq", "odd-vq"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Train_LowersTheLoss(string kind)
    {
        using LatentModel model = Create(kind, 1);
        IImageSource images = Images(model.Image, 4);
        TrainingReport report = Train(model, images, new TrainingOptions { Epochs = 150, BatchSize = 4, LearningRate = 5e-3, Validation = images }, beta: 0);
        // Balanced objectives rescale their loss as they go, so what they are for is measured: the error.
        using LatentModel fresh = Create(kind, 1);
        Error(model, images).Should().BeLessThan(0.8 * Error(fresh, images));
        report.ValidationLosses.Should().HaveCount(150).And.OnlyContain(loss => double.IsFinite(loss));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Train_SameSeed_GivesTheSameBytes_AndAKilledRunGoesOnToThem(string kind)
    {
        TrainingOptions options = new() { Epochs = 3, BatchSize = 5, LearningRate = 2e-3, Seed = 3 };
        using LatentModel undisturbed = Create(kind, 1);
        IImageSource images = Images(undisturbed.Image, 10);
        Train(undisturbed, images, options);
        using (LatentModel twin = Create(kind, 1))
        {
            Train(twin, images, options);
            Bytes(twin).AsSpan().SequenceEqual(Bytes(undisturbed)).Should().BeTrue();
        }
        using (LatentModel other = Create(kind, 1))
        {
            Train(other, images, options with { Seed = 4 });
            Bytes(other).AsSpan().SequenceEqual(Bytes(undisturbed)).Should().BeFalse();
        }
        string path = Path.Combine(_folder, "run.safetensors");
        string copy = path + ".killed";
        using (LatentModel killed = Create(kind, 1)) Train(killed, images, options with { CheckpointPath = path, CheckpointEvery = 1 }, new KilledAt(3, path, copy));
        // Another start: everything must come from the file.
        using LatentModel resumed = Create(kind, 99);
        Train(resumed, images, options with { CheckpointPath = copy }).Steps.Should().Be(6);
        Bytes(resumed).AsSpan().SequenceEqual(Bytes(undisturbed)).Should().BeTrue();
    }

    // At a scale that is not the error itself, so that neither can hide in the other. γ² is a number: in the original its gradient cancels the reconstruction's wherever a step sets a new minimum.
    [Theory]
    [InlineData("asperti")]
    [InlineData("split")]
    public void BalancedLoss_AtAFixedScale_IsTheSumByHand_AndPullsTheReconstruction(string kind)
    {
        using var model = (VariationalAutoencoder)Create(kind, 1);
        using var scope = NewDisposeScope();
        using Generator generator = new(5);
        Tensor images = rand([4, 3, 16, 16], ScalarType.Float32, generator: generator), mean = randn([4, 5], ScalarType.Float32, generator: generator), log = randn([4, 5], ScalarType.Float32, generator: generator);
        Tensor decoded = randn([4, kind == "asperti" ? 3 : 7, 16, 16], ScalarType.Float32, generator: generator).requires_grad_();
        const double scale = 0.37;
        double told = 0;
        Tensor loss = model.Network.Loss(images, decoded, mean, log, 2, error =>
        {
            told = error.ToDouble();
            return scale;
        });

        Tensor x = images.to_type(ScalarType.Float64), p = decoded.detach().to_type(ScalarType.Float64).sigmoid(), m = mean.to_type(ScalarType.Float64), l = log.to_type(ScalarType.Float64);
        double divergence = 0.5 * (m.square() + l.exp() - 1 - l).sum().ToDouble() / 4, error, expected;
        if (kind == "asperti")
        {
            // Cross-entropy: the mean over channels, the sum over pixels; half the pixels over γ².
            error = -((x * p.log()) + ((1 - x) * (1 - p).log())).mean([1]).sum().ToDouble() / 4;
            expected = (error * 16 * 16 / (2 * scale)) + (2 * divergence);
        }
        else
        {
            Tensor mask = p.narrow(1, 0, 1), blended = (mask * p.narrow(1, 1, 3)) + ((1 - mask) * p.narrow(1, 4, 3));
            error = (blended - x).square().sum().ToDouble() / 4;
            // The scale is the squared error of an image, γ that of a number.
            expected = (0.5 * error / (scale / (3 * 16 * 16))) + (2 * 3 * divergence);
        }
        told.Should().BeApproximately(error, 1e-5 * error);
        loss.ToDouble().Should().BeApproximately(expected, 1e-5 * expected);
        loss.backward();
        decoded.grad!.abs().max().ToDouble().Should().BePositive();
    }

    [Fact]
    public void RunningMinimum_KeepsTheLeast()
    {
        using RunningMinimum scale = new();
        using Tensor first = full([1], 2.0), worse = full([1], 20.0);
        scale.Read(worse).Should().Be(20, "nothing was taken in yet");
        scale.Update(first).Should().Be(2);
        scale.Update(worse).Should().Be(2);
        scale.Read(worse).Should().Be(2);
        scale.State.ToDouble().Should().Be(2);
    }

    // The scale falls while a model learns; without its own term the held-out loss of the same weights would grow as 1/γ.
    [Theory]
    [InlineData("asperti")]
    [InlineData("split")]
    public void HeldOutLoss_HasTheScalesTerm_SoPassesCompare(string kind)
    {
        using var model = (VariationalAutoencoder)Create(kind, 1);
        using VaeTask task = new(model, 1);
        Tensor scale = task.Buffers.Single(buffer => buffer.Name == "scale").Tensor;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor images = Images(model.Image, 4).LoadAll();
        double error = 0, half = kind == "asperti" ? 16 * 16 / 2.0 : 3 * 16 * 16 / 2.0;
        using (Generator noise = new(1))
        {
            (Tensor mean, Tensor log) = model.Network.Encode(images);
            Tensor decoded = model.Network.Decode(mean + ((log * 0.5).exp() * randn(mean.shape, ScalarType.Float32, generator: noise)), training: null);
            model.Network.Loss(images, decoded, mean, log, 1, told => error = told.ToDouble());
        }
        double At(double value)
        {
            scale.fill_(value);
            using Generator noise = new(1);
            return task.Validate(images, noise);
        }
        (At(error / 2) - At(error)).Should().BeApproximately(half * (1 - Math.Log(2)), 1e-3 * half);
        (At(error * 2) - At(error)).Should().BeApproximately(half * (Math.Log(2) - 0.5), 1e-3 * half);
    }

    [Fact]
    public void AutoencoderLoss_IsTheMeanCrossEntropyByHand()
    {
        using Autoencoder model = Small.Autoencoder();
        IImageSource images = Images(model.Image, 5);
        double expected;
        using (NewDisposeScope())
        using (no_grad())
        {
            Tensor x = images.LoadAll().to_type(ScalarType.Float64), p = model.Reconstruct(images.LoadAll()).to_type(ScalarType.Float64);
            expected = -((x * p.log()) + ((1 - x) * (1 - p).log())).mean().ToDouble();
        }
        TrainingReport report = new AutoencoderTrainer(new TrainingOptions { Epochs = 1, BatchSize = 5, LearningRate = 1e-30 }).Train(model, images);
        report.EpochLosses.Should().ContainSingle().Which.Should().BeApproximately(expected, 1e-5 * expected);
    }

    // One image left over: the embedding's normalisation of a Split-VAE, and the last of a small VanillaVae, would see one number and have no variance.
    [Theory]
    [InlineData("split")]
    [InlineData("vanilla")]
    [InlineData("mlp")]
    public void Train_OneImageLeftOver_JoinsTheStepBeforeWhereItMust(string kind)
    {
        using LatentModel model = Create(kind, 1);
        TrainingReport report = Train(model, Images(model.Image, 9), new TrainingOptions { Epochs = 2, BatchSize = 4 });
        report.Steps.Should().Be(kind == "mlp" ? 6 : 4);
        report.ImagesSeen.Should().Be(18);
        report.EpochLosses.Should().OnlyContain(loss => double.IsFinite(loss));
        ((VariationalAutoencoder)model).Network.Weights.All.Should().OnlyContain(weight => IsFinite(weight.Tensor));
    }

    [Fact]
    public void Train_BatchesOfOne_AreRefusedWhereNormalisationNeedsTwo()
    {
        using LatentModel split = Create("split", 1), mlp = Create("mlp", 1);
        Action batch = () => Train(split, Images(split.Image, 4), new TrainingOptions { BatchSize = 1 }), images = () => Train(split, Images(split.Image, 1), new TrainingOptions());
        batch.ShouldRefuse("options", "options must have a BatchSize of at least 2 for this model, whose normalisation over the batch cannot work on one number, but it is 1.");
        images.ShouldRefuse("images", "images must hold at least 2 images for this model, whose normalisation over the batch cannot work on one number, but there is one.");
        Train(mlp, Images(mlp.Image, 2), new TrainingOptions { BatchSize = 1, Epochs = 1 }).Steps.Should().Be(2);
        using VanillaVae large = Small.Vanilla();
        Train(large, Images(large.Image, 2), new TrainingOptions { BatchSize = 1, Epochs = 1 }).Steps.Should().Be(2);
    }

    [Fact]
    public void VanillaLoss_IsTheMeansByHand()
    {
        using VanillaVae model = Small.Vanilla();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor images = rand(4, 3, 40, 33), logits = randn(4, 3, 64, 64), mean = randn(4, 5), log = randn(4, 5);
        double error = (model.Network.Pixels(logits) - images).square().mean().ToDouble();
        double divergence = -0.5 * (1 + log - mean.square() - log.exp()).mean().ToDouble();
        model.Network.Loss(images, logits, mean, log, 2, _ => 0).ToDouble().Should().BeApproximately(error + (2 * 0.00025 * divergence), 1e-6);
    }

    [Fact]
    public void VqVae_Codebook_IsTheMovingAverageByHand_AndDeadCodesComeBack()
    {
        using VqVae model = Small.Vq();
        IImageSource images = Images(model.Image, 6);
        VqVaeTrainer trainer = new(new TrainingOptions { Epochs = 1, BatchSize = 6, Seed = 2 }) { CodebookDecay = 0.9, DeadCodeThreshold = 0 };
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        // A model that is not new keeps its codebook at the start.
        model.Untrained = false;
        model.Network.Codebook.copy_(randn(16, 2) * 0.3);
        Tensor before = model.Network.Codebook.detach().clone().to_type(ScalarType.Float64);
        Tensor vectors = VectorQuantiser.Vectors(model.Network.Encode(VqVae.Signed(images.LoadAll()))), indices = VectorQuantiser.Nearest(vectors, model.Network.Codebook);
        double even = (double)vectors.size(0) / 16;
        trainer.Train(model, images);
        for (int code = 0; code < 16; code++)
        {
            Tensor here = indices.eq(code).to_type(ScalarType.Float64).unsqueeze(1);
            double count = (0.9 * even) + (0.1 * here.sum().ToDouble());
            Tensor expected = ((before[code] * (0.9 * even)) + ((vectors.to_type(ScalarType.Float64) * here).sum([0]) * 0.1)) / count;
            model.Network.Codebook[code].ShouldBeCloseTo(expected, 1e-5);
        }

        // One code far from everything: it is revived, and then used.
        model.Network.Codebook[3].fill_(1000);
        new VqVaeTrainer(new TrainingOptions { Epochs = 30, BatchSize = 6, LearningRate = 1e-5 }) { CodebookDecay = 0.5 }.Train(model, images);
        model.Network.Codebook.abs().max().ToDouble().Should().BeLessThan(100);
    }

    [Theory]
    [InlineData(0.0, 0.0)]
    [InlineData(0.5, 0.0)]
    [InlineData(0.0, 0.1)]
    public void VqVae_CodesThatNothingUses_StayWhereTheyAre(double decay, double threshold)
    {
        using VqVae model = Small.Vq();
        IImageSource images = Images(model.Image, 6);
        model.Untrained = false;
        using (no_grad())
        using (NewDisposeScope())
        {
            model.Network.Codebook.fill_(1000);
            model.Network.Codebook[0].fill_(0);
        }
        new VqVaeTrainer(new TrainingOptions { Epochs = 60, BatchSize = 6 }) { CodebookDecay = decay, DeadCodeThreshold = threshold }.Train(model, images);
        IsFinite(model.Network.Codebook).Should().BeTrue();
        using Tensor others = model.Network.Codebook.narrow(0, 1, 15), far = others.min();
        if (threshold == 0) far.ToDouble().Should().BeApproximately(1000, 1e-2);
    }

    [Fact]
    public void VqVae_StaysUntrained_UntilAStepWasTaken_AlsoThroughAFolder()
    {
        string folder = Path.Combine(_folder, "new");
        using VqVae model = Small.Vq();
        model.Untrained.Should().BeTrue();
        model.Save(folder);
        using (LatentModel opened = LatentModel.Load(folder)) ((VqVae)opened).Untrained.Should().BeTrue();
        Action refused = () => new VqVaeTrainer(new TrainingOptions { Patience = 1 }).Train(model, Images(model.Image, 4));
        refused.Should().Throw<ArgumentException>();
        model.Untrained.Should().BeTrue("nothing was learnt");
        new VqVaeTrainer(new TrainingOptions { Epochs = 1 }).Train(model, Images(model.Image, 4));
        model.Untrained.Should().BeFalse();
        model.Save(folder);
        File.ReadAllText(Path.Combine(folder, "config.json")).Should().NotContain("untrained");
        using (LatentModel opened = LatentModel.Load(folder)) ((VqVae)opened).Untrained.Should().BeFalse();
    }

    [Fact]
    public void VqVae_MovingAverageOfWeights_LeavesTheCodebookToTheEncoderAsItIsTrained()
    {
        using VqVae raw = Small.Vq(), averaged = Small.Vq();
        IImageSource images = Images(raw.Image, 6);
        TrainingOptions options = new() { Epochs = 5, BatchSize = 3, LearningRate = 5e-3 };
        new VqVaeTrainer(options).Train(raw, images);
        new VqVaeTrainer(options with { EmaDecay = 0.9 }).Train(averaged, images);
        averaged.Network.Codebook.bytes.SequenceEqual(raw.Network.Codebook.bytes).Should().BeTrue();
        averaged.Network.Weights["quant_conv.weight"].bytes.SequenceEqual(raw.Network.Weights["quant_conv.weight"].bytes).Should().BeFalse();
    }

    [Fact]
    public void Train_BadArguments_Throws()
    {
        using Autoencoder plain = Small.Autoencoder();
        using VqVae vq = Small.Vq();
        ProceduralFaces faces = new(4, 64);
        Action a = () => new AutoencoderTrainer().Train(plain, faces), v = () => new VqVaeTrainer().Train(vq, faces);
        a.ShouldRefuse("images", "images must have the format 3×16×24 of autoencoder, but it is 3×64×64.");
        v.ShouldRefuse("images", "images must have the format 3×8×12 of vq-vae, but it is 3×64×64.");
        Action noModel = () => new VqVaeTrainer().Train(null!, faces), noImages = () => new AutoencoderTrainer().Train(plain, null!);
        noModel.Should().Throw<ArgumentNullException>().WithParameterName("model");
        noImages.Should().Throw<ArgumentNullException>().WithParameterName("images");
        Action decay = () => _ = new VqVaeTrainer { CodebookDecay = 1 }, commitment = () => _ = new VqVaeTrainer { Commitment = -1 }, dead = () => _ = new VqVaeTrainer { DeadCodeThreshold = 2 };
        decay.ShouldRefuse("CodebookDecay", "CodebookDecay must lie from 0 to below 1, but it is 1.");
        commitment.ShouldRefuse("Commitment", "Commitment must be zero or more and finite, but it is -1.");
        dead.ShouldRefuse("DeadCodeThreshold", "DeadCodeThreshold must lie from 0 to below 1, but it is 2.");
    }

    private static LatentModel Create(string kind, ulong seed) => kind switch
    {
        "autoencoder" => Small.Autoencoder(seed),
        "asperti" => AspertiVae.Create(new AspertiVaeOptions { Image = ImageFormat.Rgb(16), LatentDimension = 5, BaseChannels = 4, Seed = seed }),
        "diffuse" => Small.Diffuse(seed),
        "mlp" => Small.Mlp(seed),
        "split" => Small.Split(seed),
        "vanilla" => VanillaVae.Create(new VanillaVaeOptions { Image = ImageFormat.Rgb(24), LatentDimension = 5, BaseChannels = 3, Seed = seed }),
        "odd-vq" => Small.OddVq(seed),
        _ => Small.Vq(seed),
    };

    private static TrainingReport Train(LatentModel model, IImageSource images, TrainingOptions options, IProgress<TrainingProgress>? progress = null, double beta = 0.5, CancellationToken cancellationToken = default) => model switch
    {
        Autoencoder plain => new AutoencoderTrainer(options).Train(plain, images, progress, cancellationToken),
        VqVae vq => new VqVaeTrainer(options).Train(vq, images, progress, cancellationToken),
        _ => new VaeTrainer(options) { Beta = beta }.Train((VariationalAutoencoder)model, images, progress, cancellationToken),
    };

    // Each image a smooth pattern of its own, of any format.
    private static TensorImages Images(ImageFormat format, int count)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(6);
        Tensor coarse = rand([count, format.Channels, 2, 2], ScalarType.Float32, generator: generator);
        Tensor smooth = nn.functional.interpolate(coarse, size: [format.Height, format.Width], mode: InterpolationMode.Bilinear, align_corners: false).clamp(0, 1);
        return new TensorImages("patterns", smooth.contiguous().data<float>().ToArray(), format);
    }

    private static bool IsFinite(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.isfinite().all().ToBoolean();
    }

    private static double Error(LatentModel model, IImageSource images)
    {
        using var scope = NewDisposeScope();
        Tensor all = images.LoadAll();
        return (model.Reconstruct(all) - all).square().mean().ToDouble();
    }

    private byte[] Bytes(LatentModel model)
    {
        string folder = Path.Combine(_folder, "bytes");
        model.Save(folder);
        return File.ReadAllBytes(Path.Combine(folder, "model.safetensors"));
    }
}
