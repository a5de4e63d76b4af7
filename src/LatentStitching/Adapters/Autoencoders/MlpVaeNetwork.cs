using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>One hidden layer on either side, as in appendix C of Kingma and Welling (arXiv:1312.6114) with ReLU, under the names of PyTorch's example: fc1, fc21 (mean), fc22 (log-variance), fc3, fc4.</summary>
internal sealed class MlpVaeNetwork(WeightSet weights, ImageFormat image) : VaeNetwork(weights)
{
    public override IReadOnlyList<long> FeatureShape => [Weights["fc1.weight"].size(0)];

    public override Tensor Features(Tensor images, TrainingPass? training) => Weights.Linear(images.flatten(1), "fc1").relu_();

    public override (Tensor Mean, Tensor LogVariance) Posterior(Tensor features) => (Mean(features), Weights.Linear(features, "fc22"));

    public override Tensor Mean(Tensor features) => Weights.Linear(features, "fc21");

    public override Tensor Decode(Tensor latents, TrainingPass? training) =>
        Weights.Linear(Weights.Linear(latents, "fc3").relu_(), "fc4").reshape(latents.size(0), image.Channels, image.Height, image.Width);

    public static (MlpVaeNetwork Network, ImageFormat Image, long Dimension) From(StateDictionary state, ImageFormat? image, string path, Device device)
    {
        const string what = "the VAE of PyTorch's examples";
        long[] first = WeightFile.ShapeOf(state, "fc1.weight", 2, what, path);
        long dimension = WeightFile.ShapeOf(state, "fc21.weight", 2, what, path)[0];
        image ??= ImageFormat.Grey(Math.Max(1, (long)Math.Round(Math.Sqrt(first[1]))));
        return (new MlpVaeNetwork(WeightSet.From(LayoutOf(image, first[0], dimension), state, $"{what} for images of {image}", path, device), image), image, dimension);
    }

    internal static Layout LayoutOf(ImageFormat image, long hidden, long dimension) => new Layout()
        .Linear("fc1", image.PixelCount, hidden)
        .Linear("fc21", hidden, dimension)
        .Linear("fc22", hidden, dimension)
        .Linear("fc3", dimension, hidden)
        .Linear("fc4", hidden, image.PixelCount);
}
