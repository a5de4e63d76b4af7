using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Blocks of 7×7 convolution, layer normalisation and GELU, as modules.</summary>
internal sealed class BareDenoiser : nn.Module<Tensor, Tensor, Tensor>
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
