using LatentStitching.Checkpoints;
using LatentStitching.Metrics.Distribution;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Distribution;

/// <summary>The network's structure with seeded random weights: the published ones are not at hand where these tests run.</summary>
[NoTensorLeaks]
public sealed class InceptionTests
{
    // Each block as pytorch-fid wires it: branches side by side, /2 for stride two and ! for stride one without padding, a+b for two layers on one input.
    private const string A = "branch1x1 | branch5x5_1 branch5x5_2 | branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3 | avg branch_pool";
    private const string B = "branch3x3/2 | branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3/2 | max/2";
    private const string C = "branch1x1 | branch7x7_1 branch7x7_2 branch7x7_3 | branch7x7dbl_1 branch7x7dbl_2 branch7x7dbl_3 branch7x7dbl_4 branch7x7dbl_5 | avg branch_pool";
    private const string D = "branch3x3_1 branch3x3_2/2 | branch7x7x3_1 branch7x7x3_2 branch7x7x3_3 branch7x7x3_4/2 | max/2";
    private const string E1 = "branch1x1 | branch3x3_1 branch3x3_2a+branch3x3_2b | branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3a+branch3x3dbl_3b | avg branch_pool";
    private const string E2 = "branch1x1 | branch3x3_1 branch3x3_2a+branch3x3_2b | branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3a+branch3x3dbl_3b | max branch_pool";

    private static readonly (string Block, string Wiring)[] _blocks =
    [
        ("Mixed_5b", A), ("Mixed_5c", A), ("Mixed_5d", A), ("Mixed_6a", B), ("Mixed_6b", C), ("Mixed_6c", C), ("Mixed_6d", C), ("Mixed_6e", C), ("Mixed_7a", D), ("Mixed_7b", E1), ("Mixed_7c", E2),
    ];

    [Fact]
    public void Weights_AreAsManyAsPublished()
    {
        long trained = InceptionNetwork.Keys().Where(key => !key.Name.Contains("running", StringComparison.Ordinal)).Sum(key => key.Shape.Aggregate(1L, (a, b) => a * b));
        // torchvision's inception_v3 has 23,834,568 without its auxiliary classifier, of which its last layer of 1000 classes has 2,049,000.
        trained.Should().Be(23_834_568 - 2_049_000);
        InceptionNetwork.Keys().Should().HaveCount(94 * 5);
    }

    [Fact]
    public void EveryTap_EqualsASecondConstructionInDoublePrecision()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = Weights(5);
        using InceptionNetwork network = InceptionNetwork.From(state, "state", CPU);
        using Generator generator = new(6);
        // The least size that leaves a place at the end.
        Tensor images = rand([2, 3, 75, 79], generator: generator).mul(2).sub(1);
        Dictionary<long, Tensor> expected = Reference(state, images.to_type(ScalarType.Float64));
        foreach (long dimension in (long[])[64, 192, 768, 2048])
        {
            Tensor features = network.Features(images, dimension);
            features.shape.Should().Equal(2, dimension);
            features.ShouldBeCloseTo(expected[dimension], 2e-5);
            features.std().ToDouble().Should().BeGreaterThan(1e-3);
        }
    }

    [Fact]
    public void Extract_PreparesAndBatches()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = Weights(5);
        using Generator generator = new(6);
        Tensor images = rand([18, 3, 24, 32], generator: generator), before = images.clone();
        foreach (InceptionPreprocessing preprocessing in Enum.GetValues<InceptionPreprocessing>())
        {
            using InceptionFeatures extractor = InceptionFeatures.Of(state, 64, preprocessing);
            using InceptionNetwork network = InceptionNetwork.From(state, "state", CPU);
            Tensor features = extractor.Extract(images);
            features.shape.Should().Equal(18, 64);
            features.narrow(0, 17, 1).ShouldBeCloseTo(network.Features(InceptionFeatures.Prepare(images.narrow(0, 17, 1), preprocessing), 64), 1e-5);
            images.bytes.SequenceEqual(before.bytes).Should().BeTrue();
        }
        using InceptionFeatures whole = InceptionFeatures.Of(state, 2048, InceptionPreprocessing.TensorFlow);
        whole.Extract(images.narrow(0, 0, 1)).shape.Should().Equal(1, 2048);
        whole.Signature.Should().Be("inception-2048,tensorflow");
    }

    [Fact]
    public void Prepare_IsWhatEachToolDoes()
    {
        using var scope = NewDisposeScope();
        // One byte above and below the middle, on the left and right half.
        Tensor images = cat([full([1, 3, 10, 5], 100 / 255f), full([1, 3, 10, 5], 200 / 255f)], 3);
        Tensor tensorFlow = InceptionFeatures.Prepare(images, InceptionPreprocessing.TensorFlow), pytorch = InceptionFeatures.Prepare(images, InceptionPreprocessing.PytorchFid), clean = InceptionFeatures.Prepare(images, InceptionPreprocessing.CleanFid);
        foreach (Tensor prepared in (Tensor[])[tensorFlow, pytorch, clean]) prepared.shape.Should().Equal(1, 3, 299, 299);
        tensorFlow[0, 0, 0, 0].ToDouble().Should().BeApproximately((100 - 128) / 128.0, 1e-6);
        tensorFlow[0, 0, 0, 298].ToDouble().Should().BeApproximately((200 - 128) / 128.0, 1e-6);
        pytorch[0, 0, 0, 0].ToDouble().Should().BeApproximately(2 * 100 / 255.0 - 1, 1e-6);
        clean[0, 0, 0, 0].ToDouble().Should().BeApproximately((100 - 128) / 128.0, 1e-5);
        // TensorFlow's edge lies half a pixel of the small image, 15 places, from everybody else's.
        Middle(tensorFlow).Should().BeCloseTo(Middle(pytorch) - 15, 1);
        // Only the cubic overshoots.
        clean.max().ToDouble().Should().BeGreaterThan((203 - 128) / 128.0);
        tensorFlow.max().ToDouble().Should().BeLessThanOrEqualTo((200 - 128) / 128.0);

        static long Middle(Tensor prepared) => prepared[0, 0, 0].lt((prepared[0, 0, 0, 0] + prepared[0, 0, 0, 298]) / 2).sum().ToInt64();
    }

    [Fact]
    public void From_OtherWeights_NamesEveryKey()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = Weights(5);
        StateDictionary Changed(params (string, Tensor)[] more) => new([.. state.Names.Where(name => name is not ("Mixed_6a.branch3x3.conv.weight" or "Mixed_5b.branch1x1.bn.bias")).Select(name => (name, state[name])), .. more]);
        using StateDictionary bad = Changed(("Mixed_5b.branch1x1.bn.bias", zeros(63)), ("AuxLogits.fc.weight", zeros(2, 2)), ("Mixed_6a.branch3x3.bn.num_batches_tracked", zeros(1, ScalarType.Int64)), ("fc.weight", zeros(1008, 2048)));
        ((Action)(() => InceptionNetwork.From(bad, "inception.pth", CPU))).ShouldSay<InvalidDataException>(
            "inception.pth must hold the weights of the FID Inception-v3 (pt_inception-2015-12-05), but Mixed_6a.branch3x3.conv.weight is missing; Mixed_5b.branch1x1.bn.bias is [63] instead of [64]; AuxLogits.fc.weight is unexpected.");
        ((Action)(() => InceptionFeatures.Load("nowhere.pth"))).Should().Throw<FileNotFoundException>();
        ((Action)(() => InceptionFeatures.Load("x.pth", 100))).ShouldRefuse("dimension", "dimension must be one of Inception's taps 64, 192, 768 and 2048, but it is 100.");
        ((Action)(() => InceptionFeatures.Load("x.pth", 64, (InceptionPreprocessing)4))).ShouldRefuse("preprocessing", "preprocessing must be TensorFlow, PytorchFid or CleanFid, but it is 4.");
    }

    [Fact]
    public void Extract_Misuse_Throws()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = Weights(5);
        InceptionFeatures extractor = InceptionFeatures.Of(state, 64, InceptionPreprocessing.TensorFlow);
        ((Action)(() => extractor.Extract(zeros(2, 1, 8, 8)))).ShouldRefuse(
            "images", "images must have 3 channels, as Inception takes RGB, but the shape is [2, 1, 8, 8]. Repeat a grey channel: x.expand(-1, 3, -1, -1).");
        extractor.Dispose();
        ((Action)(() => extractor.Extract(zeros(2, 3, 8, 8)))).Should().Throw<ObjectDisposedException>();
    }

    private static StateDictionary Weights(ulong seed)
    {
        using Generator generator = new(seed);
        return new StateDictionary([.. InceptionNetwork.Keys().Select(key => (key.Name, Draw(key.Name, key.Shape)))]);

        Tensor Draw(string name, long[] shape)
        {
            if (name.EndsWith("conv.weight", StringComparison.Ordinal)) return randn(shape, generator: generator).mul_(Math.Sqrt(2.0 / (shape[1] * shape[2] * shape[3])));
            if (name.EndsWith("bn.weight", StringComparison.Ordinal) || name.EndsWith("running_var", StringComparison.Ordinal)) return rand(shape, generator: generator).add_(0.5);
            return randn(shape, generator: generator).mul_(0.2);
        }
    }

    private static Dictionary<long, Tensor> Reference(StateDictionary state, Tensor x)
    {
        Dictionary<long, Tensor> taps = [];
        foreach ((string step, long tap) in ((string, long)[])[("Conv2d_1a_3x3/2 Conv2d_2a_3x3! Conv2d_2b_3x3 max/2", 64), ("Conv2d_3b_1x1 Conv2d_4a_3x3! max/2", 192)])
        {
            x = Branch(state, "", x, step);
            taps[tap] = x.mean([2, 3]);
        }
        foreach ((string block, string wiring) in _blocks)
        {
            x = cat([.. wiring.Split('|').Select(branch => Branch(state, block + ".", x, branch))], 1);
            if (block == "Mixed_6e") taps[768] = x.mean([2, 3]);
        }
        taps[2048] = x.mean([2, 3]);
        return taps;
    }

    private static Tensor Branch(StateDictionary state, string block, Tensor x, string layers)
    {
        foreach (string layer in layers.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            x = layer switch
            {
                "max/2" => nn.functional.max_pool2d(x, 3, 2),
                "max" => nn.functional.max_pool2d(x, 3, 1, 1),
                // The mean of those of nine places that lie in the image.
                "avg" => nn.functional.avg_pool2d(x, 3, 1, 1) / nn.functional.avg_pool2d(ones_like(x), 3, 1, 1),
                _ => cat([.. layer.Split('+').Select(part => Convolve(state, block, x, part))], 1),
            };
        }
        return x;
    }

    private static Tensor Convolve(StateDictionary state, string block, Tensor x, string layer)
    {
        bool halves = layer.EndsWith("/2", StringComparison.Ordinal), bare = halves || layer.EndsWith('!');
        string name = block + (halves ? layer[..^2] : layer.TrimEnd('!'));
        Tensor Part(string part) => state[name + part].to_type(ScalarType.Float64);
        Tensor weight = Part(".conv.weight");
        long stride = halves ? 2 : 1;
        long[] padding = bare ? [0, 0] : [weight.size(2) / 2, weight.size(3) / 2];
        Tensor y = nn.functional.conv2d(x, weight, strides: [stride, stride], padding: padding);
        return nn.functional.batch_norm(y, Part(".bn.running_mean"), Part(".bn.running_var"), Part(".bn.weight"), Part(".bn.bias"), training: false, eps: 0.001).relu();
    }
}
