using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>The U-Net of DDIM as modules, in the order of work of the published code: the answer to every layer lives until the end of the call.</summary>
internal sealed class BareUNet : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly long _channels;
    private readonly Sequential _time;
    private readonly Conv2d _in;
    private readonly ModuleList<nn.Module<Tensor, Tensor, Tensor>> _down = [], _middle = [], _up = [];
    private readonly Sequential _out;
    private readonly Kind[] _downKinds, _upKinds;

    public BareUNet(long imageChannels, long side, long channels, long[] multipliers, int blocks, long[] attentionHeights)
        : base("unet")
    {
        _channels = channels;
        _time = nn.Sequential(nn.Linear(channels, 4 * channels), nn.SiLU(), nn.Linear(4 * channels, 4 * channels));
        _in = nn.Conv2d(imageChannels, channels, 3, padding: 1);
        List<Kind> down = [], up = [];
        Stack<long> skips = new([channels]);
        long width = channels;
        for (int level = 0; level < multipliers.Length; level++)
        {
            long wide = channels * multipliers[level];
            bool attends = attentionHeights.Contains(side >> level);
            for (int block = 0; block < blocks; block++)
            {
                Add(_down, down, new TimedBlock(width, wide, channels), attends ? Kind.Plain : Kind.Keep);
                width = wide;
                if (attends) Add(_down, down, new Attention(width), Kind.Keep);
                skips.Push(width);
            }
            if (level == multipliers.Length - 1) continue;
            Add(_down, down, new Half(width), Kind.Keep);
            skips.Push(width);
        }
        _middle.Add(new TimedBlock(width, width, channels));
        _middle.Add(new Attention(width));
        _middle.Add(new TimedBlock(width, width, channels));
        for (int level = multipliers.Length - 1; level >= 0; level--)
        {
            long wide = channels * multipliers[level];
            for (int block = 0; block <= blocks; block++)
            {
                Add(_up, up, new TimedBlock(width + skips.Pop(), wide, channels), Kind.Join);
                width = wide;
                if (attentionHeights.Contains(side >> level)) Add(_up, up, new Attention(width), Kind.Plain);
            }
            if (level > 0) Add(_up, up, new Twice(width), Kind.Plain);
        }
        _out = nn.Sequential(Norm(width), nn.SiLU(), nn.Conv2d(width, imageChannels, 3, padding: 1));
        (_downKinds, _upKinds) = ([.. down], [.. up]);
        RegisterComponents();

        static void Add(ModuleList<nn.Module<Tensor, Tensor, Tensor>> modules, List<Kind> kinds, nn.Module<Tensor, Tensor, Tensor> module, Kind kind)
        {
            modules.Add(module);
            kinds.Add(kind);
        }
    }

    private enum Kind
    {
        Plain,
        Keep,
        Join,
    }

    public override Tensor forward(Tensor x, Tensor times)
    {
        Tensor time = _time.call(Embed(times));
        x = _in.call(x);
        Stack<Tensor> skips = new([x]);
        for (int i = 0; i < _downKinds.Length; i++)
        {
            x = _down[i].call(x, time);
            if (_downKinds[i] == Kind.Keep) skips.Push(x);
        }
        foreach (nn.Module<Tensor, Tensor, Tensor> module in _middle) x = module.call(x, time);
        for (int i = 0; i < _upKinds.Length; i++) x = _up[i].call(_upKinds[i] == Kind.Join ? cat([x, skips.Pop()], 1) : x, time);
        return _out.call(x);
    }

    private Tensor Embed(Tensor times)
    {
        long half = _channels / 2;
        Tensor frequencies = exp(arange(half, dtype: ScalarType.Float32) * -(Math.Log(10000) / (half - 1)));
        Tensor phases = times.unsqueeze(1) * frequencies.unsqueeze(0);
        return cat([phases.sin(), phases.cos()], 1);
    }

    // TorchSharp leaves the parameters of a new one as they lie in memory.
    private static GroupNorm Norm(long channels)
    {
        GroupNorm norm = nn.GroupNorm(32, channels, eps: 1e-6);
        nn.init.ones_(norm.weight!);
        nn.init.zeros_(norm.bias!);
        return norm;
    }

    private static Tensor Swish(Tensor x) => x * x.sigmoid();

    private sealed class TimedBlock : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly GroupNorm _norm1, _norm2;
        private readonly Conv2d _conv1, _conv2;
        private readonly Conv2d? _shortcut;
        private readonly Linear _time;

        public TimedBlock(long inputs, long outputs, long channels)
            : base("block")
        {
            (_norm1, _norm2) = (Norm(inputs), Norm(outputs));
            (_conv1, _conv2) = (nn.Conv2d(inputs, outputs, 3, padding: 1), nn.Conv2d(outputs, outputs, 3, padding: 1));
            _shortcut = inputs == outputs ? null : nn.Conv2d(inputs, outputs, 1);
            _time = nn.Linear(4 * channels, outputs);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x, Tensor time)
        {
            Tensor h = _conv1.call(Swish(_norm1.call(x))) + _time.call(Swish(time)).unsqueeze(-1).unsqueeze(-1);
            h = _conv2.call(Swish(_norm2.call(h)));
            return (_shortcut is null ? x : _shortcut.call(x)) + h;
        }
    }

    private sealed class Attention : nn.Module<Tensor, Tensor, Tensor>
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

        public override Tensor forward(Tensor x, Tensor time)
        {
            Tensor y = _norm.call(x);
            Tensor q = _q.call(y).flatten(2).permute(0, 2, 1), k = _k.call(y).flatten(2), v = _v.call(y).flatten(2);
            Tensor weights = (q.bmm(k) * Math.Pow(x.size(1), -0.5)).softmax(2);
            return x + _out.call(v.bmm(weights.permute(0, 2, 1)).reshape(x.shape));
        }
    }

    private sealed class Half : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Conv2d _conv;

        public Half(long channels)
            : base("half")
        {
            _conv = nn.Conv2d(channels, channels, 3, stride: 2);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x, Tensor time) => _conv.call(nn.functional.pad(x, [0, 1, 0, 1]));
    }

    private sealed class Twice : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Conv2d _conv;

        public Twice(long channels)
            : base("twice")
        {
            _conv = nn.Conv2d(channels, channels, 3, padding: 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x, Tensor time) => _conv.call(nn.functional.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest));
    }
}
