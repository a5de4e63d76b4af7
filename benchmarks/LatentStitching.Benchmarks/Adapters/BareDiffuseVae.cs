using System.Globalization;
using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>The network of DiffuseVAE's first stage as sequences of modules, built from the same block strings.</summary>
internal static class BareDiffuseVae
{
    public static Sequential Encoder(string blocks, string channels)
    {
        Dictionary<long, long> widths = Widths(channels);
        return nn.Sequential([nn.Conv2d(3, 64, 3, padding: 1, bias: false), .. Layers(blocks, widths), nn.Conv2d(widths[1], widths[1], 1, bias: false), nn.Flatten()]);
    }

    public static Sequential Decoder(string blocks, string channels, long size)
    {
        Dictionary<long, long> widths = Widths(channels);
        return nn.Sequential([nn.Unflatten(1, [widths[1], 1, 1]), .. Layers(blocks, widths), nn.Conv2d(widths[size], 3, 3, padding: 1), nn.Sigmoid()]);
    }

    private static IEnumerable<nn.Module<Tensor, Tensor>> Layers(string blocks, Dictionary<long, long> widths)
    {
        foreach (string part in blocks.Split(','))
        {
            int letter = part.AsSpan().IndexOfAny("xdut");
            long first = Number(part[..letter]), second = Number(part[(letter + 1)..]);
            switch (part[letter])
            {
                case 't':
                    yield return nn.Conv2d(widths[first], widths[second], 1, bias: false);
                    break;
                case 'u':
                    yield return nn.Upsample(scale_factor: [second, second], mode: UpsampleMode.Nearest);
                    break;
                case 'd':
                    yield return new Block(widths[first], first > 1 ? 3 : 1);
                    yield return nn.AvgPool2d(second);
                    break;
                default:
                    for (long i = 0; i < second; i++) yield return new Block(widths[first], first > 1 ? 3 : 1);
                    break;
            }
        }
    }

    private static Dictionary<long, long> Widths(string channels) => channels.Split(',').Select(part => part.Split(':')).ToDictionary(pair => Number(pair[0]), pair => Number(pair[1]));

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Sequential _layers;

        public Block(long width, long kernel)
            : base("block")
        {
            long middle = width / 2, padding = kernel / 2;
            _layers = nn.Sequential(
                nn.GELU(), nn.Conv2d(width, middle, 1), nn.GELU(), nn.Conv2d(middle, middle, kernel, padding: padding), nn.GELU(), nn.Conv2d(middle, middle, kernel, padding: padding), nn.GELU(), nn.Conv2d(middle, width, 1));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using Tensor change = _layers.call(input);
            return input + change;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) _layers.Dispose();
            base.Dispose(disposing);
        }
    }
}
