using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>The published computations, step by step, on modules of TorchSharp: a normalisation, a 1×1 convolution (inverted once), a coupling.</summary>
internal sealed class BareGlow : IDisposable
{
    private readonly int _levels;
    private readonly Step[][] _steps;

    public BareGlow(int levels, int steps, long hidden)
    {
        _levels = levels;
        _steps = [.. Enumerable.Range(0, levels).Select(level => Enumerable.Range(0, steps).Select(_ => new Step(12L << level, hidden)).ToArray())];
    }

    public Tensor Encode(Tensor images)
    {
        Tensor x = images - 0.5;
        List<Tensor> levels = [];
        for (int level = 0; level < _levels; level++)
        {
            (long n, long c, long h, long w) = (x.size(0), x.size(1), x.size(2), x.size(3));
            x = x.reshape(n, c, h / 2, 2, w / 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, h / 2, w / 2);
            foreach (Step step in _steps[level])
            {
                using var inner = NewDisposeScope();
                x = step.Forward(x).MoveToOuterDisposeScope();
            }
            Tensor[] halves = level == _levels - 1 ? [x, x] : x.chunk(2, 1);
            levels.Add(halves[1].flatten(1));
            x = halves[0];
        }
        return cat([.. levels], 1);
    }

    public Tensor Decode(Tensor latents)
    {
        Tensor? x = null;
        long end = latents.size(1);
        for (int level = _levels - 1; level >= 0; level--)
        {
            long channels = (12L << level) / (level == _levels - 1 ? 1 : 2), side = 32 >> level, width = channels * side * side;
            Tensor z = latents.narrow(1, end - width, width).reshape(-1, channels, side, side);
            end -= width;
            x = x is null ? z : cat([x, z], 1);
            for (int step = _steps[level].Length - 1; step >= 0; step--)
            {
                using var inner = NewDisposeScope();
                x = _steps[level][step].Reverse(x).MoveToOuterDisposeScope();
            }
            (long n, long c, long h, long w) = (x.size(0), x.size(1) / 4, x.size(2), x.size(3));
            x = x.reshape(n, c, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c, 2 * h, 2 * w);
        }
        return (x! + 0.5).clamp(0, 1);
    }

    public void Dispose()
    {
        foreach (Step step in _steps.SelectMany(level => level)) step.Dispose();
    }

    private sealed class Step : IDisposable
    {
        private readonly Tensor _shift, _scale, _rotation, _inverse, _logs;
        private readonly Conv2d _first, _second, _last;

        public Step(long channels, long hidden)
        {
            _shift = zeros(1, channels, 1, 1);
            _scale = ones(1, channels, 1, 1);
            using Tensor noise = randn(channels, channels);
            (Tensor q, Tensor r) = linalg.qr(noise);
            using (r)
            using (q)
            using (Tensor inverse = q.inverse())
            {
                _rotation = q.reshape(channels, channels, 1, 1).clone();
                _inverse = inverse.reshape(channels, channels, 1, 1).clone();
            }
            _logs = zeros(1, channels, 1, 1);
            _first = nn.Conv2d(channels / 2, hidden, 3, padding: 1);
            _second = nn.Conv2d(hidden, hidden, 1);
            _last = nn.Conv2d(hidden, channels, 3);
        }

        public Tensor Forward(Tensor x)
        {
            x = nn.functional.conv2d(_scale * (x + _shift), _rotation);
            Tensor[] halves = x.chunk(2, 1);
            (Tensor gate, Tensor shift) = Net(halves[0]);
            return cat([halves[0], (halves[1] + shift) * (gate + 2).sigmoid()], 1);
        }

        public Tensor Reverse(Tensor x)
        {
            Tensor[] halves = x.chunk(2, 1);
            (Tensor gate, Tensor shift) = Net(halves[0]);
            x = nn.functional.conv2d(cat([halves[0], halves[1] / (gate + 2).sigmoid() - shift], 1), _inverse);
            return x / _scale - _shift;
        }

        public void Dispose()
        {
            foreach (Tensor tensor in (Tensor[])[_shift, _scale, _rotation, _inverse, _logs]) tensor.Dispose();
            foreach (Conv2d layer in (Conv2d[])[_first, _second, _last]) layer.Dispose();
        }

        private (Tensor Gate, Tensor Shift) Net(Tensor x)
        {
            x = _second.call(_first.call(x).relu_()).relu_();
            x = _last.call(nn.functional.pad(x, (1L, 1L, 1L, 1L), PaddingModes.Constant, 1)) * (_logs * 3).exp();
            Tensor[] halves = x.chunk(2, 1);
            return (halves[0], halves[1]);
        }
    }
}
