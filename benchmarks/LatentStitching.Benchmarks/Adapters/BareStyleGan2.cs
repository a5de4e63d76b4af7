using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>The synthesis network as one would write it with modules: a convolution a layer, styles by linear layers, no checks.</summary>
internal sealed class BareStyleGan2 : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<Conv2d> _convolutions = [];
    private readonly ModuleList<ConvTranspose2d> _ups = [];
    private readonly ModuleList<Linear> _styles = [];
    private readonly ModuleList<Conv2d> _colours = [];
    private readonly Parameter _constant;
    private readonly Tensor _filter;
    private readonly Sequential? _mapping;
    private readonly Tensor[] _noises;

    private BareStyleGan2(long[] channels, bool mapping, bool noise)
        : base("bare")
    {
        _mapping = mapping ? nn.Sequential([.. Enumerable.Range(0, 8).SelectMany(_ => (IEnumerable<nn.Module<Tensor, Tensor>>)[nn.Linear(512, 512), nn.LeakyReLU(0.2)])]) : null;
        // One map before each activation.
        _noises = noise ? [.. channels.SelectMany((_, i) => Enumerable.Repeat(4L << i, i == 0 ? 1 : 2)).Select(side => randn(side, side))] : [];
        _constant = new Parameter(randn(1, channels[0], 4, 4));
        for (int i = 0; i < channels.Length; i++)
        {
            if (i > 0)
            {
                _styles.Add(nn.Linear(512, channels[i - 1]));
                _ups.Add(nn.ConvTranspose2d(channels[i - 1], channels[i], 3, stride: 2, bias: false));
            }
            _styles.Add(nn.Linear(512, channels[i]));
            _convolutions.Add(nn.Conv2d(channels[i], channels[i], 3, padding: 1, bias: false));
            _styles.Add(nn.Linear(512, channels[i]));
            _colours.Add(nn.Conv2d(channels[i], 3, 1));
        }
        using Tensor taps = tensor((float[])[1, 3, 3, 1]);
        _filter = (outer(taps, taps) / 16).reshape(1, 1, 4, 4);
        RegisterComponents();
    }

    public static BareStyleGan2 Of(long[] channels, bool mapping, bool noise) => new(channels, mapping, noise);

    public override Tensor forward(Tensor latents)
    {
        Tensor x = _constant.expand(latents.size(0), -1, -1, -1);
        Tensor? image = null;
        int style = 0, layer = 0;
        if (_mapping is not null) latents = _mapping.call(latents * latents.square().mean([1], keepdim: true).add(1e-8).rsqrt());
        // Of w+ each layer has its own; the conversion to colours shares that of the next convolution.
        Tensor W(int index) => latents.size(1) == 512 ? latents : latents.narrow(1, 512L * index, 512);
        for (int i = 0; i < _convolutions.Count; i++)
        {
            if (image is not null)
            {
                Tensor scales = _styles[style++].call(W(layer)), up = _ups[i - 1].weight!;
                x = _ups[i - 1].call(x * scales.unsqueeze(-1).unsqueeze(-1));
                x = nn.functional.conv2d(x, _filter.expand(x.size(1), 1, 4, 4), padding: [1, 1], groups: x.size(1));
                x = Finish(x, scales, up.square().sum([2, 3]), layer++);
                image = nn.functional.conv_transpose2d(image, _filter.expand(3, 1, 4, 4), strides: [2, 2], padding: [1, 1], groups: 3);
            }
            Tensor own = _styles[style++].call(W(layer));
            x = Finish(_convolutions[i].call(x * own.unsqueeze(-1).unsqueeze(-1)), own, _convolutions[i].weight!.square().sum([2, 3]).t(), layer++);
            Tensor colours = _colours[i].call(x * _styles[style++].call(W(layer)).unsqueeze(-1).unsqueeze(-1));
            image = image is null ? colours : image + colours;
        }
        return image!;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _filter.Dispose();
        base.Dispose(disposing);
    }

    private Tensor Finish(Tensor x, Tensor scales, Tensor energy, int layer)
    {
        x = x * scales.square().mm(energy).add(1e-8).rsqrt().unsqueeze(-1).unsqueeze(-1);
        if (_noises.Length > 0) x = x + _noises[layer];
        return nn.functional.leaky_relu(x, 0.2) * Math.Sqrt(2);
    }
}
