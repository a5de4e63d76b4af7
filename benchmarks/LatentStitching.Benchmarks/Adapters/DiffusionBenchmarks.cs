using BenchmarkDotNet.Attributes;
using LatentStitching.Adapters.Diffusion;
using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Five steps of DDIM each way on 32 grey digits of 28×28 with the network of 7×7 blocks, beside the same walk over bare modules.</summary>
[MemoryDiagnoser]
public class DiffusionBenchmarks
{
    private const int Steps = 5;
    private const int Count = 32;
    private DiffusionModel _model = null!;
    private BareDenoiser _bare = null!;
    private Tensor _images = null!;
    private Tensor _latents = null!;

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(1);
        var network = ConvolutionalDenoiser.Create();
        _model = DiffusionModel.FromNetwork(network, network.Schedule, new DiffusionOptions { Steps = Steps, Refinements = 0, Range = NetworkRange.MinusHalfToHalf });
        _bare = BareDenoiser.Create();
        _images = rand(Count, 1, 28, 28);
        _latents = randn(Count, 784);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _model.Dispose();
        _bare.Dispose();
        _images.Dispose();
        _latents.Dispose();
    }

    [Benchmark]
    public long Encode()
    {
        using Tensor latents = _model.Encode(_images);
        return latents.numel();
    }

    [Benchmark]
    public long EncodeBare() => Walk(_images - 0.5, up: true);

    [Benchmark]
    public long Decode()
    {
        using Tensor images = _model.Decode(_latents);
        return images.numel();
    }

    [Benchmark]
    public long DecodeBare() => Walk(_latents.reshape(Count, 1, 28, 28), up: false);

    private long Walk(Tensor start, bool up)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using Tensor first = start;
        Tensor x = first;
        IReadOnlyList<double> alphaBars = _model.Schedule.AlphaBars;
        for (int i = 1; i <= Steps; i++)
        {
            int upper = up ? i : Steps + 1 - i;
            int time = upper * 1001 / Steps - 1;
            double high = alphaBars[time], low = upper == 1 ? 1 : alphaBars[((upper - 1) * 1001 / Steps) - 1];
            (double from, double to) = up ? (low, high) : (high, low);
            Tensor noise = _bare.call(x, full([Count], time / 1000f));
            x = (x - noise * Math.Sqrt(1 - from)) / Math.Sqrt(from) * Math.Sqrt(to) + noise * Math.Sqrt(1 - to);
        }
        return x.numel();
    }

    private sealed class BareDenoiser : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Sequential _first = Block(1, 16);
        private readonly Sequential _rest = nn.Sequential(("1", Block(16, 32)), ("2", Block(32, 32)), ("3", Block(32, 16)), ("4", nn.Conv2d(16, 1, 3, padding: 1)));
        private readonly Sequential _time = nn.Sequential(
            ("0", nn.Linear(32, 128)), ("1", nn.GELU()), ("2", nn.Linear(128, 128)), ("3", nn.GELU()), ("4", nn.Linear(128, 128)), ("5", nn.GELU()), ("6", nn.Linear(128, 16)));
        private readonly Tensor _frequencies = tensor(Enumerable.Range(0, 16).Select(i => i == 0 ? 0f : (float)(2 * Math.PI * Math.Pow(1.5, i - 1))).ToArray());

        private BareDenoiser()
            : base(nameof(BareDenoiser)) => RegisterComponents();

        public static BareDenoiser Create() => new();

        public override Tensor forward(Tensor x, Tensor times)
        {
            using var scope = NewDisposeScope();
            Tensor phases = times.unsqueeze(1) * _frequencies;
            Tensor time = _time.call(cat([phases.sin(), phases.cos() - 1], 1)).unsqueeze(2).unsqueeze(3);
            return _rest.call(_first.call(x) + time).MoveToOuterDisposeScope();
        }

        private static Sequential Block(long inputs, long outputs) =>
            nn.Sequential(("0", nn.Conv2d(inputs, outputs, 7, padding: 3)), ("1", nn.LayerNorm([outputs, 28, 28])), ("2", nn.GELU()));
    }
}
