using System.Text.Json.Nodes;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Diffusion;

// Schedules that keep much of the image: from nearly pure noise an untrained network's walk magnifies float32's rounding a hundredfold.
[NoTensorLeaks]
public sealed class DiffusionUNetConformanceTests : LatentModelConformanceTests<DiffusionModel>
{
    protected override DiffusionModel Create() =>
        DiffusionModel.FromNetwork(DiffusionUNet.Create(DiffusionUNetTests.Tiny), NoiseSchedule.Linear(100, 1e-4, 0.01), new DiffusionOptions { Steps = 3, Refinements = 2 });
}

[NoTensorLeaks]
public sealed class ConvolutionalDenoiserConformanceTests : LatentModelConformanceTests<DiffusionModel>
{
    protected override DiffusionModel Create()
    {
        var network = ConvolutionalDenoiser.Create(new ConvolutionalDenoiserOptions { Image = ImageFormat.Grey(6), HiddenChannels = [4, 4], Seed = 2 });
        return DiffusionModel.FromNetwork(
            network, NoiseSchedule.Linear(1001, 1e-5, 1e-3), new DiffusionOptions { Range = NetworkRange.MinusHalfToHalf, Steps = 4, DecodeSteps = 3, Solver = DiffusionSolver.DpmSolverPlusPlus, Threshold = new DynamicThreshold() });
    }
}

[NoTensorLeaks]
public sealed class DiffusionModelTests : IDisposable
{
    private const string Weights = "models/ddpm_mnist/ddpm_mnist_starter.pth";
    private static readonly ImageFormat _format = new(2, 3, 4);
    private readonly string _folder = Directory.CreateTempSubdirectory("diffusion-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // A function whose answer bends with its input, so that plain inversion is not exact.
    private static DiffusionModel Bent(DiffusionOptions? options = null) =>
        DiffusionModel.FromFunction(_format, (x, times) => (x * 0.8).tanh() * (0.2 + times.reshape(-1, 1, 1, 1) / 2000), NoiseSchedule.Linear(), options);

    private static Tensor Images()
    {
        using Generator generator = new(5);
        return rand([3, 2, 3, 4], ScalarType.Float32, generator: generator);
    }

    [Theory]
    [InlineData(NetworkRange.MinusOneToOne)]
    [InlineData(NetworkRange.MinusHalfToHalf)]
    [InlineData(NetworkRange.ZeroToOne)]
    public void Reconstruct_Refined_ReturnsTheImage_AtFewSteps(NetworkRange range)
    {
        using DiffusionModel refined = Bent(new DiffusionOptions { Steps = 5, Refinements = 12, Range = range }), plain = Bent(new DiffusionOptions { Steps = 5, Refinements = 0, Range = range });
        using var scope = NewDisposeScope();
        Tensor images = Images();
        (refined.Reconstruct(images) - images).abs().max().ToDouble().Should().BeLessThan(1e-4);
        (plain.Reconstruct(images) - images).abs().max().ToDouble().Should().BeGreaterThan(1e-3);
    }

    [Fact]
    public void Encode_WalksTheGridInTheNetworksRange()
    {
        using DiffusionModel model = Bent(new DiffusionOptions { Steps = 2, Refinements = 0 });
        using var scope = NewDisposeScope();
        NoiseSchedule schedule = NoiseSchedule.Linear();
        Tensor x = Images() * 2 - 1;
        double before = 1;
        foreach (int time in (int[])[499, 999])
        {
            double alphaBar = schedule.AlphaBars[time];
            Tensor noise = (x * 0.8).tanh() * (0.2 + (time / 2000.0));
            x = (x - noise * Math.Sqrt(1 - before)) * Math.Sqrt(alphaBar / before) + noise * Math.Sqrt(1 - alphaBar);
            before = alphaBar;
        }
        model.Encode(Images()).ShouldBeCloseTo(x.flatten(1), 1e-5);
    }

    // At full noise a latent is nearly N(0, I), so the walk from it and back does not lose it either.
    [Fact]
    public void Decode_ThenEncode_ReturnsTheLatent()
    {
        using DiffusionModel model = DiffusionModel.FromFunction(_format, (x, _) => x * 0.3, NoiseSchedule.Linear(100, 1e-3, 0.02), new DiffusionOptions { Steps = 6, Refinements = 10, Range = NetworkRange.ZeroToOne });
        using var scope = NewDisposeScope();
        Tensor latents = rand(4, 24) * 0.2 + 0.2;
        Tensor images = model.Decode(latents);
        images.min().ToDouble().Should().BePositive();
        images.max().ToDouble().Should().BeLessThan(1, "clamping would lose the latent");
        model.Encode(images).ShouldBeCloseTo(latents, 1e-5);
    }

    // Where no noise is ever found a walk only scales: up from ᾱ_0 to ᾱ_999, but down from ᾱ_980 to 1. What should return the image loses a sixth of it.
    [Fact]
    public void PublishedOffByOne_EndsLaterThanDecodingBegins()
    {
        DiffusionOptions options = new() { Steps = 50, Spacing = StepSpacing.Leading, Refinements = 0, Range = NetworkRange.ZeroToOne };
        using DiffusionModel right = DiffusionModel.FromFunction(_format, (x, _) => zeros_like(x), NoiseSchedule.Linear(), options);
        using DiffusionModel published = right.With(options with { Compatibility = InversionCompatibility.PublishedOffByOne });
        using var scope = NewDisposeScope();
        Tensor images = Images();
        right.Reconstruct(images).ShouldBeCloseTo(images, 1e-5);
        IReadOnlyList<double> alphaBars = right.Schedule.AlphaBars;
        double factor = Math.Sqrt(alphaBars[999] / alphaBars[0] / alphaBars[980]);
        factor.Should().BeApproximately(0.82685, 1e-5);
        published.Reconstruct(images).ShouldBeCloseTo(images * factor, 1e-5);
    }

    [Theory]
    [InlineData(8, 128)]
    [InlineData(28, 41)]
    [InlineData(32, 32)]
    [InlineData(64, 8)]
    [InlineData(512, 1)]
    public void BatchSize_OnTheProcessor_FallsWithThePixels(long side, long rows)
    {
        using DiffusionModel model = DiffusionModel.FromFunction(ImageFormat.Grey(side), (x, _) => zeros_like(x), NoiseSchedule.Linear());
        model.BatchSize.Should().Be(rows);
    }

    [Fact]
    public void With_SharesTheNetwork_WhichItDoesNotFree()
    {
        using var model = DiffusionModel.FromNetwork(DiffusionUNet.Create(DiffusionUNetTests.Tiny), NoiseSchedule.Linear());
        DiffusionModel other = model.With(new DiffusionOptions { Name = "short", Steps = 1 });
        other.ToString().Should().Be("short: 3×8×8 ↔ 192");
        other.Dispose();
        using Tensor latent = model.Sample(1, 1);
        using var shortest = model.With(new DiffusionOptions { Steps = 1 });
        shortest.Decode(latent).Dispose();
        model.Latent.Levels.Should().ContainSingle().Which.ToString().Should().Be("x_T [3, 8, 8]");
    }

    [Fact]
    public void SampleAncestral_SameSeed_GivesTheSameImages()
    {
        using var model = DiffusionModel.FromFunction(_format, (x, _) => x * 0.9, NoiseSchedule.Linear(20, 1e-2, 0.3), new DiffusionOptions { Steps = 5 });
        using var scope = NewDisposeScope();
        Tensor a = model.SampleAncestral(3, 1), b = model.SampleAncestral(3, 1), c = model.SampleAncestral(3, 2), d = model.SampleAncestral(3, 1, AncestralVariance.Beta);
        a.shape.Should().Equal(3, 2, 3, 4);
        a.bytes.SequenceEqual(b.bytes).Should().BeTrue();
        a.bytes.SequenceEqual(c.bytes).Should().BeFalse();
        a.bytes.SequenceEqual(d.bytes).Should().BeFalse();
        a.min().ToDouble().Should().BeGreaterThanOrEqualTo(0);
        a.max().ToDouble().Should().BeLessThanOrEqualTo(1);
        Action none = () => model.SampleAncestral(0, 1);
        none.ShouldRefuse("count", "count must be positive, but it is 0.");
    }

    [Fact]
    public void SampleAncestral_WithoutAScope_LeavesOnlyTheResult()
    {
        using var model = DiffusionModel.FromNetwork(DiffusionUNet.Create(DiffusionUNetTests.Tiny), NoiseSchedule.Linear(3, 0.1, 0.3), new DiffusionOptions { Steps = 2 });
        long before = NoTensorLeaksAttribute.Live();
        using Tensor drawn = model.SampleAncestral(2, 5);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(1);
        model.Dispose();
        Action act = () => model.SampleAncestral(1, 1);
        act.Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Network_OfAnotherShape_IsToldInWords()
    {
        using var model = DiffusionModel.FromFunction(_format, (x, _) => x.narrow(1, 0, 1), NoiseSchedule.Linear());
        using Tensor images = Images();
        Action act = () => model.Encode(images);
        act.ShouldSay<InvalidOperationException>("The network must predict the shape [3, 2, 3, 4] that it is shown, but it returned [3, 1, 3, 4].");
    }

    [Fact]
    public void Options_ThatContradict_AreRefusedInWords()
    {
        Refuses(new DiffusionOptions { ClipPrediction = true }, "options must not refine what it clips, but ClipPrediction is true and Refinements is 3. Set one of them to false or 0.");
        Refuses(
            new DiffusionOptions { Compatibility = InversionCompatibility.PublishedOffByOne },
            "options must have Spacing Leading, Offset 0 and Refinements 0 for PublishedOffByOne, but they are Trailing, 0 and 3.");
        Refuses(new DiffusionOptions { Steps = 1001 }, "options must have at most as many steps as the schedule has times, but they are 1001 and 1000.");
        Refuses(
            new DiffusionOptions { Steps = 900, Spacing = StepSpacing.Quadratic },
            "options must visit ascending times below 1000, but Quadratic spacing of 900 steps with offset 0 comes to 0 at step 1. Take fewer steps.");
        Refuses(
            new DiffusionOptions { Steps = 50, Spacing = StepSpacing.Leading, Offset = 20 },
            "options must visit ascending times below 1000, but Leading spacing of 50 steps with offset 20 comes to 1000 at step 49. Take fewer steps.");
        Refuses(
            new DiffusionOptions { Steps = 50, DecodeSteps = 20, Spacing = StepSpacing.Leading },
            "options must begin decoding where encoding ends, but Leading spacing of 50 and 20 steps ends at 980 and begins at 950. Use Trailing spacing.");
        Refuses(new DiffusionOptions { Spacing = (StepSpacing)9 }, "options must have a known Spacing, but it is 9.");

        static void Refuses(DiffusionOptions options, string text)
        {
            Action act = () => Bent(options);
            act.ShouldRefuse("options", text);
        }
    }

    [Fact]
    public void Options_OutOfRange_AreRefusedInWords()
    {
        Refuses(() => _ = new DiffusionOptions { Name = "" }, "Name", "Name must not be blank.");
        Refuses(() => _ = new DiffusionOptions { Steps = 0 }, "Steps", "Steps must be positive, but it is 0.");
        Refuses(() => _ = new DiffusionOptions { DecodeSteps = 0 }, "DecodeSteps", "DecodeSteps must be positive, but it is 0.");
        Refuses(() => _ = new DiffusionOptions { Offset = -1 }, "Offset", "Offset must be zero or more, but it is -1.");
        Refuses(() => _ = new DiffusionOptions { Refinements = -1 }, "Refinements", "Refinements must be zero or more, but it is -1.");
        Refuses(() => _ = new DiffusionOptions { SolverOrder = 4 }, "SolverOrder", "SolverOrder must be 1, 2 or 3, but it is 4.");
        Refuses(() => _ = new DynamicThreshold { Quantile = 1 }, "Quantile", "Quantile must lie strictly between 0 and 1, but it is 1.");
        Refuses(() => _ = new DynamicThreshold { Maximum = 0 }, "Maximum", "Maximum must be positive and finite, but it is 0.");
        Refuses(() => _ = new ConvolutionalDenoiserOptions { HiddenChannels = [] }, "HiddenChannels", "HiddenChannels must hold at least one entry, but it is empty. Give one number a block.");
        Refuses(() => _ = new ConvolutionalDenoiserOptions { HiddenChannels = [0] }, "HiddenChannels", "HiddenChannels must be positive, but it is 0.");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }

    [Fact]
    public void Save_ThenLoad_IsTheSameModel()
    {
        DiffusionOptions options = new()
        {
            Name = "noise",
            Prediction = PredictionType.Velocity,
            Range = NetworkRange.ZeroToOne,
            Steps = 4,
            DecodeSteps = 2,
            Spacing = StepSpacing.Linspace,
            SetAlphaToOne = false,
            Refinements = 1,
            Threshold = new DynamicThreshold { Quantile = 0.9, Maximum = 3 },
            Solver = DiffusionSolver.DpmSolverPlusPlus,
            SolverOrder = 3,
        };
        using var model = DiffusionModel.FromNetwork(DiffusionUNet.Create(DiffusionUNetTests.Tiny), NoiseSchedule.Cosine(60), options);
        Same(model, options);
        using var network = ConvolutionalDenoiser.Create(new ConvolutionalDenoiserOptions { Image = ImageFormat.Grey(6), HiddenChannels = [4] });
        DiffusionOptions published = new() { Steps = 20, Spacing = StepSpacing.Leading, Refinements = 0, ClipPrediction = true, Compatibility = InversionCompatibility.PublishedOffByOne };
        using var digits = DiffusionModel.FromNetwork(network, network.Schedule, published);
        Same(digits, published);

        void Same(DiffusionModel saved, DiffusionOptions expected)
        {
            saved.Save(_folder);
            using LatentModel loaded = LatentModel.Load(_folder);
            loaded.Should().BeOfType<DiffusionModel>().Which.Options.Should().Be(expected);
            using var scope = NewDisposeScope();
            Tensor images = rand(2, saved.Image.Channels, saved.Image.Height, saved.Image.Width);
            loaded.Reconstruct(images).bytes.SequenceEqual(saved.Reconstruct(images).bytes).Should().BeTrue();
        }
    }

    [Theory]
    [InlineData("spacing", "\"Odd\"", "*must hold one of Trailing, Leading, Linspace, Quadratic as 'spacing', but it holds 'Odd'.")]
    [InlineData("network", "\"Odd\"", "*must hold a network of kind unet or blocks, but it holds 'Odd'.")]
    [InlineData("threshold", "[1]", "*must hold a quantile and a maximum as 'threshold', but it holds 1 numbers.")]
    [InlineData("steps", "0", "*must hold the description of a diffusion model, but it does not: Steps must be positive, but it is 0.*")]
    [InlineData("offset", "-3", "*must hold the description of a diffusion model, but it does not: Offset must be zero or more, but it is -3.*")]
    [InlineData("steps", "999", "*must hold the description of a diffusion model, but it does not: options must have at most as many steps*")]
    public void Load_DamagedDescription_IsRefusedInWords(string key, string value, string text)
    {
        using (var model = DiffusionModel.FromNetwork(DiffusionUNet.Create(DiffusionUNetTests.Tiny), NoiseSchedule.Linear(60))) model.Save(_folder);
        string path = Path.Combine(_folder, "config.json");
        JsonNode root = JsonNode.Parse(File.ReadAllText(path))!;
        root["configuration"]![key] = JsonNode.Parse(value);
        File.WriteAllText(path, root.ToJsonString());
        Action act = () => LatentModel.Load(_folder);
        act.Should().Throw<InvalidDataException>().WithMessage(text);
    }

    [Fact]
    public void Save_OfAFunction_IsRefused()
    {
        using DiffusionModel model = Bent();
        Action act = () => model.Save(_folder);
        act.ShouldSay<NotSupportedException>("DiffusionModel does not describe itself. Override Describe, and teach ModelKinds to open it.");
    }

    [Fact]
    public void ConvolutionalDenoiser_SavedWeights_AreTheSameNetwork_AndOthersAreRefused()
    {
        string path = Path.Combine(_folder, "weights.safetensors");
        using var network = ConvolutionalDenoiser.Create(new ConvolutionalDenoiserOptions { Image = ImageFormat.Grey(6), HiddenChannels = [4, 3] });
        network.SaveWeights(path);
        using (var loaded = ConvolutionalDenoiser.Load(path))
        {
            using var scope = NewDisposeScope();
            Tensor x = rand(2, 1, 6, 6), times = tensor([3f, 900f]);
            loaded.Predict(x, times).bytes.SequenceEqual(network.Predict(x, times).bytes).Should().BeTrue();
            loaded.ParameterCount.Should().Be(network.ParameterCount);
        }
        using (NewDisposeScope()) SafeTensors.Save(path, [.. network.Weights.All.Where(weight => weight.Name != "gt.time_embed.2.bias").Append(("ssim", zeros(1)))]);
        Action act = () => ConvolutionalDenoiser.Load(path);
        act.ShouldSay<InvalidDataException>($"{path} must hold exactly the weights of a denoiser of 7×7 blocks, but gt.time_embed.2.bias is missing; ssim is unexpected.");
        using (NewDisposeScope()) SafeTensors.Save(path, [("a", zeros(1))]);
        act.ShouldSay<InvalidDataException>($"{path} must hold a denoiser of 7×7 blocks with its schedule (beta_t, gt.blocks.0.net.0.weight, ...), but it holds a...");
        network.Dispose();
        Action save = () => network.SaveWeights(path), predict = () => network.Predict(null!, null!);
        save.Should().Throw<ObjectDisposedException>();
        predict.Should().Throw<ObjectDisposedException>();
    }

    [SharedFact(Weights)]
    public void PublishedDigits_TheirSchedule_IsTheLinearOne()
    {
        using var network = ConvolutionalDenoiser.Load(Shared.Path(Weights));
        network.Image.Should().Be(ImageFormat.Grey(28));
        network.ParameterCount.Should().Be(291_217);
        network.Schedule.Steps.Should().Be(1001);
        NoiseSchedule expected = NoiseSchedule.Linear(1001);
        network.Schedule.AlphaBars.Zip(expected.AlphaBars).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-6);
        using var fresh = ConvolutionalDenoiser.Create();
        fresh.Weights["gt.frequencies"].ShouldBeCloseTo(network.Weights["gt.frequencies"], 1e-6);
        fresh.Weights["alpha_t"].ShouldBeCloseTo(network.Weights["alpha_t"], 1e-6);
    }

    // What it was trained for: told a noisy digit and the time, it finds most of the noise.
    [SharedFact(Weights)]
    public void PublishedDigits_NetworkFindsTheNoise()
    {
        using var network = ConvolutionalDenoiser.Load(Shared.Path(Weights));
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor clean = IdxImages.Open(Shared.Path("data/mnist/t10k-images-idx3-ubyte.gz")).Load(0, 8) - 0.5;
        Tensor noise = randn(clean.shape, ScalarType.Float32, generator: generator);
        double alphaBar = network.Schedule.AlphaBars[300];
        Tensor found = network.Predict(clean * Math.Sqrt(alphaBar) + noise * Math.Sqrt(1 - alphaBar), full([8], 300f));
        (found - noise).square().mean().ToDouble().Should().BeLessThan(0.05);
    }

    [SharedFact(Weights)]
    public void PublishedDigits_ComeBack_TheNearerTheMoreRefinements()
    {
        using var network = ConvolutionalDenoiser.Load(Shared.Path(Weights));
        DiffusionOptions options = new() { Range = NetworkRange.MinusHalfToHalf, Steps = 10, Refinements = 0 };
        using var plain = DiffusionModel.FromNetwork(network, network.Schedule, options);
        using DiffusionModel refined = plain.With(options with { Refinements = 5 });
        using var scope = NewDisposeScope();
        Tensor digits = IdxImages.Open(Shared.Path("data/mnist/t10k-images-idx3-ubyte.gz")).Load(0, 4);
        double coarse = Rmse(plain), fine = Rmse(refined);
        coarse.Should().BeLessThan(0.12);
        fine.Should().BeLessThan(0.025);
        // Flat borders invert to less than the full deviation of 1.
        refined.Encode(digits).std().ToDouble().Should().BeInRange(0.7, 1.1);

        double Rmse(DiffusionModel model) => (model.Reconstruct(digits) - digits).square().mean().sqrt().ToDouble();
    }
}
