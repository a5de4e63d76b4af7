using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Perceptual;

/// <summary>VGG16 as torchvision has it, tapped after the last ReLU of each stage: Simonyan and Zisserman (arXiv:1409.1556), configuration D.</summary>
internal sealed class Vgg16(NetworkWeights weights) : Backbone(weights)
{
    // Layer numbers of the convolutions, a stage a row.
    private static readonly int[][] _stages = [[0, 2], [5, 7], [10, 12, 14], [17, 19, 21], [24, 26, 28]];
    private static readonly long[] _widths = [64, 128, 256, 512, 512];

    public static IReadOnlyList<(string Layer, long[] Shape)> Layout { get; } = [.. Layers()];

    public override IReadOnlyList<long> Channels => _widths;

    public override long BlockPixels => 1 << 16;

    public override long LeastSide => 16;

    public override IEnumerable<Tensor> Taps(Tensor images)
    {
        Tensor x = images;
        for (int stage = 0; stage < _stages.Length; stage++)
        {
            if (stage > 0) x = nn.functional.max_pool2d(x, 2, 2);
            foreach (int layer in _stages[stage]) x = Weights.ConvolveRelu(x, $"features.{layer}", padding: 1);
            yield return x;
        }
    }

    private static IEnumerable<(string Layer, long[] Shape)> Layers()
    {
        long inputs = 3;
        for (int stage = 0; stage < _stages.Length; stage++)
        {
            foreach (int layer in _stages[stage])
            {
                yield return ($"features.{layer}", [_widths[stage], inputs, 3, 3]);
                inputs = _widths[stage];
            }
        }
    }
}
