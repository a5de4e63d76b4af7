using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Perceptual;

/// <summary>SqueezeNet 1.1 as torchvision has it, tapped at layers 1, 4, 7, 9, 10, 11 and 12: Iandola et al. (arXiv:1602.07360) in the authors' later, smaller version.</summary>
internal sealed class SqueezeNet(NetworkWeights weights) : Backbone(weights)
{
    // Layer number, inputs, squeezed width and the width of each expansion.
    private static readonly (int Layer, long Inputs, long Squeeze, long Expand)[] _fires =
    [
        (3, 64, 16, 64), (4, 128, 16, 64), (6, 128, 32, 128), (7, 256, 32, 128), (9, 256, 48, 192), (10, 384, 48, 192), (11, 384, 64, 256), (12, 512, 64, 256),
    ];

    public static IReadOnlyList<(string Layer, long[] Shape)> Layout { get; } =
    [
        ("features.0", [64, 3, 3, 3]),
        .. _fires.SelectMany(fire => (IEnumerable<(string, long[])>)
        [
            ($"features.{fire.Layer}.squeeze", [fire.Squeeze, fire.Inputs, 1, 1]),
            ($"features.{fire.Layer}.expand1x1", [fire.Expand, fire.Squeeze, 1, 1]),
            ($"features.{fire.Layer}.expand3x3", [fire.Expand, fire.Squeeze, 3, 3]),
        ]),
    ];

    public override IReadOnlyList<long> Channels { get; } = [64, 128, 256, 384, 384, 512, 512];

    public override long BlockPixels => 1 << 16;

    public override long LeastSide => 17;

    public override IEnumerable<Tensor> Taps(Tensor images)
    {
        Tensor x = Weights.ConvolveRelu(images, "features.0", stride: 2);
        yield return x;
        x = Fire(Fire(Pool(x), 3), 4);
        yield return x;
        x = Fire(Fire(Pool(x), 6), 7);
        yield return x;
        x = Fire(Pool(x), 9);
        yield return x;
        foreach (int layer in (int[])[10, 11, 12])
        {
            x = Fire(x, layer);
            yield return x;
        }
    }

    private static Tensor Pool(Tensor x) => nn.functional.max_pool2d(x, 3, 2, ceil_mode: true);

    private Tensor Fire(Tensor x, int layer)
    {
        Tensor squeezed = Weights.ConvolveRelu(x, $"features.{layer}.squeeze");
        return cat([Weights.ConvolveRelu(squeezed, $"features.{layer}.expand1x1"), Weights.ConvolveRelu(squeezed, $"features.{layer}.expand3x3", padding: 1)], 1);
    }
}
