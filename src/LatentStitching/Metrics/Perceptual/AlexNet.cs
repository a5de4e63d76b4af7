using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Perceptual;

/// <summary>AlexNet as torchvision has it, tapped after each ReLU: Krizhevsky, "One weird trick for parallelizing convolutional neural networks" (arXiv:1404.5997).</summary>
internal sealed class AlexNet(NetworkWeights weights) : Backbone(weights)
{
    public static IReadOnlyList<(string Layer, long[] Shape)> Layout { get; } =
    [
        ("features.0", [64, 3, 11, 11]), ("features.3", [192, 64, 5, 5]), ("features.6", [384, 192, 3, 3]), ("features.8", [256, 384, 3, 3]), ("features.10", [256, 256, 3, 3]),
    ];

    public override IReadOnlyList<long> Channels { get; } = [64, 192, 384, 256, 256];

    public override long BlockPixels => 1 << 19;

    public override long LeastSide => 31;

    public override IEnumerable<Tensor> Taps(Tensor images)
    {
        Tensor x = Weights.ConvolveRelu(images, "features.0", stride: 4, padding: 2);
        yield return x;
        x = Weights.ConvolveRelu(nn.functional.max_pool2d(x, 3, 2), "features.3", padding: 2);
        yield return x;
        x = Weights.ConvolveRelu(nn.functional.max_pool2d(x, 3, 2), "features.6", padding: 1);
        yield return x;
        x = Weights.ConvolveRelu(x, "features.8", padding: 1);
        yield return x;
        yield return Weights.ConvolveRelu(x, "features.10", padding: 1);
    }
}
