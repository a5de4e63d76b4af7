using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Metrics.Perceptual;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Gans;

[NoTensorLeaks]
public sealed class LatentOptimisationTests
{
    public static TheoryData<InversionOptimiser> Optimisers => [InversionOptimiser.Adam, InversionOptimiser.Lbfgs];

    private static MlpGan Generator() => MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Grey(8), LatentDimension = 4, HiddenWidth = 32, Seed = 1 });

    private static Tensor Images(int count)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(7);
        return rand([count, 1, 8, 8], ScalarType.Float32, generator: generator).mul(0.3).add(0.35).MoveToOuterDisposeScope();
    }

    private static LatentOptimisationOptions Options(InversionOptimiser optimiser, int steps = 150) => new() { Optimiser = optimiser, Steps = steps, LearningRate = 0.2 };

    [Theory]
    [MemberData(nameof(Optimisers))]
    public void Optimise_GeneratedImages_FindsTheirLatents(InversionOptimiser optimiser)
    {
        using MlpGan generator = Generator();
        using var scope = NewDisposeScope();
        Tensor z = generator.Sample(5, 3), images = generator.Decode(z);
        // From one start alone, L-BFGS may end in a kink between two linear pieces of the network.
        using OptimisedLatents found = new LatentOptimisation(Options(optimiser, 400) with { Starts = 4 }).Optimise(generator, images);
        found.Latents.ShouldBeCloseTo(z, optimiser == InversionOptimiser.Lbfgs ? 1e-2 : 5e-2);
        found.Errors.Should().HaveCount(5).And.OnlyContain(error => error < 1e-6);
        double[] errors = (generator.Decode(found.Latents) - images).square().flatten(1).mean([1], type: ScalarType.Float64).data<double>().ToArray();
        found.Errors.Should().Equal(errors);
    }

    // A quadratic has one minimum: the least-squares latent, which no step may miss.
    [Theory]
    [MemberData(nameof(Optimisers))]
    public void Optimise_LinearDecoder_FindsTheLeastSquaresLatent(InversionOptimiser optimiser)
    {
        using var outer = NewDisposeScope();
        using Generator random = new(4);
        Tensor matrix = randn([3, 6], ScalarType.Float32, generator: random) * 0.1;
        using DelegateLatentModel model = LatentModel.FromFunctions(
            "linear", Toy.Format, LatentSpace.Vector(3), images => images.flatten(1).narrow(1, 0, 3), latents => latents.mm(matrix).add(0.5).reshape(-1, 1, 2, 3), (count, g) => randn([count, 3], ScalarType.Float32, generator: g));
        Tensor images = rand([4, 1, 2, 3], ScalarType.Float32, generator: random) * 0.2 + 0.4;
        using OptimisedLatents found = new LatentOptimisation(Options(optimiser, 500)).Optimise(model, images);
        Tensor wide = matrix.to_type(ScalarType.Float64), target = images.to_type(ScalarType.Float64).flatten(1) - 0.5;
        Tensor expected = linalg.solve(wide.mm(wide.t()), wide.mm(target.t())).t();
        found.Latents.ShouldBeCloseTo(expected, 2e-3);
    }

    [Theory]
    [MemberData(nameof(Optimisers))]
    public void Optimise_AnImageAmongOthers_IsAsIfAlone(InversionOptimiser optimiser)
    {
        using MlpGan generator = Generator();
        using var scope = NewDisposeScope();
        Tensor images = Images(5);
        LatentOptimisation inversion = new(Options(optimiser, 8) with { Starts = 2 });
        Tensor together = inversion.Invert(generator, images), alone = cat([.. images.split(1).Select(image => inversion.Invert(generator, image))], 0);
        Tensor inTwos = new LatentOptimisation(Options(optimiser, 8) with { Starts = 2, BatchSize = 2 }).Invert(generator, images);
        // Products over other numbers of rows round otherwise, and descent carries that on.
        alone.ShouldBeCloseTo(together, 1e-3);
        inTwos.ShouldBeCloseTo(together, 1e-3);
    }

    [Theory]
    [MemberData(nameof(Optimisers))]
    public void Optimise_SameSeed_GivesTheSameBytes(InversionOptimiser optimiser)
    {
        using MlpGan generator = Generator();
        using var scope = NewDisposeScope();
        Tensor images = Images(3);
        Tensor a = Found(1), b = Found(1), c = Found(2);
        a.bytes.SequenceEqual(b.bytes).Should().BeTrue();
        a.bytes.SequenceEqual(c.bytes).Should().BeFalse();

        Tensor Found(ulong seed) => new LatentOptimisation(Options(optimiser, 6) with { Seed = seed, Starts = 3 }).Invert(generator, images);
    }

    [Theory]
    [MemberData(nameof(Optimisers))]
    public void Optimise_IsNeverWorseThanItsStart_AndMoreStartsAreNeverWorse(InversionOptimiser optimiser)
    {
        using MlpGan generator = Generator();
        using var scope = NewDisposeScope();
        Tensor images = Images(6), start = generator.Sample(6, 9);
        double[] before = (generator.Decode(start) - images).square().flatten(1).mean([1], type: ScalarType.Float64).data<double>().ToArray();
        using OptimisedLatents wild = new LatentOptimisation(Options(optimiser, 5) with { LearningRate = 50 }).Optimise(generator, images, start);
        wild.Errors.Zip(before).Should().OnlyContain(pair => pair.First <= pair.Second + 1e-7);
        using OptimisedLatents one = new LatentOptimisation(Options(optimiser, 10)).Optimise(generator, images), four = new LatentOptimisation(Options(optimiser, 10) with { Starts = 4 }).Optimise(generator, images);
        four.Errors.Zip(one.Errors).Should().OnlyContain(pair => pair.First <= pair.Second + 1e-5);
        four.Starts.Should().Contain(origin => origin > 0).And.OnlyContain(origin => origin >= 0 && origin < 4);
    }

    [Fact]
    public void Optimise_PerceptualAndPriorTerms_Count()
    {
        using MlpGan generator = Generator();
        using var scope = NewDisposeScope();
        Tensor images = Images(4);
        LatentOptimisationOptions options = Options(InversionOptimiser.Lbfgs, 40);
        // The mean of an image is all that this term looks at.
        using OptimisedLatents perceptual = new LatentOptimisation(options with { PerceptualWeight = 1e3 }, (decoded, given) => (decoded.flatten(1).mean([1]) - given.flatten(1).mean([1])).square()).Optimise(generator, images);
        using OptimisedLatents plain = new LatentOptimisation(options).Optimise(generator, images), ignored = new LatentOptimisation(options with { PerceptualWeight = 0 }, (_, _) => throw new InvalidOperationException("must not be asked")).Optimise(generator, images);
        Gap(perceptual).Should().BeLessThan(0.5 * Gap(plain));
        perceptual.Errors.Average().Should().BeGreaterThan(plain.Errors.Average());
        ignored.Latents.ShouldBeCloseTo(plain.Latents, 0);
        using OptimisedLatents shrunk = new LatentOptimisation(options with { PriorWeight = 1e3 }).Optimise(generator, images);
        shrunk.Latents.abs().max().ToDouble().Should().BeLessThan(1e-2);

        double Gap(OptimisedLatents found) => (generator.Decode(found.Latents).flatten(1).mean([1]) - images.flatten(1).mean([1])).abs().mean().ToDouble();
    }

    // The latent z of a StyleGAN2 has but a direction, which the mean of many has not.
    [Theory]
    [InlineData(StyleGan2Latent.Z)]
    [InlineData(StyleGan2Latent.W)]
    [InlineData(StyleGan2Latent.WPlus)]
    public void Optimise_StyleGan2_StartsWhereItsLatentsAre(StyleGan2Latent latent)
    {
        using StyleGan2 model = StyleGan2Toy.Stirred(StyleGan2Toy.Model(new StyleGan2Decoding { Latent = latent }));
        using var scope = NewDisposeScope();
        Tensor images = full([2, 3, 16, 16], 0.5f);
        // Nothing moves, so what is found is the start.
        Tensor found = new LatentOptimisation(new LatentOptimisationOptions { Steps = 1, LearningRate = 1e-30, Seed = 5 }).Invert(model, images);
        Tensor expected = latent == StyleGan2Latent.Z ? model.Sample(1, 6) : model.Sample(1024, 5).mean([0], keepdim: true);
        found.ShouldBeCloseTo(expected.expand(2, -1), 1e-6);
        Tensor several = new LatentOptimisation(new LatentOptimisationOptions { Steps = 1, LearningRate = 1e-30, Seed = 5, Starts = 3 }).Invert(model, images);
        several.shape.Should().Equal(2, model.Latent.Dimension);
    }

    // Real weights: a term of the library's own, whose descent lowers the distance that the metric tells.
    [SharedFact("models/squeezenet1_1/squeezenet1_1.torchvision.fp16.safetensors")]
    public void Optimise_ByLpips_LowersIt()
    {
        using Lpips lpips = Lpips.Load(LpipsNetwork.SqueezeNet, Shared.Path("models/squeezenet1_1/squeezenet1_1.torchvision.fp16.safetensors"), Shared.Path("models/lpips/squeeze.pth"));
        using var generator = Gan.Create(new GanOptions { Image = ImageFormat.Rgb(32), LatentDimension = 6, Layers = 2, BaseChannels = 4, Seed = 3 });
        using var scope = NewDisposeScope();
        Tensor images = new ProceduralFaces(2, 32).LoadAll();
        LatentOptimisationOptions options = new() { Steps = 25, LearningRate = 0.2 };
        Tensor pixels = new LatentOptimisation(options).Invert(generator, images), both = new LatentOptimisation(options with { PerceptualWeight = 10 }, lpips.Distances).Invert(generator, images);
        double plain = lpips.Measure(generator.Decode(pixels), images).Average(), perceptual = lpips.Measure(generator.Decode(both), images).Average();
        perceptual.Should().BeLessThan(plain - 0.001);
    }

    [Fact]
    public void Optimise_LeavesTheGeneratorAlone_AndOnlyItsResult()
    {
        using MlpGan generator = Generator();
        using Tensor images = Images(3), before = images.clone();
        byte[] weights = [.. generator.Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray())];
        long live = NoTensorLeaksAttribute.Live();
        foreach (InversionOptimiser optimiser in Enum.GetValues<InversionOptimiser>())
        {
            using OptimisedLatents found = new LatentOptimisation(Options(optimiser, 3)).Optimise(generator, images);
            (NoTensorLeaksAttribute.Live() - live).Should().Be(1);
        }
        images.bytes.SequenceEqual(before.bytes).Should().BeTrue();
        generator.Weights.All.SelectMany(weight => weight.Tensor.bytes.ToArray()).Should().Equal(weights);
        using Tensor? gradient = generator.Weights["0.weight"].grad;
        (gradient is null || gradient.IsInvalid).Should().BeTrue("gradients are asked for the latents alone");
        is_grad_enabled().Should().BeTrue();
    }

    [Fact]
    public void Inversion_MakesAFullModel_ByOptimisationAndByBoth()
    {
        using MlpGan generator = Generator();
        using var recoder = Recoder.Create(new RecoderOptions { Image = ImageFormat.Grey(8), LatentDimension = 4, BaseChannels = 4, Layers = 2 });
        LatentOptimisation optimisation = new(Options(InversionOptimiser.Adam, 20));
        using var scope = NewDisposeScope();
        Tensor images = Images(3);
        double[] errors = [.. ((IGanInversion[])[recoder, optimisation, new HybridInversion(recoder, optimisation)]).Select(inversion =>
        {
            generator.Inversion = inversion;
            return (generator.Reconstruct(images) - images).square().mean().ToDouble();
        })];
        errors[1].Should().BeLessThan(errors[0]);
        errors[2].Should().BeLessThan(errors[0]);
        long live = NoTensorLeaksAttribute.Live();
        using (Tensor latents = generator.Encode(images)) latents.shape.Should().Equal(3, 4);
        NoTensorLeaksAttribute.Live().Should().Be(live);
    }

    [Fact]
    public void Optimise_Progress_ComesAtMostAHundredTimes_AndCancels()
    {
        using MlpGan generator = Generator();
        using Tensor images = Images(3);
        Steps<InversionProgress> steps = new();
        new LatentOptimisation(Options(InversionOptimiser.Adam, 101) with { BatchSize = 2 }).Optimise(generator, images, progress: steps).Dispose();
        steps.All.Should().HaveCountLessThanOrEqualTo(100);
        steps.All[^1].Should().Match<InversionProgress>(step => step.Step == 202 && step.TotalSteps == 202 && double.IsFinite(step.Loss));
        using CancellationTokenSource cancel = new();
        Steps<InversionProgress> first = new(cancel.Cancel);
        Action act = () => new LatentOptimisation(Options(InversionOptimiser.Lbfgs)).Optimise(generator, images, progress: first, cancellationToken: cancel.Token);
        act.Should().Throw<OperationCanceledException>();
        first.All.Should().ContainSingle();
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using MlpGan generator = Generator();
        using DelegateLatentModel noPrior = Toy.Linear("plain", 1);
        using var recoder = Recoder.Create(new RecoderOptions { Image = ImageFormat.Grey(8), LatentDimension = 3, BaseChannels = 2, Layers = 1 });
        using var scope = NewDisposeScope();
        Tensor images = Images(2);
        LatentOptimisation inversion = new(Options(InversionOptimiser.Adam, 2));
        Refuses(() => inversion.Optimise(generator, zeros(2, 1, 9, 8)), "images", "images must have the shape [n, 1, 8, 8] of mlp-gan's images, but it is [2, 1, 9, 8]. Resize the images, or wrap the model: model.WithImage(format).");
        Refuses(() => inversion.Optimise(generator, images, zeros(3, 4)), "start", "start must hold as many rows as images, but the shapes are [2, 1, 8, 8] and [3, 4]. Row i of both must come from the same input.");
        Refuses(() => inversion.Optimise(generator, images, zeros(2, 5)), "start", "start must have 4 columns, the latent width of mlp-gan, but its shape is [2, 5].");
        Refuses(() => inversion.Optimise(noPrior, zeros(1, 1, 2, 3)), "generator", "generator must have a prior where no start is given, but plain has none. Pass start.");
        Refuses(() => recoder.Invert(generator, images), "generator", "generator must be one for recoder, which encodes 1×8×8 to 3, but mlp-gan decodes 4 to 1×8×8.");
        Refuses(() => _ = new LatentOptimisationOptions { Steps = 0 }, "Steps", "Steps must be positive, but it is 0.");
        Refuses(() => _ = new LatentOptimisationOptions { LearningRate = 0 }, "LearningRate", "LearningRate must be positive and finite, but it is 0.");
        Refuses(() => _ = new LatentOptimisationOptions { Starts = 0 }, "Starts", "Starts must be positive, but it is 0.");
        Refuses(() => _ = new LatentOptimisationOptions { PriorWeight = -1 }, "PriorWeight", "PriorWeight must be zero or more and finite, but it is -1.");
        Refuses(() => _ = new LatentOptimisationOptions { PerceptualWeight = -1 }, "PerceptualWeight", "PerceptualWeight must be zero or more and finite, but it is -1.");
        Refuses(() => _ = new LatentOptimisationOptions { BatchSize = 0 }, "BatchSize", "BatchSize must be positive, but it is 0.");
        Refuses(() => _ = new LatentOptimisationOptions { Optimiser = (InversionOptimiser)5 }, "Optimiser", "Optimiser must be Adam or Lbfgs, but it is 5.");
        Action shape = () => new LatentOptimisation(null, (a, _) => a).Invert(generator, images), infinite = () => new LatentOptimisation(null, (a, _) => a.flatten(1).mean([1]) / 0).Invert(generator, images);
        shape.ShouldSay<InvalidOperationException>("The perceptual term must return one number an image, [2], but it returned [2, 1, 8, 8].");
        infinite.ShouldSay<InvalidOperationException>("The objective must stay finite, but it is not. Lower the learning rate (0.05), or look into the perceptual term.");
        Action flat = () => new LatentOptimisation(null, (a, b) => (a - b).detach().flatten(1).mean([1])).Invert(generator, images);
        flat.ShouldSay<InvalidOperationException>("The perceptual term must carry a gradient of the decoded images, but it carries none. Compute it without no_grad, as Lpips.Distances does.");
        recoder.Dispose();
        Action disposed = () => recoder.Invert(generator, images), save = () => recoder.SaveWeights("x");
        disposed.Should().Throw<ObjectDisposedException>();
        save.Should().Throw<ObjectDisposedException>();

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }
}
