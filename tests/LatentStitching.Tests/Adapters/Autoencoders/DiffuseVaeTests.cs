using System.Text.Json;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Autoencoders;

[NoTensorLeaks]
public sealed class DiffuseVaeTests
{
    private const double Tolerance = 1e-5;

    [Theory]
    [InlineData("vae_8")]
    [InlineData("vae_16")]
    public void Network_PublishedCode_IsMet(string name)
    {
        using StateDictionary fixture = Fixture.Load($"diffusevae_vae/{name}.safetensors");
        (DiffuseVaeOptions options, double alpha) = Config(fixture);
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            SafeTensors.Save(path, [.. fixture.Names.Where(key => key.StartsWith("param.", StringComparison.Ordinal)).Select(key => (key["param.".Length..], fixture[key]))]);
            using DiffuseVae model = DiffuseVae.Load(path, options, "first stage");
            model.Name.Should().Be("first stage");
            using var scope = NewDisposeScope();
            Tensor x = fixture["in.x"];
            (Tensor mean, Tensor logVariance) = model.Network.Encode(x);
            Map(mean).ShouldBeCloseTo(fixture["out.mu"], Tolerance);
            Map(mean).ShouldBeCloseTo(fixture["out64.mu"], Tolerance);
            Map(logVariance).ShouldBeCloseTo(fixture["out.logvar"], Tolerance);
            Tensor z = mean + ((logVariance / 2).exp() * fixture["in.eps"].flatten(1));
            Map(z).ShouldBeCloseTo(fixture["out.z"], Tolerance);
            model.Decode(z).ShouldBeCloseTo(fixture["out.recon_z"], Tolerance);
            model.Decode(mean).ShouldBeCloseTo(fixture["out64.recon_mu"], Tolerance);
            double kl = Elbo.Divergence(mean, logVariance).sum().ToDouble();
            kl.Should().BeApproximately(fixture["out.kl"].ToDouble(), Tolerance * kl);
            double loss = model.Network.Loss(x, model.Network.Decode(z, null), mean, logVariance, alpha, _ => 0).ToDouble() * x.size(0);
            loss.Should().BeApproximately(fixture["out.loss"].ToDouble(), Tolerance * loss);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Options_BrokenStrings_AreRefusedWithThePlace()
    {
        DiffuseVaeOptions good = Small.DiffuseOptions();
        Refuses(good with { EncoderBlocks = "8x1,8q2" }, "EncoderBlocks", "EncoderBlocks must be layers such as 64x7,64d2,64t32, but it holds '8q2'.");
        Refuses(good with { EncoderBlocks = "8x1,4x1" }, "EncoderBlocks", "EncoderBlocks must lead from side 8 to side 1 step by step, but '4x1' comes where the side is 8 and the channels are those of 8.");
        Refuses(good with { EncoderBlocks = "8d3,8t4" }, "EncoderBlocks", "EncoderBlocks must lead from side 8 to side 1 step by step, but '8d3' comes where the side is 8 and the channels are those of 8.");
        Refuses(good with { EncoderBlocks = "8d2,8t4,4x1" }, "EncoderBlocks", "EncoderBlocks must end at side 1, but it ends at 4 with the channels of 4.");
        Refuses(good with { EncoderChannels = "8:64,1:5" }, "EncoderChannels", "EncoderChannels must tell the channels of every side, but those of 4 are missing.");
        Refuses(good with { DecoderChannels = "8:4,4:x,1:5" }, "DecoderChannels", "DecoderChannels must be different sides with at least 2 channels each, such as 64:64,32:128, but it holds '4:x'.");
        Refuses(good with { DecoderChannels = "8:4,4:6,1:7" }, "options", "DecoderChannels must give side 1 the 5 channels of EncoderChannels, but it gives 7.");
        Refuses(good with { EncoderChannels = "8:32,4:6,1:5" }, "options", "EncoderChannels must give side 8, the images', 64 channels, which the first layer makes, but it gives 32.");

        static void Refuses(DiffuseVaeOptions options, string parameter, string text)
        {
            Action act = () => DiffuseVae.Create(options).Dispose();
            act.ShouldRefuse(parameter, text);
        }
    }

    private static Tensor Map(Tensor rows) => rows.unsqueeze(-1).unsqueeze(-1);

    private static (DiffuseVaeOptions Options, double Alpha) Config(StateDictionary fixture)
    {
        using var json = JsonDocument.Parse(fixture.Metadata["config"]);
        JsonElement root = json.RootElement;
        return (new DiffuseVaeOptions
        {
            Size = root.GetProperty("input_res").GetInt64(),
            EncoderBlocks = root.GetProperty("enc_block_str").GetString()!,
            EncoderChannels = root.GetProperty("enc_channel_str").GetString()!,
            DecoderBlocks = root.GetProperty("dec_block_str").GetString()!,
            DecoderChannels = root.GetProperty("dec_channel_str").GetString()!,
        }, root.GetProperty("alpha").GetDouble());
    }
}
