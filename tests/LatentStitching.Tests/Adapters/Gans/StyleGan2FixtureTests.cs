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

    // The same through the adapter: opened from a file, in each latent and noise, with a class, on the scale of pixels.
    [Theory]
    [MemberData(nameof(Cases))]
    public void Model_EqualsTheOriginal(string name)
    {
        using StateDictionary fixture = Fixture.Load($"stylegan2/{name}.safetensors");
        JsonNode config = JsonNode.Parse(fixture.Metadata["config"])!;
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        using var scope = NewDisposeScope();
        try
        {
            using (StateDictionary state = fixture.Under("param.")) state.Save(path);
            bool classes = (long)config["c_dim"]! > 0;
            StyleGan2Decoding z = new() { Latent = StyleGan2Latent.Z }, plus = new() { Latent = StyleGan2Latent.WPlus, Label = classes ? 0 : null };
            StyleGan2Decoding truncated = z with { Noise = SynthesisNoise.Constant, Truncation = (double)config["truncation_psi"]! };
            long rows = fixture["in.z"].size(0);
            for (long row = 0; row < rows; row++)
            {
                int? label = classes ? (int)fixture["in.c"][row].argmax().ToInt64() : null;
                Equal(z with { Label = label }, "in.z", "out.img_none", row);
                Equal(z with { Label = label, Noise = SynthesisNoise.Constant }, "in.z", "out.img_const", row);
                Equal(truncated with { Label = label }, "in.z", "out.img_truncated_const", row);
                Equal(plus, "in.w_plus", "out.img_wplus_none", row);
                Equal(plus with { Noise = SynthesisNoise.Constant }, "in.w_plus", "out.img_wplus_const", row);
                using StyleGan2 w = StyleGan2.Load(path, new StyleGan2Decoding { Label = label, Noise = SynthesisNoise.Constant });
                Tensor mapped = w.Map(fixture["in.z"].narrow(0, row, 1));
                mapped.ShouldBeCloseTo(fixture["out.w"][row].narrow(0, 0, 1), Tolerance);
                w.Decode(mapped).ShouldBeCloseTo(Pixels("out.img_const", row), Tolerance);
            }
        }
        finally
        {
            File.Delete(path);
        }

        void Equal(StyleGan2Decoding decoding, string input, string output, long row)
        {
            using StyleGan2 model = StyleGan2.Load(path, decoding);
            model.Decode(fixture[input].narrow(0, row, 1).flatten(1)).ShouldBeCloseTo(Pixels(output, row), Tolerance);
        }

        Tensor Pixels(string output, long row) => ((fixture[output].narrow(0, row, 1) + 1) / 2).clamp(0, 1);
    }

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
