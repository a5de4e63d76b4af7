using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Perceptual;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Perceptual;

[NoTensorLeaks]
public sealed class LpipsTests
{
    private const string SqueezeBackbone = "models/squeezenet1_1/squeezenet1_1.torchvision.fp16.safetensors";

    // richzhang/PerceptualSimilarity 082bb24 with the authors' heads and a backbone filled by the formula of the fixture's README.
    [SharedFact("fixtures/lpips_alex")]
    public void AlexNet_AgreesWithTheAuthorsCode()
    {
        foreach ((string name, ulong seed) in ((string, ulong)[])[("lpips_64", 1234), ("lpips_nonsquare", 4321)])
        {
            using StateDictionary file = SafeTensors.Load(Shared.Path($"fixtures/lpips_alex/{name}.safetensors"));
            using var scope = NewDisposeScope();
            using StateDictionary backbone = Filled(seed), heads = Heads(file);
            using Lpips lpips = Lpips.Of(LpipsNetwork.AlexNet, backbone, heads);
            Tensor a = file["in.img0_u8"].to_type(ScalarType.Float32).div(255), b = file["in.img1_u8"].to_type(ScalarType.Float32).div(255);
            MetricValue value = lpips.Evaluate(a, b);
            Tensor total = tensor(value.PerImage.ToArray());
            total.ShouldBeCloseTo(file["out.total"], 1e-5);
            total.ShouldBeCloseTo(file["out64.total"], 1e-5);
            value.PerImage[^1].Should().Be(0, "the last pair is the same image");
            lpips.PerLayer(a, b).ShouldBeCloseTo(file["out.per_layer"], 1e-5);
            lpips.SpatialMap(a, b).narrow(0, 0, 1).ShouldBeCloseTo(file["out.spatial"], 1e-5);
            value.Signature.Should().StartWith("lpips|net:alex|version:0.1|heads:linear|eps:1e-10|resize:none|n:");
        }
    }

    // torchmetrics documents 0.1005 for torch.manual_seed(42), two draws of rand(10, 3, 100, 100) and squeeze.
    [SharedFact(SqueezeBackbone)]
    public void SqueezeNet_GivesTheDocumentedNumber()
    {
        using Lpips lpips = Squeeze();
        using var scope = NewDisposeScope();
        using Generator generator = new(42);
        Tensor a = rand([10, 3, 100, 100], generator: generator), b = rand([10, 3, 100, 100], generator: generator);
        lpips.Evaluate(a, b).Value.Should().BeApproximately(0.1005, 0.00005);
    }

    // The authors show that p1 is nearer to the reference than p0, where pixels say otherwise.
    [SharedFact(SqueezeBackbone)]
    public void SqueezeNet_RanksTheAuthorsExample()
    {
        using Lpips lpips = Squeeze();
        using var scope = NewDisposeScope();
        ImageFolder pictures = ImageFolder.Open(Shared.Path("data/lpips-examples"), ImageGeometry.Squash(64));
        Tensor images = pictures.Load(0, 3);
        pictures.Ids.Should().Equal("ex_p0.png", "ex_p1.png", "ex_ref.png");
        IReadOnlyList<double> distances = lpips.Measure(images.narrow(0, 0, 2), images.narrow(0, 2, 1).expand(2, -1, -1, -1));
        distances[0].Should().BeGreaterThan(2 * distances[1]);
        IReadOnlyList<double> squares = new PixelMse().Measure(images.narrow(0, 0, 2), images.narrow(0, 2, 1).expand(2, -1, -1, -1));
        squares[0].Should().BeLessThan(squares[1]);
    }

    [SharedFact(SqueezeBackbone)]
    public void SqueezeNet_IsSymmetric_ZeroOnItself_AndAddsUp()
    {
        using Lpips lpips = Squeeze();
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor a = rand([5, 3, 40, 33], generator: generator), b = rand([5, 3, 40, 33], generator: generator), before = a.clone();
        lpips.Measure(a, a).Should().OnlyContain(value => value == 0);
        double[] there = [.. lpips.Measure(a, b)], back = [.. lpips.Measure(b, a)];
        there.Zip(back).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-6);
        there.Should().OnlyContain(value => value > 0);
        PerImageAccumulator batches = new(lpips), rest = new(lpips);
        batches.Add(a.narrow(0, 0, 2), b.narrow(0, 0, 2));
        rest.Add(a.narrow(0, 2, 3), b.narrow(0, 2, 3));
        batches.Merge(rest);
        double[] parts = [.. lpips.Measure(a.narrow(0, 0, 2), b.narrow(0, 0, 2)), .. lpips.Measure(a.narrow(0, 2, 3), b.narrow(0, 2, 3))];
        batches.Value().Value.Should().BeApproximately(parts.Average(), 1e-15);
        batches.Value().Value.Should().BeApproximately(there.Average(), 1e-6 * there.Average());
        a.bytes.SequenceEqual(before.bytes).Should().BeTrue();
        lpips.Info.Signature.Should().Be("lpips|net:squeeze|version:0.1|heads:linear|eps:1e-10|resize:none");
    }

    [SharedFact("models/lpips/vgg.pth")]
    public void Vgg16_AndTheOthers_TapWhatTheyShould()
    {
        foreach ((LpipsNetwork network, string heads, long side) in ((LpipsNetwork, string, long)[])[(LpipsNetwork.Vgg16, "vgg", 16), (LpipsNetwork.SqueezeNet, "squeeze", 17), (LpipsNetwork.AlexNet, "alex", 31)])
        {
            using var scope = NewDisposeScope();
            using StateDictionary weights = Random(network), head = StateDictionary.Load(Shared.Path($"models/lpips/{heads}.pth"));
            using Lpips lpips = Lpips.Of(network, weights, head);
            using Backbone backbone = Backbone.From(network, weights, "weights", CPU);
            backbone.Taps(zeros(1, 3, 64, 64)).Select(tap => tap.size(1)).Should().Equal(backbone.Channels);
            backbone.LeastSide.Should().Be(side);
            // The least size leaves a place at every tap; one less leaves none somewhere.
            backbone.Taps(zeros(1, 3, side, side)).Should().OnlyContain(tap => tap.numel() > 0);
            ((Action)(() => _ = backbone.Taps(zeros(1, 3, side - 1, side - 1)).Count())).Should().Throw<System.Runtime.InteropServices.ExternalException>();
            ((Action)(() => lpips.Measure(zeros(1, 3, side, side - 1), zeros(1, 3, side, side - 1)))).ShouldRefuse(
                "actual", $"actual must be at least {side} pixels high and wide for LPIPS ({heads}), but its shape is [1, 3, {side}, {side - 1}]. Enlarge both images, or use Ssim.");
        }
    }

    // A second construction: torch modules in a row, cut where the reference code cuts, compared by its formula in float64.
    [SharedFact("models/lpips/vgg.pth")]
    public void Vgg16_EqualsAConstructionOfModules()
    {
        using var scope = NewDisposeScope();
        using StateDictionary weights = Random(LpipsNetwork.Vgg16), heads = StateDictionary.Load(Shared.Path("models/lpips/vgg.pth"));
        using Lpips lpips = Lpips.Of(LpipsNetwork.Vgg16, weights, heads);
        using Generator generator = new(7);
        Tensor a = rand([2, 3, 32, 32], generator: generator), b = rand([2, 3, 32, 32], generator: generator);
        Tensor shift = tensor([-0.030, -0.088, -0.188]).reshape(1, 3, 1, 1), scale = tensor([0.458, 0.448, 0.450]).reshape(1, 3, 1, 1);
        Tensor[] xs = [.. new[] { a, b }.Select(image => (image.to_type(ScalarType.Float64) * 2 - 1 - shift) / scale)];
        Tensor total = zeros(2, ScalarType.Float64);
        int layer = 0, tap = 0;
        foreach (string step in "64 64 t M 128 128 t M 256 256 256 t M 512 512 512 t M 512 512 512 t".Split(' '))
        {
            if (step == "M")
            {
                for (int i = 0; i < 2; i++) xs[i] = nn.functional.max_pool2d(xs[i], 2);
                layer++;
            }
            else if (step == "t")
            {
                Tensor[] units = Array.ConvertAll(xs, x => x / (x.pow(2).sum([1], keepdim: true).sqrt() + 1e-10));
                total += nn.functional.conv2d((units[0] - units[1]).pow(2), heads[$"lin{tap++}.model.1.weight"].to_type(ScalarType.Float64)).mean([2, 3]).squeeze(1);
            }
            else
            {
                for (int i = 0; i < 2; i++)
                {
                    xs[i] = nn.functional.conv2d(xs[i], weights[$"features.{layer}.weight"].to_type(ScalarType.Float64), weights[$"features.{layer}.bias"].to_type(ScalarType.Float64), padding: [1, 1]).relu();
                }
                layer += 2;
            }
        }
        tensor(lpips.Measure(a, b).ToArray()).ShouldBeCloseTo(total, 1e-5);
    }

    [SharedFact(SqueezeBackbone)]
    public void Load_OtherWeights_NamesEveryKey()
    {
        string squeeze = Shared.Path(SqueezeBackbone), heads = Shared.Path("models/lpips/squeeze.pth");
        ((Action)(() => Lpips.Load(LpipsNetwork.AlexNet, squeeze, heads))).Should().Throw<InvalidDataException>().Which.Message.Should()
            .StartWith($"{squeeze} must hold the weights of torchvision's AlexNet, but features.3.weight is missing; features.3.bias is missing; features.6.weight is missing;")
            .And.Contain("features.0.weight is [64, 3, 3, 3] instead of [64, 3, 11, 11]; ").And.Contain("features.3.squeeze.weight is unexpected").And.NotContain("classifier");
        ((Action)(() => Lpips.Load(LpipsNetwork.SqueezeNet, squeeze, Shared.Path("models/lpips/alex.pth")))).Should().Throw<InvalidDataException>().Which.Message.Should()
            .Contain("must hold the weights of the LPIPS heads for squeeze, but lin5.model.1.weight is missing; lin6.model.1.weight is missing; lin1.model.1.weight is [1, 192, 1, 1] instead of [1, 128, 1, 1]; ");
        ((Action)(() => Lpips.Load((LpipsNetwork)8, squeeze, heads))).ShouldRefuse("network", "network must be AlexNet, Vgg16 or SqueezeNet, but it is 8.");
        ((Action)(() => Lpips.Load(LpipsNetwork.AlexNet, " ", heads))).ShouldRefuse("backbone", "backbone must not be blank.");
        ((Action)(() => Lpips.Load(LpipsNetwork.SqueezeNet, squeeze, "nowhere.pth"))).Should().Throw<FileNotFoundException>();
    }

    [Fact]
    public void Of_DamagedWeights_Throws()
    {
        using var scope = NewDisposeScope();
        using StateDictionary backbone = Random(LpipsNetwork.AlexNet), heads = Heads(-1), bad = Random(LpipsNetwork.AlexNet);
        bad["features.8.bias"][3] = float.NaN;
        ((Action)(() => Lpips.Of(LpipsNetwork.AlexNet, bad, heads))).ShouldSay<InvalidDataException>("backbone must hold finite weights, but features.8.bias has NaN or infinite entries.");
        ((Action)(() => Lpips.Of(LpipsNetwork.AlexNet, backbone, heads))).ShouldSay<InvalidDataException>("heads must hold heads of zero or more, as they were trained to be, but lin0.model.1.weight holds negative ones.");
    }

    [Fact]
    public void Misuse_Throws()
    {
        using var scope = NewDisposeScope();
        using StateDictionary backbone = Random(LpipsNetwork.AlexNet), heads = Heads(1);
        Lpips lpips = Lpips.Of(LpipsNetwork.AlexNet, backbone, heads);
        Tensor grey = zeros(2, 1, 40, 40);
        ((Action)(() => lpips.Evaluate(grey, grey))).ShouldRefuse(
            "actual", "actual must have 3 channels, as LPIPS compares RGB images, but its shape is [2, 1, 40, 40]. Repeat a grey channel in both: x.expand(-1, 3, -1, -1).");
        lpips.Evaluate(grey.expand(-1, 3, -1, -1), grey.expand(-1, 3, -1, -1)).Value.Should().Be(0);
        ((Action)(() => lpips.SpatialMap(zeros(1, 3, 40, 40), zeros(1, 3, 41, 40)))).Should().Throw<ArgumentException>().WithParameterName("reference");
        lpips.Dispose();
        lpips.Dispose();
        ((Action)(() => lpips.Measure(grey, grey))).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Distances_AreWhatMeasureTells_AndTheirGradientIsTheirSlope()
    {
        foreach (LpipsNetwork network in Enum.GetValues<LpipsNetwork>())
        {
            using var scope = NewDisposeScope();
            using StateDictionary state = Random(network), heads = RandomHeads(network);
            using Lpips lpips = Lpips.Of(network, state, heads);
            using Generator generator = new(3);
            Tensor a = rand([2, 3, 40, 33], generator: generator).requires_grad_(true), b = rand([2, 3, 40, 33], generator: generator);
            using (no_grad()) b[1].copy_(a[1]);
            Tensor distances = lpips.Distances(a, b);
            IReadOnlyList<double> expected = lpips.Measure(a.detach(), b);
            distances.detach().data<float>().ToArray().Zip(expected).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) <= 1e-5 * Math.Max(expected[0], 1e-3));
            Tensor gradient = autograd.grad([distances.sum()], [a])[0];
            gradient.isfinite().all().ToBoolean().Should().BeTrue();
            // Along the gradient itself, where the kinks of a random network weigh least.
            const float step = 0.02f;
            double slope = gradient[0].norm().ToDouble();
            Tensor direction = gradient[0].unsqueeze(0) / slope * step, one = a.detach().narrow(0, 0, 1), other = b.narrow(0, 0, 1);
            double rise = (lpips.Distances(one + direction, other) - lpips.Distances(one - direction, other)).ToDouble() / (2 * step);
            rise.Should().BeApproximately(slope, 0.15 * slope, network.ToString());
            lpips.Distances(a.detach() * 3 - 1, b).shape.Should().Equal(2);
        }
    }

    [Fact]
    public void Distances_BadBatches_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = Random(LpipsNetwork.SqueezeNet), heads = RandomHeads(LpipsNetwork.SqueezeNet);
        Lpips lpips = Lpips.Of(LpipsNetwork.SqueezeNet, state, heads);
        Tensor good = rand(2, 3, 20, 20), grey = rand(2, 1, 20, 20), small = rand(2, 3, 16, 20);
        ((Action)(() => lpips.Distances(good.to_type(ScalarType.Int32), good))).ShouldRefuse("actual", "actual must be a floating-point image batch [n, 3, h, w], but it is Int32 [2, 3, 20, 20].");
        ((Action)(() => lpips.Distances(good, small))).Should().Throw<ArgumentException>();
        ((Action)(() => lpips.Distances(grey, grey))).ShouldRefuse("actual", "actual must have 3 channels, as LPIPS compares RGB images, but its shape is [2, 1, 20, 20]. Repeat a grey channel in both: x.expand(-1, 3, -1, -1).");
        ((Action)(() => lpips.Distances(small, small))).ShouldRefuse("actual", "actual must be at least 17 pixels high and wide for LPIPS (squeeze), but its shape is [2, 3, 16, 20]. Enlarge both images, or use Ssim.");
        lpips.Dispose();
        ((Action)(() => lpips.Distances(good, good))).Should().Throw<ObjectDisposedException>();
    }

    private static Lpips Squeeze() => Lpips.Load(LpipsNetwork.SqueezeNet, Shared.Path(SqueezeBackbone), Shared.Path("models/lpips/squeeze.pth"));

    private static StateDictionary Heads(StateDictionary fixture) =>
        new([.. Enumerable.Range(0, 5).Select(i => ($"lin{i}.model.1.weight", fixture[$"param.lin{i}.model.1.weight"]))]);

    private static StateDictionary Heads(float value) =>
        new([.. new long[] { 64, 192, 384, 256, 256 }.Select((channels, i) => ($"lin{i}.model.1.weight", full([1, channels, 1, 1], value)))]);

    private static StateDictionary Random(LpipsNetwork network)
    {
        IReadOnlyList<(string Layer, long[] Shape)> layout = network switch
        {
            LpipsNetwork.AlexNet => AlexNet.Layout,
            LpipsNetwork.Vgg16 => Vgg16.Layout,
            _ => SqueezeNet.Layout,
        };
        using Generator generator = new(11);
        return new StateDictionary([.. layout.SelectMany(layer => new[]
        {
            (layer.Layer + ".weight", randn(layer.Shape, generator: generator).mul_(Math.Sqrt(2.0 / (layer.Shape[1] * layer.Shape[2] * layer.Shape[3])))),
            (layer.Layer + ".bias", randn([layer.Shape[0]], generator: generator).mul_(0.1)),
        })]);
    }

    private static StateDictionary RandomHeads(LpipsNetwork network)
    {
        long[] channels = network switch
        {
            LpipsNetwork.AlexNet => [64, 192, 384, 256, 256],
            LpipsNetwork.Vgg16 => [64, 128, 256, 512, 512],
            _ => [64, 128, 256, 384, 384, 512, 512],
        };
        using Generator generator = new(12);
        return new StateDictionary([.. channels.Select((count, i) => ($"lin{i}.model.1.weight", rand([1, count, 1, 1], generator: generator)))]);
    }

    private static StateDictionary Filled(ulong seed)
    {
        List<(string, Tensor)> tensors = [];
        foreach ((string layer, long[] shape) in AlexNet.Layout)
        {
            float bound = (float)Math.Sqrt(6.0 / (shape[1] * shape[2] * shape[3]));
            tensors.Add((layer + ".weight", Fill(shape, bound)));
            tensors.Add((layer + ".bias", Fill([shape[0]], 0.1f)));
        }
        return new StateDictionary(tensors);

        Tensor Fill(long[] shape, float bound)
        {
            ulong start = seed + (ulong)tensors.Count;
            float[] values = new float[shape.Aggregate(1L, (a, b) => a * b)];
            for (int i = 0; i < values.Length; i++)
            {
                ulong z = unchecked((((ulong)i + 1) * 0x9E3779B97F4A7C15) + start);
                z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
                z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
                z ^= z >> 31;
                values[i] = (float)(((z >> 40) / 16777216.0 * 2) - 1) * bound;
            }
            return tensor(values).reshape(shape);
        }
    }
}
