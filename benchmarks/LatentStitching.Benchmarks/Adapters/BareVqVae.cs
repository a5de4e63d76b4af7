using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>The VQ-VAE of CompVis as modules: pixels in [−1, 1] to vectors before quantisation, and vectors by their nearest codes back.</summary>
internal sealed class BareVqVae : IDisposable
{
    private readonly Sequential _encoder;
    private readonly Sequential _decoder;
    private readonly Embedding _codes;

    public BareVqVae(long[] channels, int blocks, long vector, long codes)
    {
        long top = channels[^1], width = channels[0];
        List<nn.Module<Tensor, Tensor>> down = [nn.Conv2d(3, width, 3, padding: 1)], up = [];
        for (int level = 0; level < channels.Length; level++)
        {
            for (int block = 0; block < blocks; block++)
            {
                down.Add(new ResidualBlock(width, channels[level]));
                width = channels[level];
            }
            if (level < channels.Length - 1) down.AddRange([nn.ZeroPad2d((0L, 1L, 0L, 1L)), nn.Conv2d(width, width, 3, stride: 2)]);
        }
        down.AddRange([new ResidualBlock(top, top), new Attention(top), new ResidualBlock(top, top), Norm(top), nn.SiLU(), nn.Conv2d(top, vector, 3, padding: 1), nn.Conv2d(vector, vector, 1)]);
        up.AddRange([nn.Conv2d(vector, vector, 1), nn.Conv2d(vector, top, 3, padding: 1), new ResidualBlock(top, top), new Attention(top), new ResidualBlock(top, top)]);
        for (int level = channels.Length - 1; level >= 0; level--)
        {
            for (int block = 0; block <= blocks; block++)
            {
                up.Add(new ResidualBlock(width, channels[level]));
                width = channels[level];
            }
            if (level > 0) up.AddRange([nn.Upsample(scale_factor: [2, 2]), nn.Conv2d(width, width, 3, padding: 1)]);
        }
        up.AddRange([Norm(width), nn.SiLU(), nn.Conv2d(width, 3, 3, padding: 1)]);
        (_encoder, _decoder, _codes) = (nn.Sequential(down), nn.Sequential(up), nn.Embedding(codes, vector));
    }

    public Tensor Encode(Tensor images) => _encoder.call((images * 2) - 1);

    public Tensor Decode(Tensor vectors)
    {
        Tensor rows = vectors.permute(0, 2, 3, 1).reshape(-1, vectors.size(1)), codes = _codes.weight!;
        Tensor nearest = addmm(codes.square().sum([1]), rows, codes.t(), 1, -2).argmin(1);
        Tensor snapped = _codes.call(nearest).reshape(vectors.size(0), vectors.size(2), vectors.size(3), vectors.size(1)).permute(0, 3, 1, 2).contiguous();
        return (_decoder.call(snapped) + 1) / 2;
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
        _codes.Dispose();
    }

    // TorchSharp leaves the parameters of a new one as they lie in memory.
    private static GroupNorm Norm(long channels)
    {
        GroupNorm norm = nn.GroupNorm(32, channels, eps: 1e-6);
        nn.init.ones_(norm.weight!);
        nn.init.zeros_(norm.bias!);
        return norm;
    }

    private sealed class ResidualBlock : nn.Module<Tensor, Tensor>
    {
        private readonly Sequential _layers;
        private readonly Conv2d? _shortcut;

        public ResidualBlock(long inputs, long outputs)
            : base("residual")
        {
            _layers = nn.Sequential(Norm(inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding: 1), Norm(outputs), nn.SiLU(), nn.Conv2d(outputs, outputs, 3, padding: 1));
            _shortcut = inputs == outputs ? null : nn.Conv2d(inputs, outputs, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => (_shortcut is null ? x : _shortcut.call(x)) + _layers.call(x);
    }

    private sealed class Attention : nn.Module<Tensor, Tensor>
    {
        private readonly GroupNorm _norm;
        private readonly Conv2d _q, _k, _v, _out;

        public Attention(long channels)
            : base("attention")
        {
            _norm = Norm(channels);
            (_q, _k, _v, _out) = (nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            Tensor y = _norm.call(x);
            Tensor q = _q.call(y).flatten(2), k = _k.call(y).flatten(2), v = _v.call(y).flatten(2);
            Tensor weights = (q.transpose(1, 2).bmm(k) * (1 / Math.Sqrt(x.size(1)))).softmax(2);
            return x + _out.call(v.bmm(weights.transpose(1, 2)).reshape(x.shape));
        }
    }
}
