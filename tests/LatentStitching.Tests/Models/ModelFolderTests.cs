using System.Text.Json.Nodes;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using LatentStitching.Training;

namespace LatentStitching.Tests.Models;

[NoTensorLeaks]
public sealed class ModelFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("model-").FullName;

    private string Configuration => Path.Combine(_folder, "config.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Save_ThenLoad_IsTheSameModel_WithoutItsClassBeingNamed()
    {
        using var model = Vae.Create(new VaeOptions { Name = "faces ü", Image = ImageFormat.Grey(32), LatentDimension = 3, Seed = 5 });
        TrainingReport report = new VaeTrainer(new TrainingOptions { Epochs = 1, BatchSize = 8 }).Train(model, Grey(8));
        model.Save(_folder, report);
        Directory.EnumerateFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal).Should().Equal("config.json", "model.safetensors");
        using LatentModel loaded = LatentModel.Load(_folder);
        loaded.Should().BeOfType<Vae>().Which.Name.Should().Be("faces ü");
        using var scope = NewDisposeScope();
        Tensor images = Grey(4).LoadAll();
        loaded.Encode(images).bytes.SequenceEqual(model.Encode(images).bytes).Should().BeTrue();
        JsonObject description = JsonNode.Parse(File.ReadAllText(Configuration))!.AsObject();
        ((string)description["kind"]!).Should().Be("burgess-vae");
        ((long)description["training"]!["imagesSeen"]!).Should().Be(8);
        ((string)description["latent"]![0]!["name"]!).Should().Be("z");
    }

    [Fact]
    public void Save_Half_KeepsTheRoundedWeights_InHalfTheSpace()
    {
        using var model = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32), Seed = 5 });
        model.Save(_folder);
        long whole = new FileInfo(Path.Combine(_folder, "model.safetensors")).Length;
        model.Save(_folder, half: true);
        new FileInfo(Path.Combine(_folder, "model.safetensors")).Length.Should().BeInRange((whole / 2) - 4096, (whole / 2) + 4096);
        using var loaded = (Vae)LatentModel.Load(_folder);
        using var scope = NewDisposeScope();
        foreach (((_, Tensor weight), (_, Tensor original)) in loaded.Network.Weights.All.Zip(model.Network.Weights.All))
        {
            weight.dtype.Should().Be(ScalarType.Float32);
            weight.detach().ShouldBeCloseTo(original.detach().to_type(ScalarType.Float16).to_type(ScalarType.Float32), 0);
        }
        using (no_grad()) model.Network.Weights["decoder.lin1.bias"].fill_(1e5);
        Action large = () => model.Save(_folder, half: true);
        large.ShouldSay<InvalidOperationException>("A weight written in half the space must be at most 65504 in magnitude, but decoder.lin1.bias holds larger ones. Save it whole.");
    }

    [Fact]
    public void Load_KindOfTheApplication_OpensOnceItIsTaught()
    {
        using DelegateLatentModel own = Toy.Linear("own", 1);
        using (Tensor weight = ones(6))
        {
            ModelFolder.Write(_folder, own, new ModelDescription("test-kind", new JsonObject { ["scale"] = 2.5, ["names"] = new JsonArray("a", "b"), ["image"] = new JsonArray(1, 2, 3), ["deep"] = true }, [("scale", weight)]), null, half: false);
        }
        Action unknown = () => LatentModel.Load(_folder);
        unknown.ShouldSay<InvalidDataException>($"'{_folder}' must hold a known kind of model ({string.Join(", ", ModelKinds.Names)}), but it holds 'test-kind'. Teach it with ModelKinds.Register.");
        ModelKinds.Register("test-kind", folder =>
        {
            folder.Option<double>("scale").Should().Be(2.5);
            folder.Option<bool>("deep").Should().BeTrue();
            folder.List<string>("names").Should().Equal("a", "b");
            folder.Image("image").Should().Be(Toy.Format);
            folder.Weights["scale"].data<float>().Sum().Should().Be(6);
            folder.Training.Should().BeNull();
            folder.Device.Should().Be(CPU);
            Action absent = () => folder.Option<long>("absent"), text = () => folder.Option<long>("names"), list = () => folder.List<long>("scale"), image = () => folder.Image("names");
            absent.ShouldSay<InvalidDataException>($"config.json in '{_folder}' is not that of a model: 'absent' must be a Int64, but it is missing.");
            text.ShouldSay<InvalidDataException>($"config.json in '{_folder}' is not that of a model: 'names' must be a Int64, but it is [\"a\",\"b\"].");
            list.ShouldSay<InvalidDataException>($"config.json in '{_folder}' is not that of a model: 'scale' must be a list.");
            image.ShouldSay<InvalidDataException>($"config.json in '{_folder}' is not that of a model: 'names' must be a Int64, but it is \"a\".");
            return Toy.Linear(folder.Name, 1);
        });
        using LatentModel loaded = LatentModel.Load(_folder);
        loaded.Name.Should().Be("own");
        Action twice = () => ModelKinds.Register("test-kind", _ => null!), blank = () => ModelKinds.Register(" ", _ => null!);
        twice.ShouldRefuse("kind", "kind must be new, but 'test-kind' is already known.");
        blank.ShouldRefuse("kind", "kind must not be blank.");
    }

    [Fact]
    public void Load_AKindThatGivesNothingOrThrows_IsTheFoldersFault()
    {
        using DelegateLatentModel own = Toy.Linear("own", 1);
        foreach (string kind in (string[])["test-null", "test-throwing", "test-other"])
        {
            using Tensor weight = ones(1);
            ModelFolder.Write(Path.Combine(_folder, kind), own, new ModelDescription(kind, [], [("w", weight)]), null, half: false);
        }
        ModelKinds.Register("test-null", _ => null!);
        ModelKinds.Register("test-throwing", _ => throw new DivideByZeroException("groups are none."));
        ModelKinds.Register("test-other", _ => LatentModel.FromFunctions("other", new ImageFormat(1, 3, 2), LatentSpace.Vector(6), images => images, latents => latents));
        Refuses("test-null", "must hold a model of kind 'test-null', but its description and weights make none: the opener of 'test-null' gave null.");
        Refuses("test-throwing", "must hold a model of kind 'test-throwing', but its description and weights make none: groups are none.");
        Action other = () => LatentModel.Load(Path.Combine(_folder, "test-other"));
        other.ShouldSay<InvalidDataException>($"config.json in '{Path.Combine(_folder, "test-other")}' is not that of a model: 'image' must be that of its weights and configuration, 1×3×2, but it is 1×2×3.");

        void Refuses(string kind, string text)
        {
            Action act = () => LatentModel.Load(Path.Combine(_folder, kind));
            act.ShouldSay<InvalidDataException>($"'{Path.Combine(_folder, kind)}' {text}");
        }
    }

    // The files as they lie where a process was killed while it saved a second model over a first.
    [Fact]
    public void Save_OverAModel_CutOffAnywhere_LeavesOneOfTheTwo()
    {
        using Vae first = Vae.Create(new VaeOptions { Name = "first", Image = ImageFormat.Grey(32), Seed = 1 }), second = Vae.Create(new VaeOptions { Name = "second", Image = ImageFormat.Grey(32), Seed = 2 });
        string weights = Path.Combine(_folder, "model.safetensors");
        second.Save(_folder);
        byte[] newWeights = File.ReadAllBytes(weights), newDescription = File.ReadAllBytes(Configuration);
        string waiting = Path.Combine(_folder, $"model-{(string)JsonNode.Parse(newDescription)!["sha256"]!}.safetensors");
        first.Save(_folder);
        File.WriteAllBytes(Path.Combine(_folder, "model.safetensors.new"), newWeights[..1000]);
        Opens("first");
        File.WriteAllBytes(waiting, newWeights);
        Opens("first");
        File.WriteAllBytes(Configuration, newDescription);
        Opens("second");
        File.Move(waiting, weights, overwrite: true);
        Opens("second");
        first.Save(_folder);
        Opens("first");
        // What an earlier save left is cleared away by the next that succeeds.
        File.WriteAllBytes(waiting, newWeights);
        first.Save(_folder);
        Directory.EnumerateFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal).Should().Equal("config.json", "model.safetensors");

        void Opens(string name)
        {
            using LatentModel opened = LatentModel.Load(_folder);
            opened.Name.Should().Be(name);
        }
    }

    [Fact]
    public void Save_ModelThatDoesNotDescribeItself_SaysSo()
    {
        using DelegateLatentModel model = Toy.Linear("toy", 1);
        Action act = () => model.Save(_folder);
        act.ShouldSay<NotSupportedException>("DelegateLatentModel does not describe itself. Override Describe, and teach ModelKinds to open it.");
        using var vae = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32) });
        vae.Dispose();
        Action disposed = () => vae.Save(_folder);
        disposed.Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Load_DamagedFolders_AreRefusedInWords()
    {
        Action none = () => LatentModel.Load(_folder), blank = () => LatentModel.Load(" ");
        none.ShouldSay<FileNotFoundException>($"{_folder} must be a folder that LatentModel.Save wrote, with config.json and model.safetensors, but it has no config.json.");
        blank.ShouldRefuse("folder", "folder must not be blank.");
        using (var model = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32) })) model.Save(_folder);
        string good = File.ReadAllText(Configuration);
        Refuses(good.Replace("latentstitching.model", "other", StringComparison.Ordinal), "it must be latentstitching.model of version 1, but it is other of version 1");
        Refuses(good.Replace("\"version\": 1", "\"version\": 7", StringComparison.Ordinal), "it must be latentstitching.model of version 1, but it is latentstitching.model of version 7");
        Refuses(good.Replace("\"kind\"", "\"sort\"", StringComparison.Ordinal), "'kind' must be a String, but it is missing");
        Refuses(good.Replace("\"configuration\"", "\"options\"", StringComparison.Ordinal), "'configuration' must be an object");
        Refuses(good.Replace("\"latent\"", "\"space\"", StringComparison.Ordinal), "'latent' must be a list");
        string image = JsonNode.Parse(good)!["image"]!.ToJsonString(), sides = "\"image\": [\n    1,\n    32,\n    32\n  ]";
        good.Should().Contain(sides);
        Refuses(good.Replace(sides, "\"image\": [3, 32, 32]", StringComparison.Ordinal), "'image' must be that of its weights and configuration, 1×32×32, but it is 3×32×32");
        Refuses(good.Replace(sides, "\"image\": [1, 0, 32]", StringComparison.Ordinal), "'image' must be three positive numbers");
        Refuses(good.Replace("\"name\": \"z\"", "\"name\": \"y\"", StringComparison.Ordinal), "'latent' must be that of its weights and configuration, [{\"name\":\"z\",\"shape\":[10]}], but it is [{\"name\":\"y\",\"shape\":[10]}]");
        foreach ((string text, string what) in ((string, string)[])
            [
                ("[]", "must hold a JSON object, but it is of kind Array."), ("{", "must hold a JSON object, but it cannot be read: *"), (good.Replace("\"kind\"", "\"name\"", StringComparison.Ordinal), "must hold a JSON object, but it cannot be read: *"),
                (good.Replace("\"z\"", "\"\\ud800\"", StringComparison.Ordinal), "must hold texts, but one cannot be read: *"), (new string(' ', (16 << 20) + 1), "must hold at most 16777216 bytes, but it holds 16777217."),
            ])
        {
            File.WriteAllText(Configuration, text);
            Action broken = () => LatentModel.Load(_folder);
            broken.Should().Throw<InvalidDataException>().WithMessage($"'{Configuration}' {what}");
        }
        // As some editors save it.
        File.WriteAllText(Configuration, good, new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        LatentModel.Load(_folder).Dispose();
        File.WriteAllText(Configuration, good);
        using (Tensor other = ones(1)) SafeTensors.Save(Path.Combine(_folder, "model.safetensors"), [("x", other)]);
        Action swapped = () => LatentModel.Load(_folder);
        swapped.Should().Throw<InvalidDataException>().WithMessage($"model.safetensors in '{_folder}' must be the file that config.json describes, but its SHA-256 is * instead of *.");

        void Refuses(string text, string what)
        {
            File.WriteAllText(Configuration, text);
            Action act = () => LatentModel.Load(_folder);
            act.ShouldSay<InvalidDataException>($"config.json in '{_folder}' is not that of a model: {what}.");
        }
    }

    private static TensorImages Grey(int count)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        return new TensorImages("grey", rand([count * 1024], ScalarType.Float32, generator: generator).data<float>().ToArray(), ImageFormat.Grey(32));
    }
}
