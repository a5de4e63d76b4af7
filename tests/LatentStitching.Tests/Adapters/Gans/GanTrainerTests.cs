using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using LatentStitching.Training;

namespace LatentStitching.Tests.Adapters.Gans;

[NoTensorLeaks]
public sealed class GanTrainerTests : IDisposable
{
    private static readonly IImageSource _faces = new ProceduralFaces(24, 16);
    private readonly string _folder = Directory.CreateTempSubdirectory("gantrainer-").FullName;

    public static TheoryData<string, GanObjective> Cases => new()
    {
        { "gan", GanObjective.NonSaturating },
        { "gan", GanObjective.LabelNoise },
        { "mlp", GanObjective.NonSaturating },
        { "style", GanObjective.NonSaturating },
    };

    private string Checkpoint => Path.Combine(_folder, "run.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static GanModel Model(string family, ulong seed = 1) => family switch
    {
        "gan" => Gan.Create(new GanOptions { Image = ImageFormat.Rgb(16), LatentDimension = 4, Layers = 2, BaseChannels = 4, Seed = seed }),
        "mlp" => MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Rgb(16), LatentDimension = 4, HiddenWidth = 16, Seed = seed }),
        _ => StyleGan2Toy.Model(new StyleGan2Decoding(), seed),
    };

    private static byte[] Weights(GanModel model) => [.. model.Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray())];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Train_SameSeed_GivesTheSameBytes_AndAKilledRunResumesToThem(string family, GanObjective objective)
    {
        TrainingOptions options = new() { Epochs = 2, BatchSize = 8, LearningRate = 1e-3, EmaDecay = 0.9, Seed = 3 };
        byte[] start, undisturbed;
        using (GanModel model = Model(family))
        {
            start = Weights(model);
            TrainingReport report = new GanTrainer(options) { Objective = objective, PenaltyEvery = 2 }.Train(model, _faces);
            report.Steps.Should().Be(6);
            report.EpochLosses.Should().OnlyContain(loss => double.IsFinite(loss) && loss > 0);
            undisturbed = Weights(model);
            model.Weights.All.Should().OnlyContain(weight => HasNoGradient(weight.Tensor));
        }
        undisturbed.AsSpan().SequenceEqual(start).Should().BeFalse();
        string copy = Checkpoint + ".killed";
        using (GanModel killed = Model(family))
        {
            new GanTrainer(options with { CheckpointPath = Checkpoint, CheckpointEvery = 2 }) { Objective = objective, PenaltyEvery = 2 }.Train(killed, _faces, new KilledAt(4, Checkpoint, copy));
        }
        // Of other first weights and, for StyleGAN2, other constant noise: everything must come from the file.
        using (GanModel resumed = Model(family, seed: 99))
        {
            new GanTrainer(options with { CheckpointPath = copy }) { Objective = objective, PenaltyEvery = 2 }.Train(resumed, _faces).Steps.Should().Be(6);
            Weights(resumed).AsSpan().SequenceEqual(undisturbed).Should().BeTrue();
        }
        is_grad_enabled().Should().BeTrue();
    }

    // With no gap between the distributions but their mean, a generator that learns moves its mean to the images'.
    [Theory]
    [InlineData("gan")]
    [InlineData("mlp")]
    [InlineData("style")]
    public void Train_MovesTheImagesTowardsTheData(string family)
    {
        float[] pixels = new float[64 * 768];
        using (var scope = NewDisposeScope())
        {
            using Generator random = new(2);
            (rand([64, 3, 16, 16], ScalarType.Float32, generator: random) * 0.1 + tensor((float[])[0.9f, 0.1f, 0.4f]).reshape(1, 3, 1, 1)).clamp(0, 1).bytes.CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(pixels.AsSpan()));
        }
        TensorImages images = new("coloured", pixels, ImageFormat.Rgb(16));
        using GanModel model = Model(family);
        double before = Distance();
        new GanTrainer(new TrainingOptions { Epochs = 10, BatchSize = 16, LearningRate = 5e-3, Seed = 1 }) { GradientPenalty = 1 }.Train(model, images);
        Distance().Should().BeLessThan(0.7 * before);

        double Distance()
        {
            using var scope = NewDisposeScope();
            Tensor colours = model.Decode(model.Sample(32, 1)).mean([0, 2, 3]), wanted = images.LoadAll().mean([0, 2, 3]);
            return (colours - wanted).abs().max().ToDouble();
        }
    }

    [Theory]
    [InlineData(GanObjective.NonSaturating, 0.0)]
    [InlineData(GanObjective.NonSaturating, 4.0)]
    [InlineData(GanObjective.LabelNoise, 0.0)]
    public void Train_FirstLoss_IsTheSumByHand(GanObjective objective, double penalty)
    {
        IImageSource faces = _faces.Take(6);
        MlpGan Fresh() => MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Rgb(16), LatentDimension = 4, HiddenWidth = 16, Seed = 1 });
        double opposing, expected;
        // The generator's loss is taken after the discriminator's update, which a rate of nearly nothing makes none.
        TrainingOptions options = new() { Epochs = 1, BatchSize = 6, LearningRate = 1e-30, Seed = 3 };
        using (MlpGan model = Fresh())
        using (NewDisposeScope())
        {
            using Generator generator = new(TrainingRun.Mix(3, 2, 0));
            using Discriminator discriminator = model.NewDiscriminator(TrainingRun.Mix(3, 4, 0));
            Tensor x = faces.Load(new SplitMix64(TrainingRun.Mix(3, 1, 0)).Permutation(6)).requires_grad_(true);
            Tensor fake = model.Decode(randn([6, 4], ScalarType.Float32, generator: generator));
            Tensor onReal = discriminator.Logits(x, null), onFake = discriminator.Logits(fake, null);
            Tensor real = onReal.sigmoid().to_type(ScalarType.Float64), made = onFake.sigmoid().to_type(ScalarType.Float64);
            if (objective == GanObjective.NonSaturating)
            {
                Tensor gradient = autograd.grad([onReal.sum()], [x])[0];
                opposing = -(real.log().mean() + (1 - made).log().mean()).ToDouble() + (penalty / 2 * 16 * gradient.square().sum().ToDouble() / 6);
            }
            else
            {
                Tensor p = cat([made, real], 0), labels = cat([ones(6), zeros(6)], 0) + rand([12], ScalarType.Float32, generator: generator) * 0.05;
                opposing = -(labels * p.log() + (1 - labels) * (1 - p).log()).mean().ToDouble();
            }
            Tensor again = discriminator.Logits(model.Decode(randn([6, 4], ScalarType.Float32, generator: generator)), null).sigmoid().to_type(ScalarType.Float64);
            expected = opposing - (objective == GanObjective.NonSaturating ? again : 1 - again).log().mean().ToDouble();
        }
        using MlpGan trained = Fresh();
        TrainingReport report = new GanTrainer(options) { Objective = objective, GradientPenalty = penalty }.Train(trained, faces);
        report.EpochLosses.Should().ContainSingle().Which.Should().BeApproximately(expected, 1e-5 * expected);
    }

    // The published rules are for pixels in [-1, 1]: stylegan2-ada's gamma of 0.0002·side²/batch and the 10 of Mescheder et al., each times half the squared gradient there.
    [Theory]
    [InlineData("style", 0.0002 * 16 * 16 / 6)]
    [InlineData("gan", 10)]
    [InlineData("mlp", 10)]
    public void Train_DefaultPenalty_IsThePublishedOneOnSignedPixels(string family, double gamma)
    {
        IImageSource faces = _faces.Take(6);
        TrainingOptions options = new() { Epochs = 1, BatchSize = 6, LearningRate = 1e-30, Seed = 3 };
        using GanModel without = Model(family), with = Model(family);
        double expected;
        using (NewDisposeScope())
        {
            using Discriminator discriminator = without.NewDiscriminator(TrainingRun.Mix(3, 4, 0));
            Tensor signed = (faces.Load(new SplitMix64(TrainingRun.Mix(3, 1, 0)).Permutation(6)) * 2 - 1).requires_grad_(true);
            Tensor gradient = autograd.grad([discriminator.Logits((signed + 1) / 2, null).sum()], [signed])[0];
            expected = gamma / 2 * 16 * gradient.to_type(ScalarType.Float64).square().sum([1, 2, 3]).mean().ToDouble();
        }
        double penalty = new GanTrainer(options).Train(with, faces).EpochLosses[0] - new GanTrainer(options) { GradientPenalty = 0 }.Train(without, faces).EpochLosses[0];
        penalty.Should().BeApproximately(expected, (1e-3 * expected) + 1e-6);
    }

    [Fact]
    public void Train_Validation_TellsAFiniteLoss_AndStyleGan2KeepsTheMeanOfW()
    {
        using StyleGan2 model = StyleGan2Toy.Model(new StyleGan2Decoding());
        TrainingReport report = new GanTrainer(new TrainingOptions { Epochs = 1, BatchSize = 5, Validation = _faces.Take(7) }).Train(model, _faces);
        report.ValidationLosses.Should().ContainSingle().Which.Should().BePositive();
        using var scope = NewDisposeScope();
        model.Weights["mapping.w_avg"].abs().max().ToDouble().Should().BePositive();
    }

    [Fact]
    public void Train_Validation_ChangesNothing()
    {
        TrainingOptions options = new() { Epochs = 2, BatchSize = 8, Seed = 3 };
        using GanModel plain = Model("style"), judged = Model("style");
        new GanTrainer(options).Train(plain, _faces);
        new GanTrainer(options with { Validation = _faces.Take(7) }).Train(judged, _faces);
        Weights(judged).AsSpan().SequenceEqual(Weights(plain)).Should().BeTrue("the mean of w too");
    }

    [Fact]
    public void StyleGan2Discriminator_OfTheStudysSize_HasTheKnownParameters()
    {
        // The published configuration for 64×64 pixels; the sum is over its layers, by hand.
        var layout = StyleGan2Discriminator.LayoutOf(StyleGan2Sizes.Of(new StyleGan2Options()));
        long block = (512 * 512 * 9) + 512 + (512 * 512 * 9) + 512 + (512 * 512);
        long expected = (3 * 512) + 512 + (4 * block) + (513 * 512 * 9) + 512 + (512 * 16 * 512) + 512 + 512 + 1;
        layout.Weights.Where(weight => weight.Trainable).Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size)).Should().Be(expected);
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using GanModel model = Model("gan");
        Action format = () => new GanTrainer().Train(model, new ProceduralFaces(4, 32)), patience = () => _ = new GanTrainer(new TrainingOptions { Patience = 2, Validation = _faces });
        format.ShouldRefuse("images", "images must have the format 3×16×16 of gan, but it is 3×32×32.");
        patience.ShouldRefuse("options", "options must leave Patience null, for a GAN's loss does not fall as its images get better, but it is 2. Choose among snapshots instead.");
        Action objective = () => _ = new GanTrainer { Objective = (GanObjective)7 }, penalty = () => _ = new GanTrainer { GradientPenalty = -1 }, every = () => _ = new GanTrainer { PenaltyEvery = 0 };
        objective.ShouldRefuse("Objective", "Objective must be NonSaturating or LabelNoise, but it is 7.");
        penalty.ShouldRefuse("GradientPenalty", "GradientPenalty must be zero or more and finite, but it is -1.");
        every.ShouldRefuse("PenaltyEvery", "PenaltyEvery must be positive, but it is 0.");
        Action noModel = () => new GanTrainer().Train(null!, _faces), noImages = () => new GanTrainer().Train(model, null!);
        noModel.Should().Throw<ArgumentNullException>().WithParameterName("model");
        noImages.Should().Throw<ArgumentNullException>().WithParameterName("images");
    }

    private static bool HasNoGradient(Tensor weight)
    {
        using Tensor? gradient = weight.grad;
        return gradient is null || gradient.IsInvalid;
    }
}
