using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Autoencoders;

[NoTensorLeaks]
public sealed class VqVaeTests : IDisposable
{
    private const double Tolerance = 2e-5;
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData("vq_f2", 16)]
    [InlineData("vq_f2_attn", 8)]
    public void Network_Taming_IsMet(string name, long size)
    {
        using StateDictionary fixture = Fixture.Load($"vqmodel/{name}.safetensors");
        SaveParameters(fixture);
        using VqVae model = VqVae.Load(_path, ImageFormat.Rgb(size));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor before = model.Network.Encode(fixture["in.x"]), latents = before.flatten(1);
        before.ShouldBeCloseTo(fixture["out.latents_before_quantize"], Tolerance);
        before.ShouldBeCloseTo(fixture["out64.latents_before_quantize"], Tolerance);
        model.Indices(latents).eq(fixture["out.indices"]).all().ToBoolean().Should().BeTrue();
        Tensor snapped = model.Quantise(latents).reshape(before.shape);
        snapped.ShouldBeCloseTo(fixture["out.quantized"], Tolerance);
        snapped.ShouldBeCloseTo(fixture["out.codebook_entry"], Tolerance);
        model.Network.Decode(snapped).ShouldBeCloseTo(fixture["out.decoded"], Tolerance);
        model.Network.Decode(snapped).ShouldBeCloseTo(fixture["out64.decoded"], Tolerance);
        model.Network.Decode(before).ShouldBeCloseTo(fixture["out.decoded_not_quantized"], Tolerance);
        // The published vq_loss weighs both of its halves together by 1.25; beside it stands the absolute error of the pixels.
        using VqVaeTask task = new(model, new VqVaeTrainer { Commitment = 1.25 });
        double pixels = (fixture["out.decoded"] - fixture["in.x"]).to_type(ScalarType.Float64).abs().mean().ToDouble(), expected = pixels + fixture["out.vq_loss"].ToDouble();
        using (Generator none = new(0)) task.Validate((fixture["in.x"] + 1) / 2, none).Should().BeApproximately(expected, Tolerance * expected);

        // What the adapter adds: the range, flattening, and its views.
        model.Decode(latents).ShouldBeCloseTo(((fixture["out.decoded"] + 1) / 2).clamp(0, 1), Tolerance);
        using ILatentModel plain = model.WithoutQuantising();
        plain.Decode(latents).ShouldBeCloseTo(((fixture["out.decoded_not_quantized"] + 1) / 2).clamp(0, 1), Tolerance);
        Tensor distance = model.SnappingDistance(latents);
        Tensor byHand = (fixture["out.latents_before_quantize"] - fixture["out.quantized"]).square().sum([1]).sqrt().mean([1, 2]);
        distance.ShouldBeCloseTo(byHand, Tolerance);
    }

    [Fact]
    public void Load_DiffusersFolder_IsTheSameModel()
    {
        using StateDictionary fixture = Fixture.Load("vqmodel/vq_f2.safetensors");
        SaveParameters(fixture);
        using VqVae ours = VqVae.Load(_path, ImageFormat.Rgb(16)), theirs = VqVae.Load(Fixture.Path("vqmodel/vq_f2_diffusers"));
        theirs.Name.Should().Be("vq_f2_diffusers");
        theirs.Image.Should().Be(ImageFormat.Rgb(16));
        Same(ours, theirs);
    }

    // The names of newer and of older versions of diffusers, for the model with attention at each resolution too.
    [Theory]
    [InlineData("to_q", "to_k", "to_v", "to_out.0")]
    [InlineData("query", "key", "value", "proj_attn")]
    public void Load_DiffusersNames_OldAndNew_AreUnderstood(string q, string k, string v, string o)
    {
        using StateDictionary fixture = Fixture.Load("vqmodel/vq_f2_attn.safetensors");
        SaveParameters(fixture);
        using VqVae ours = VqVae.Load(_path, ImageFormat.Rgb(8));
        Dictionary<string, string> names = System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(fixture.Metadata["taming_to_diffusers"])!;
        using (NewDisposeScope())
        {
            SafeTensors.Save(_path, [.. names.Select(pair => (Older(pair.Value), Flat(pair.Value, fixture["param." + pair.Key])))]);
        }
        using VqVae theirs = VqVae.Load(_path, ImageFormat.Rgb(8));
        Same(ours, theirs);

        string Older(string name) => name.Replace("to_q", q, StringComparison.Ordinal).Replace("to_k", k, StringComparison.Ordinal).Replace("to_v", v, StringComparison.Ordinal).Replace("to_out.0", o, StringComparison.Ordinal);

        static Tensor Flat(string name, Tensor weight) => name.Contains(".to_", StringComparison.Ordinal) && weight.dim() == 4 ? weight.squeeze(3).squeeze(2) : weight;
    }

    [Fact]
    public void Load_WholeCompVisCheckpoint_LeavesTheRestOut()
    {
        using VqVae model = Small.Vq();
        using (NewDisposeScope())
        {
            SafeTensors.Save(
                _path,
                [.. model.Network.Weights.All.Select(weight => ("first_stage_model." + weight.Name, weight.Tensor)), ("first_stage_model.loss.discriminator.main.0.weight", zeros(1)), ("model.diffusion_model.out.2.bias", zeros(1)), ("betas", zeros(1)), ("model_ema.decay", zeros(1)), ("scale_factor", zeros(1))]);
        }
        Action act = () => VqVae.Load(_path, model.Image).Dispose();
        act.ShouldSay<InvalidDataException>($"{_path} must hold a VQ-VAE whose channels are multiples of 32, the groups of each normalisation, but one has 4.");
        using StateDictionary file = SafeTensors.Load(_path), mapped = VqVaeKeys.CompVis.Apply(file);
        mapped.Names.Should().Equal(model.Network.Weights.All.Select(weight => weight.Name));
    }

    [Fact]
    public void Quantise_Again_ChangesNothing_AndGradientsPassStraightThrough()
    {
        using VqVae model = Small.Vq();
        using var scope = NewDisposeScope();
        Tensor latents = randn(4, model.Latent.Dimension), snapped = model.Quantise(latents);
        model.Quantise(snapped).ShouldBeCloseTo(snapped, 0);
        model.SnappingDistance(snapped).abs().max().ToDouble().Should().Be(0);
        model.SnappingDistance(latents).min().ToDouble().Should().BePositive();
        model.CodebookSize.Should().Be(16);
        Tensor indices = model.Indices(latents);
        indices.dtype.Should().Be(ScalarType.Int64);
        indices.shape.Should().Equal(4, 4, 6);

        // By brute force, in double precision.
        Tensor vectors = VectorQuantiser.Vectors(latents.reshape(4, 2, 4, 6)).to_type(ScalarType.Float64), codes = model.Network.Codebook.detach().to_type(ScalarType.Float64);
        Tensor nearest = (vectors.unsqueeze(1) - codes.unsqueeze(0)).square().sum([2]).argmin(1);
        nearest.eq(indices.flatten()).to_type(ScalarType.Float32).mean().ToDouble().Should().Be(1);

        Tensor free = latents.clone().requires_grad_(), fixedAt = snapped.clone().requires_grad_();
        model.Decode(free).sum().backward();
        using ILatentModel plain = model.WithoutQuantising();
        plain.Decode(fixedAt).sum().backward();
        free.grad!.ShouldBeCloseTo(fixedAt.grad!, 1e-6);
        model.Decode(free).detach().ShouldBeCloseTo(model.Decode(latents), 0);
    }

    [Fact]
    public void At_PostQuantisation_EncodesToCodes_AndDecodesThemAsTheyAre()
    {
        using VqVae model = Small.Vq();
        using ILatentModel after = model.At("post-quantisation"), before = model.At("pre-quantisation");
        using var scope = NewDisposeScope();
        Tensor images = rand(3, 3, 8, 12), latents = model.Encode(images), codes = after.Encode(images);
        codes.ShouldBeCloseTo(model.Quantise(latents), 0);
        before.Encode(images).ShouldBeCloseTo(latents, 0);
        after.Decode(codes).ShouldBeCloseTo(model.Reconstruct(images), 0);
        after.Latent.Levels[0].Shape.Should().Equal(2, 4, 6);
        after.Name.Should().Be("vq-vae/post-quantisation");
        Action rest = () => model.At("post-quantisation", zeros(1, model.Latent.Dimension));
        rest.ShouldRefuse("rest", "rest must be null for 'post-quantisation', which is no part of the latent of vq-vae.");
        Action other = () => model.At("z");
        other.Should().Throw<ArgumentException>().WithMessage("*post-quantisation*");
    }

    // The thesis's images: 150 → 75 → 37, which doubles to 148.
    [Fact]
    public void Decode_SizeThatHalvingsDoNotDivide_IsResizedToTheImage()
    {
        using var model = VqVae.Create(Small.VqOptions() with { Image = ImageFormat.Rgb(150), Channels = [4, 4, 8], AttentionLevels = [] });
        model.Latent.Levels[0].Shape.Should().Equal(2, 37, 37);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor latents = randn(1, model.Latent.Dimension), map = model.Network.Decode(model.Quantise(latents).reshape(1, 2, 37, 37));
        map.shape.Should().Equal(1, 3, 148, 148);
        Tensor decoded = model.Decode(latents);
        decoded.shape.Should().Equal(1, 3, 150, 150);
        // Both grids have the same centre, between their two middle pixels.
        Tensor middle = ((map.narrow(2, 73, 2).narrow(3, 73, 2) + 1) / 2).clamp(0, 1);
        decoded.narrow(2, 74, 2).narrow(3, 74, 2).mean().ToDouble().Should().BeApproximately(middle.mean().ToDouble(), 1e-3);
    }

    [Fact]
    public void Load_WithoutASize_OrWithABrokenFolder_SaysWhatItNeeds()
    {
        Action size = () => VqVae.Load(Fixture.Path("vqmodel/vq_f2_diffusers/diffusion_pytorch_model.safetensors")).Dispose();
        size.ShouldRefuse("image", "image must be given where no config.json tells it: ImageFormat.Rgb(256) for a model trained at 256×256.");
        Action small = () => VqVae.Load(Fixture.Path("vqmodel/vq_f2_diffusers"), new ImageFormat(3, 1, 8)).Dispose();
        small.ShouldRefuse("image", "image must be at least 2 pixels high and wide, because 1 layers halve it, but it is 3×1×8.");
        Action grey = () => VqVae.Load(Fixture.Path("vqmodel/vq_f2_diffusers"), ImageFormat.Grey(8)).Dispose();
        grey.ShouldRefuse("image", "image must have the 3 channels of the weights, but it is 1×8×8.");
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            Action load = () => VqVae.Load(folder).Dispose();
            File.WriteAllText(Path.Combine(folder, "diffusion_pytorch_model.bin"), "");
            Refuses("{\"_class_name\": \"AutoencoderKL\"}", "describe a VQModel, but its _class_name is AutoencoderKL.");
            Refuses("{}", "describe a VQModel, but its _class_name is missing.");
            Refuses("{\"_class_name\": \"VQModel\", \"norm_num_groups\": 0}", "hold a positive whole number norm_num_groups, but it is 0.");
            Refuses("{\"_class_name\": \"VQModel\", \"act_fn\": \"gelu\"}", "have the activation silu, as all published models, but its act_fn is gelu.");
            Refuses("{\"_class_name\": \"VQModel\", \"sample_size\": \"big\"}", "hold a positive whole number sample_size, but it is big.");

            void Refuses(string config, string text)
            {
                File.WriteAllText(Path.Combine(folder, "config.json"), config);
                load.ShouldSay<InvalidDataException>($"config.json in {folder} must {text}");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Options_ThatDoNotFit_AreRefused()
    {
        Action groups = () => VqVae.Create(new VqVaeOptions { Channels = [48] }).Dispose();
        groups.ShouldRefuse("options", "Channels must be multiples of 32, the groups of each normalisation, but one is 48.");
        Action level = () => VqVae.Create(new VqVaeOptions { Channels = [32], AttentionLevels = [1] }).Dispose();
        level.ShouldRefuse("options", "AttentionLevels must lie from 0 to 0, but one is 1.");
        Action none = () => _ = new VqVaeOptions { Channels = [] };
        none.ShouldRefuse("Channels", "Channels must hold at least one entry, but it is empty. Give one number a resolution.");
        Action keys = () => VqVaeKeys.Diffusers(0);
        keys.ShouldRefuse("levels", "levels must be positive, but it is 0.");
        using VqVae model = Small.Vq();
        using Tensor wrong = zeros(2, 3);
        Action indices = () => model.Indices(wrong);
        indices.ShouldRefuse("latents", "latents must have 48 columns, the latent width of vq-vae, but its shape is [2, 3].");
    }

    private void SaveParameters(StateDictionary fixture) =>
        SafeTensors.Save(_path, [.. fixture.Names.Where(key => key.StartsWith("param.", StringComparison.Ordinal)).Select(key => (key["param.".Length..], fixture[key]))]);

    private static void Same(VqVae ours, VqVae theirs)
    {
        theirs.Network.Weights.All.Select(weight => weight.Name).Should().Equal(ours.Network.Weights.All.Select(weight => weight.Name));
        using var scope = NewDisposeScope();
        Tensor images = rand(2, 3, ours.Image.Height, ours.Image.Width);
        theirs.Encode(images).ShouldBeCloseTo(ours.Encode(images), 0);
        theirs.Reconstruct(images).ShouldBeCloseTo(ours.Reconstruct(images), 0);
    }
}
