using LatentStitching.Adapters.Diffusion;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Diffusion;

[NoTensorLeaks]
public sealed class DiffusionUNetTests
{
    private const string Wide = "fixtures/ddim_unet/unet_b_channels.safetensors";

    [Fact]
    public void Predict_AgreesWithDdimsCode()
    {
        using StateDictionary fixture = Fixture.Load("ddim_unet/unet_a.safetensors");
        Agrees(fixture, 8);
    }

    [SharedFact(Wide)]
    public void Predict_OtherWidthsAndAttention_AgreesWithDdimsCode()
    {
        using StateDictionary fixture = SafeTensors.Load(Shared.Path(Wide));
        Agrees(fixture, 16);
    }

    private static void Agrees(StateDictionary fixture, long size)
    {
        using StateDictionary weights = fixture.Under("param.");
        using DiffusionUNet network = DiffusionUNet.From(weights, ImageFormat.Rgb(size), "fixture", CPU), wide = DiffusionUNet.From(weights, ImageFormat.Rgb(size), "fixture", CPU, ScalarType.Float64);
        network.ParameterCount.Should().Be(weights.Names.Sum(name => weights[name].numel()));
        network.Weights.All.Select(weight => weight.Name).Should().Equal(weights.Names, "weights come in the published order");
        using var scope = NewDisposeScope();
        network.Predict(fixture["in.x"], fixture["in.t"]).ShouldBeCloseTo(fixture["out.eps"], 2e-5);
        wide.Predict(fixture["in.x"].to_type(ScalarType.Float64), fixture["in.t"].to_type(ScalarType.Float64)).ShouldBeCloseTo(fixture["out64.eps"], 2e-5);
        DiffusionUNet.EmbedTimes(fixture["in.t"], 32).ShouldBeCloseTo(fixture["out.temb"], 2e-5);
        DiffusionUNet.EmbedTimes(fixture["in.t"], 7).ShouldBeCloseTo(fixture["out.temb_odd_dim"], 2e-5);
    }

    // The published walks: both directions, with noise, on both grids.
    [Fact]
    public void Walks_AgreeWithDdimsCode()
    {
        using StateDictionary fixture = Fixture.Load("ddim_unet/unet_a.safetensors");
        WalksAgree(fixture, 8);
    }

    [SharedFact(Wide)]
    public void Walks_OtherWidthsAndAttention_AgreeWithDdimsCode()
    {
        using StateDictionary fixture = SafeTensors.Load(Shared.Path(Wide));
        WalksAgree(fixture, 16);
    }

    private static void WalksAgree(StateDictionary fixture, long size)
    {
        using StateDictionary weights = fixture.Under("param.");
        using var network = DiffusionUNet.From(weights, ImageFormat.Rgb(size), "fixture", CPU);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        NoiseSchedule schedule = NoiseSchedule.Linear();
        NoisePredictor predictor = new(network.Predict);
        int steps = (int)fixture["in.seq"].numel();
        var grid = TimeGrid.Of(schedule, steps, StepSpacing.Leading, 0, true, "options");
        var quad = TimeGrid.Of(schedule, steps, StepSpacing.Quadratic, 0, true, "options");
        grid.Times.Should().Equal(fixture["in.seq"].data<long>().ToArray().Select(time => (int)time));
        quad.Times.Should().Equal(fixture["in.seq_quad"].data<long>().ToArray().Select(time => (int)time));

        DdimSampler.Decode(fixture["in.x"], grid, predictor).ShouldBeCloseTo(fixture["out.ddim.final"], 2e-4);
        DdimSampler.Decode(fixture["in.x"], quad, predictor).ShouldBeCloseTo(fixture["out.ddim_quad.final"], 2e-4);
        DdimSampler.Decode(fixture["in.x"], grid, predictor, 0.7, step => fixture["in.noise"][step]).ShouldBeCloseTo(fixture["out.ddim_eta0.7.final"], 2e-4);
        Tensor encoded = DdimSampler.EncodeOffByOne(fixture["in.image"], grid, schedule.AlphaBars[^1], predictor);
        encoded.ShouldBeCloseTo(fixture["out.reverse.final"], 2e-4);
        DdimSampler.Decode(encoded, grid, predictor).ShouldBeCloseTo(fixture["out.roundtrip"], 2e-4);

        // First steps alone, to a tighter tolerance.
        Tensor output = predictor.Predict(fixture["in.x"], grid.Times[^1]);
        predictor.Move(fixture["in.x"], output, grid.AlphaBars[^1], grid.AlphaBars[^2]).ShouldBeCloseTo(fixture["out.ddim.xs1"], 2e-5);
        predictor.Split(fixture["in.x"], output, grid.AlphaBars[^1]).Image.ShouldBeCloseTo(fixture["out.ddim.x0_first"], 2e-5);
        Tensor first = predictor.Predict(fixture["in.image"], 0);
        predictor.Move(fixture["in.image"], first, grid.AlphaBars[1], grid.AlphaBars[2]).ShouldBeCloseTo(fixture["out.reverse.xs1"], 2e-5);
    }

    [Fact]
    public void Layouts_HaveThePublishedParameterCounts()
    {
        Count(DiffusionUNetOptions.CelebA).Should().Be(78_700_803);
        Count(DiffusionUNetOptions.Cifar10).Should().Be(35_746_307);
        Count(DiffusionUNetOptions.Small(ImageFormat.Grey(28))).Should().Be(1_112_801);

        // Without taking the memory.
        static long Count(DiffusionUNetOptions options) => UNetShape.Of(options).ToLayout().Weights.Sum(spec => spec.Shape.Aggregate(1L, (product, size) => product * size));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Load_DiffusersNames_IsTheSameNetwork(bool old)
    {
        DiffusionUNetOptions options = Tiny with { Multipliers = [1, 2, 1], AttentionHeights = [4], BlocksPerLevel = 2 };
        using TempFile file = new();
        using var network = DiffusionUNet.Create(options);
        using (NewDisposeScope()) SafeTensors.Save(file.Path, [.. network.Weights.All.Select(weight => DiffusersName(weight.Name, weight.Tensor, 3, old))]);
        using var loaded = DiffusionUNet.Load(file.Path, options.Image);
        SameAnswers(network, loaded);
    }

    // Lists such as [weights, optimiser, epoch, step, moving average]: a state dictionary stands in for one of its items.
    [Fact]
    public void Load_NamesOfDataParallel_IsTheSameNetwork()
    {
        using TempFile file = new();
        using var network = DiffusionUNet.Create(Tiny);
        SafeTensors.Save(file.Path, [.. network.Weights.All.Select(weight => ("module." + weight.Name, weight.Tensor))]);
        using var loaded = DiffusionUNet.Load(file.Path, Tiny.Image);
        SameAnswers(network, loaded);
    }

    [Fact]
    public void SaveWeights_ThenLoad_IsTheSameNetwork()
    {
        using TempFile file = new();
        using var network = DiffusionUNet.Create(Tiny);
        network.SaveWeights(file.Path);
        using var loaded = DiffusionUNet.Load(file.Path, Tiny.Image);
        loaded.ParameterCount.Should().Be(network.ParameterCount);
        SameAnswers(network, loaded);
        network.Dispose();
        Action save = () => network.SaveWeights(file.Path), predict = () => network.Predict(null!, null!);
        save.Should().Throw<ObjectDisposedException>();
        predict.Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Load_OtherWeights_NamesEveryWrongKeyAtOnce()
    {
        using TempFile file = new();
        using var network = DiffusionUNet.Create(Tiny);
        using (NewDisposeScope())
        {
            SafeTensors.Save(file.Path, [.. network.Weights.All.Where(weight => weight.Name != "mid.attn_1.q.bias").Select(weight => (weight.Name, weight.Name == "norm_out.bias" ? zeros(2) : weight.Tensor)), ("logvar", zeros(1))]);
        }
        Action act = () => DiffusionUNet.Load(file.Path, Tiny.Image);
        act.Should().Throw<InvalidDataException>().WithMessage("*the weights of a U-Net of DDIM, but mid.attn_1.q.bias is missing; norm_out.bias is [2] instead of [32]; logvar is unexpected.");
        using (NewDisposeScope()) SafeTensors.Save(file.Path, [("a", zeros(1))]);
        act.ShouldSay<InvalidDataException>(
            $"{file.Path} must hold a U-Net of DDIM (conv_in.weight, down.0.block.0.conv1.weight, ...) or of diffusers (conv_in.weight, down_blocks.0.resnets.0.conv1.weight, ...), but it holds a...");
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        Refuses(() => DiffusionUNet.Create(Tiny with { Image = ImageFormat.Rgb(9) }), "options", "options must have 3 channels and sides divisible by 2 for 2 levels, but it is 3×9×9.");
        Refuses(() => _ = new DiffusionUNetOptions { Channels = 48 }, "Channels", "Channels must be a positive multiple of 32, but it is 48.");
        Refuses(() => _ = new DiffusionUNetOptions { Multipliers = [] }, "Multipliers", "Multipliers must hold at least one entry, but it is empty. Give one number a level.");
        Refuses(() => _ = new DiffusionUNetOptions { Multipliers = [1, 0] }, "Multipliers", "Multipliers must be positive, but it is 0.");
        Refuses(() => _ = new DiffusionUNetOptions { BlocksPerLevel = 0 }, "BlocksPerLevel", "BlocksPerLevel must be positive, but it is 0.");
        Refuses(() => _ = new DiffusionUNetOptions { Dropout = 1 }, "Dropout", "Dropout must lie from 0 to below 1, but it is 1.");
        Refuses(() => DiffusionUNet.Load(" ", Tiny.Image), "path", "path must not be blank.");
        Refuses(() => UNetKeys.Diffusers(0), "levels", "levels must be positive, but it is 0.");
        using TempFile file = new();
        using (var network = DiffusionUNet.Create(Tiny)) network.SaveWeights(file.Path);
        Refuses(() => DiffusionUNet.Load(file.Path, ImageFormat.Grey(8)), "image", "image must have 3 channels and sides divisible by 2 for 2 levels, but it is 1×8×8.");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }

    internal static DiffusionUNetOptions Tiny { get; } = new() { Image = ImageFormat.Rgb(8), Channels = 32, Multipliers = [1, 1], BlocksPerLevel = 1, AttentionHeights = [4], Seed = 3 };

    private static void SameAnswers(DiffusionUNet a, DiffusionUNet b)
    {
        using var scope = NewDisposeScope();
        Tensor x = rand(2, 3, 8, 8), times = tensor([3f, 500f]);
        b.Predict(x, times).bytes.SequenceEqual(a.Predict(x, times).bytes).Should().BeTrue();
    }

    // The naming of diffusers, written from the other end than the library's map.
    private static (string Name, Tensor Tensor) DiffusersName(string name, Tensor tensor, int levels, bool old)
    {
        string[] parts = name.Split('.');
        string end = parts[^1];
        bool attention = parts.Any(part => part.StartsWith("attn", StringComparison.Ordinal));
        string place = parts[0] switch
        {
            "temb" => $"time_embedding.linear_{int.Parse(parts[2]) + 1}",
            "norm_out" => "conv_norm_out",
            "conv_in" or "conv_out" => parts[0],
            "mid" => "mid_block." + parts[1] switch { "block_1" => "resnets.0.", "block_2" => "resnets.1.", _ => "attentions.0." } + Part(parts[2]),
            _ => Level() + parts[2] switch { "downsample" => "downsamplers.0.conv", "upsample" => "upsamplers.0.conv", _ => $"{(attention ? "attentions" : "resnets")}.{parts[3]}.{Part(parts[4])}" },
        };
        return ($"{place}.{end}", attention && tensor.dim() == 4 ? tensor.reshape(tensor.size(0), tensor.size(1)) : tensor);

        string Level() => parts[0] == "down" ? $"down_blocks.{parts[1]}." : $"up_blocks.{levels - 1 - int.Parse(parts[1])}.";

        string Part(string part) => part switch
        {
            "temb_proj" => "time_emb_proj",
            "nin_shortcut" => "conv_shortcut",
            "norm" => "group_norm",
            "q" => old ? "query" : "to_q",
            "k" => old ? "key" : "to_k",
            "v" => old ? "value" : "to_v",
            "proj_out" => old ? "proj_attn" : "to_out.0",
            _ => part,
        };
    }
}

/// <summary>A name for a file that is deleted at the end.</summary>
internal sealed class TempFile : IDisposable
{
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), System.IO.Path.GetRandomFileName() + ".safetensors");

    public void Dispose() => File.Delete(Path);
}
