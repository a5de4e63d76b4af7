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

    public static TheoryData<string> Kinds => ["autoencoder", "asperti", "diffuse", "mlp", "split", "vanilla", "vq"];

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
        using (LatentModel killed = Create(kind, 1))
        {
            using CancellationTokenSource cancel = new();
            int step = 0;
            Action act = () => Train(killed, images, options with { CheckpointPath = path, CheckpointEvery = 1 }, new Each(() => { if (++step == 3) cancel.Cancel(); }), cancellationToken: cancel.Token);
            act.Should().Throw<OperationCanceledException>();
        }
        // Another start: everything must come from the file.
        using LatentModel resumed = Create(kind, 99);
        Train(resumed, images, options with { CheckpointPath = path });
        Bytes(resumed).AsSpan().SequenceEqual(Bytes(undisturbed)).Should().BeTrue();
    }

    // γ² is a number: in the original its gradient cancels the reconstruction's wherever a step sets a new minimum, the first step included.
    [Theory]
    [InlineData("asperti")]
    [InlineData("split")]
    public void BalancedLoss_AtANewMinimum_StillPullsTheReconstruction(string kind)
    {
        using var model = (VariationalAutoencoder)Create(kind, 1);
        using var scope = NewDisposeScope();
        using RunningMinimum scale = new();
        using Generator generator = new(5);
        Tensor images = rand(4, 3, 16, 16), latents = model.Encode(images);
        Tensor decoded = model.Network.Decode(latents, new TrainingPass(generator, 1)).detach().requires_grad_();
        Tensor loss = model.Network.Loss(images, decoded, latents, zeros_like(latents), 1, scale.Update);
        loss.backward();
        decoded.grad!.abs().max().ToDouble().Should().BePositive();
        scale.State.ToDouble().Should().BePositive().And.BeLessThan(double.PositiveInfinity);

        // By hand, in double precision: half the pixels (Asperti) or numbers (Split) + KL.
        double divergence = 0.5 * latents.to_type(ScalarType.Float64).square().sum().ToDouble() / 4, weight = kind == "asperti" ? 1 : 3;
        double balanced = kind == "asperti" ? 16 * 16 / 2.0 : 3 * 16 * 16 / 2.0;
        loss.ToDouble().Should().BeApproximately(balanced + (weight * divergence), 1e-4 * balanced);

        // A worse batch leaves the scale alone.
        double least = scale.State.ToDouble();
        using Tensor worse = full([1], 10 * least);
        scale.Update(worse).Should().Be(least);
        scale.Read(worse).Should().Be(least);
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

    private sealed class Each(Action action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action();
    }
}
