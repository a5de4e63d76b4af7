using System.Text.Json.Nodes;
using LatentStitching.Adapters.Gans;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Gans;

/// <summary>Equal to the reference operators of NVlabs/stylegan2-ada-pytorch, at their own difference between fused and unfused modulation.</summary>
[NoTensorLeaks]
public sealed class StyleGan2FixtureTests
{
    private const double Tolerance = 2e-5;

    public static TheoryData<string> Cases => ["cond_16", "skip_16"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Network_EqualsTheOriginal(string name)
    {
        using StateDictionary fixture = Fixture.Load($"stylegan2/{name}.safetensors");
        using StateDictionary state = fixture.Under("param.");
        JsonNode config = JsonNode.Parse(fixture.Metadata["config"])!;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var sizes = StyleGan2Sizes.Of(state, name);
        sizes.StyleCount.Should().Be((int)config["num_ws"]!);
        (sizes.Latent, sizes.Style, sizes.Labels, sizes.Side).Should().Be(((long)config["z_dim"]!, (long)config["w_dim"]!, (long)config["c_dim"]!, (long)config["img_resolution"]!));
        using StyleGan2Network network = new(sizes, WeightSet.From(sizes.Layout(), state, "the fixture", name, CPU));
        Tensor w = network.Map(fixture["in.z"], sizes.Labels > 0 ? fixture["in.c"] : null);
        double psi = (double)config["truncation_psi"]!;
        int cutoff = (int)config["truncation_cutoff"]!;
        network.Broadcast(w, 1, null).ShouldBeCloseTo(fixture["out.w"], Tolerance);
        network.Broadcast(w, psi, null).ShouldBeCloseTo(fixture["out.w_truncated"], Tolerance);
        network.Broadcast(w, psi, cutoff).ShouldBeCloseTo(fixture["out.w_truncated_cutoff"], Tolerance);

        Synthesise(network.Broadcast(w, 1, null), constant: true).ShouldBeCloseTo(fixture["out.img_const"], Tolerance);
        Synthesise(network.Broadcast(w, 1, null), constant: false).ShouldBeCloseTo(fixture["out.img_none"], Tolerance);
        Synthesise(fixture["in.w_plus"], constant: true).ShouldBeCloseTo(fixture["out.img_wplus_const"], Tolerance);
        Synthesise(fixture["in.w_plus"], constant: true).ShouldBeCloseTo(fixture["out.img_wplus_const_unfused"], Tolerance);
        Synthesise(fixture["in.w_plus"], constant: false).ShouldBeCloseTo(fixture["out.img_wplus_none"], Tolerance);
        Synthesise(network.Broadcast(w, psi, null), constant: true).ShouldBeCloseTo(fixture["out.img_truncated_const"], Tolerance);

        Tensor Synthesise(Tensor styles, bool constant) => network.Synthesise(styles, (layer, _) => constant ? network.ConstantNoise(layer) : null, 256);
    }
}
