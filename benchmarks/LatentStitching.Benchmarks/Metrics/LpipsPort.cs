using LatentStitching.Metrics.Perceptual;
using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Metrics;

/// <summary>LPIPS written as the authors' code is: torch modules, one pass an image batch, unit activations, squares, a 1×1 convolution and a mean a layer. Seeded random weights.</summary>
internal sealed class LpipsPort : IDisposable
{
    // "out,kernel,stride,padding" a convolution, F a fire module, M a pool, | a tap.
    private static readonly Dictionary<LpipsNetwork, string> _layers = new()
    {
        [LpipsNetwork.AlexNet] = "64,11,4,2 R | M3 192,5,1,2 R | M3 384,3,1,1 R | 256,3,1,1 R | 256,3,1,1 R |",
        [LpipsNetwork.Vgg16] = "64,3,1,1 R 64,3,1,1 R | M2 128,3,1,1 R 128,3,1,1 R | M2 256,3,1,1 R 256,3,1,1 R 256,3,1,1 R | M2 512,3,1,1 R 512,3,1,1 R 512,3,1,1 R | M2 512,3,1,1 R 512,3,1,1 R 512,3,1,1 R |",
        [LpipsNetwork.SqueezeNet] = "64,3,2,0 R | M3c F16,64 F16,64 | M3c F32,128 F32,128 | M3c F48,192 | F48,192 | F64,256 | F64,256 |",
    };

    private readonly List<List<nn.Module<Tensor, Tensor>>> _slices = [[]];
    private readonly List<Conv2d> _heads = [];
    private readonly Tensor _shift = tensor(new[] { -0.030f, -0.088f, -0.188f }).reshape(1, 3, 1, 1).DetachFromDisposeScope();
    private readonly Tensor _scale = tensor(new[] { 0.458f, 0.448f, 0.450f }).reshape(1, 3, 1, 1).DetachFromDisposeScope();
    private readonly List<(string Name, Tensor Tensor)> _backbone = [];

    public IReadOnlyList<(string Name, Tensor Tensor)> Backbone => _backbone;

    public IReadOnlyList<(string Name, Tensor Tensor)> Heads => [.. _heads.Select((head, i) => ($"lin{i}.model.1.weight", (Tensor)head.weight!))];

    public static LpipsPort Create(LpipsNetwork network)
    {
        random.manual_seed(0);
        LpipsPort port = new();
        long width = 3;
        int index = 0;
        foreach (string layer in _layers[network].Split(' '))
        {
            List<nn.Module<Tensor, Tensor>> slice = port._slices[^1];
            if (layer == "|")
            {
                Conv2d head = nn.Conv2d(width, 1, 1, bias: false);
                using (no_grad()) head.weight!.abs_();
                port._heads.Add(head);
                port._slices.Add([]);
                continue;
            }
            if (layer == "R") slice.Add(nn.ReLU());
            else if (layer[0] == 'M') slice.Add(nn.MaxPool2d(layer[1] - '0', 2, ceil_mode: layer.EndsWith('c')));
            else if (layer[0] == 'F')
            {
                long[] sizes = Array.ConvertAll(layer[1..].Split(','), long.Parse);
                Fire fire = new(width, sizes[0], sizes[1]);
                slice.Add(fire);
                port.Keep($"features.{index}.squeeze", fire.Squeeze);
                port.Keep($"features.{index}.expand1x1", fire.One);
                port.Keep($"features.{index}.expand3x3", fire.Three);
                width = 2 * sizes[1];
            }
            else
            {
                long[] sizes = Array.ConvertAll(layer.Split(','), long.Parse);
                Conv2d convolution = nn.Conv2d(width, sizes[0], sizes[1], sizes[2], sizes[3]);
                slice.Add(convolution);
                port.Keep($"features.{index}", convolution);
                width = sizes[0];
            }
            index++;
        }
        port._slices.RemoveAt(port._slices.Count - 1);
        return port;
    }

    /// <summary>[n, 1, 1, 1].</summary>
    public Tensor Distance(Tensor a, Tensor b)
    {
        List<Tensor> one = Taps(a), other = Taps(b);
        Tensor total = zeros(a.size(0), 1, 1, 1);
        for (int i = 0; i < one.Count; i++)
        {
            Tensor difference = (Unit(one[i]) - Unit(other[i])).pow(2);
            total += _heads[i].call(difference).mean([2, 3], keepdim: true);
        }
        return total;
    }

    public void Dispose()
    {
        foreach (nn.Module<Tensor, Tensor> module in _slices.SelectMany(slice => slice)) module.Dispose();
        foreach (Conv2d head in _heads) head.Dispose();
        _shift.Dispose();
        _scale.Dispose();
    }

    private static Tensor Unit(Tensor features) => features / (features.pow(2).sum([1], keepdim: true).sqrt() + 1e-10);

    private void Keep(string name, Conv2d convolution)
    {
        _backbone.Add((name + ".weight", convolution.weight!));
        _backbone.Add((name + ".bias", convolution.bias!));
    }

    private List<Tensor> Taps(Tensor images)
    {
        Tensor x = ((images * 2) - 1 - _shift) / _scale;
        List<Tensor> taps = [];
        foreach (List<nn.Module<Tensor, Tensor>> slice in _slices)
        {
            foreach (nn.Module<Tensor, Tensor> module in slice) x = module.call(x);
            taps.Add(x);
        }
        return taps;
    }

    private sealed class Fire : nn.Module<Tensor, Tensor>
    {
        public Fire(long inputs, long squeeze, long expand)
            : base(nameof(Fire))
        {
            Squeeze = nn.Conv2d(inputs, squeeze, 1);
            One = nn.Conv2d(squeeze, expand, 1);
            Three = nn.Conv2d(squeeze, expand, 3, padding: 1);
            RegisterComponents();
        }

        public Conv2d Squeeze { get; }

        public Conv2d One { get; }

        public Conv2d Three { get; }

        public override Tensor forward(Tensor input)
        {
            Tensor squeezed = Squeeze.call(input).relu();
            return cat([One.call(squeezed).relu(), Three.call(squeezed).relu()], 1);
        }
    }
}
