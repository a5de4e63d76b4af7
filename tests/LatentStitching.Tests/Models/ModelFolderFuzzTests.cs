using System.Text;
using System.Text.Json.Nodes;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Flows;
using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Adapters.Gans;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

/// <summary>Descriptions damaged at random, by a seed: refused with InvalidDataException, or a model; nothing else, and no tensor left.</summary>
[NoTensorLeaks]
public sealed class ModelFolderFuzzTests : IDisposable
{
    private const int Rounds = 2000;
    private static readonly string[] _values = ["0", "-1", "1", "2", "3", "1.5", "1e999", "9223372036854775807", "-9223372036854775808", "2147483647", "4294967296", "null", "true", "\"x\"", "\"\\ud800\"", "[]", "[0, 0, 0]", "[1, 4294967296, 4294967296]", "{}"];

    private readonly string _folder = Directory.CreateTempSubdirectory("model-fuzz-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_DamagedDescription_IsRefusedOrAModel()
    {
        (string Path, byte[] Good)[] models = [.. Models().Select((model, i) =>
        {
            string path = Path.Combine(_folder, $"{i}");
            using (model) model.Save(path);
            return (path, File.ReadAllBytes(Path.Combine(path, "config.json")));
        })];
        SplitMix64 random = new(6);
        int refused = 0;
        long live = NoTensorLeaksAttribute.Live();
        List<string> leaks = [];
        for (int round = 0; round < Rounds; round++)
        {
            (string path, byte[] good) = models[round % models.Length];
            byte[] bad = random.Below(3) == 0 ? Flipped(good, ref random) : Exchanged(good, ref random);
            File.WriteAllBytes(Path.Combine(path, "config.json"), bad);
            try
            {
                LatentModel.Load(path).Dispose();
            }
            catch (InvalidDataException e)
            {
                refused++;
                if (NoTensorLeaksAttribute.Live() > live) leaks.Add($"{round % models.Length}: {e.Message} {e.StackTrace}");
                live = NoTensorLeaksAttribute.Live();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Round {round} gave {e.GetType()} for {Encoding.UTF8.GetString(bad)}", e);
            }
        }
        leaks.Should().BeEmpty();
        refused.Should().BeInRange(Rounds / 2, Rounds - 1, "most damage is to be seen, and some does no harm");
    }

    private static IEnumerable<LatentModel> Models()
    {
        yield return WithRecoder.Of(MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Grey(4), LatentDimension = 3, HiddenWidth = 4, Seed = 1 }));
        yield return VqVae.Create(Adapters.Autoencoders.Small.VqOptions());
        yield return Glow.Create(new GlowOptions { Image = ImageFormat.Rgb(4), Levels = 2, Steps = 1, HiddenChannels = 2 });
        yield return StyleGan2Toy.Model(new StyleGan2Decoding());
        yield return Adapters.Autoencoders.Small.Mlp();
        yield return Adapters.Autoencoders.Small.Autoencoder();
        yield return DiffusionModel.FromNetwork(
            ConvolutionalDenoiser.Create(new ConvolutionalDenoiserOptions { Image = ImageFormat.Grey(6), HiddenChannels = [2], Seed = 2 }), NoiseSchedule.Linear(10, 1e-4, 0.02), new DiffusionOptions { Range = NetworkRange.MinusHalfToHalf, Steps = 3 });
    }

    private static byte[] Flipped(byte[] good, ref SplitMix64 random)
    {
        byte[] bad = [.. good];
        for (int i = random.Below(3); i >= 0; i--) bad[random.Below(bad.Length)] ^= (byte)(1 << random.Below(8));
        return random.Below(8) == 0 ? bad[..random.Below(bad.Length)] : bad;
    }

    // Another value in the place of one, wherever it stands; or the same key again.
    private static byte[] Exchanged(byte[] good, ref SplitMix64 random)
    {
        string text = Encoding.UTF8.GetString(good);
        List<string> values = [];
        Collect(JsonNode.Parse(text)!, values);
        string old = values[random.Below(values.Count)], put = _values[random.Below(_values.Length)];
        if (random.Below(10) == 0) return Encoding.UTF8.GetBytes(text.Insert(text.IndexOf('{', StringComparison.Ordinal) + 1, $"\"{(random.Below(2) == 0 ? "kind" : "configuration")}\": {put}, "));
        string key = old[..old.IndexOf(':', StringComparison.Ordinal)];
        JsonNode root = JsonNode.Parse(text)!;
        Replace(root, key, JsonValue.Create("@@"));
        return Encoding.UTF8.GetBytes(root.ToJsonString().Replace("\"@@\"", put, StringComparison.Ordinal));
    }

    private static void Collect(JsonNode node, List<string> paths)
    {
        if (node is not JsonObject && node is not JsonArray)
        {
            paths.Add($"{node.GetPath()}:");
            return;
        }
        paths.Add($"{node.GetPath()}:");
        foreach (JsonNode? child in node is JsonObject root ? root.Select(pair => pair.Value) : (JsonArray)node)
        {
            if (child is not null) Collect(child, paths);
        }
    }

    private static void Replace(JsonNode node, string path, JsonNode value)
    {
        foreach (JsonNode? child in node is JsonObject root ? root.Select(pair => pair.Value).ToArray() : node is JsonArray list ? [.. list] : [])
        {
            if (child is null) continue;
            if (child.GetPath() == path)
            {
                child.ReplaceWith(value);
                return;
            }
            Replace(child, path, value);
        }
    }
}
