using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The vanilla VAE of Asperti and Tonelli, "Comparing the latent space of generative models" (arXiv:2207.06812), a Keras model in channels-first form.</summary>
/// <remarks>
/// Encoder: three 4×4 convolutions of stride 2 with b, 2b and 4b channels, ReLU → flatten, dropout 0.2 → mean and log-variance.
/// Decoder: dense to h/8·w/8·4b, ReLU → three 4×4 transposed convolutions of stride 2 with 2b, b and b/2 channels, ReLU → 5×5 convolution, sigmoid.
/// Keras's 'same' padding of a 4×4 kernel at stride 2 is one pixel on each side, as in PyTorch. The original's LeakyReLU after each ReLU does nothing.
/// </remarks>
internal sealed class AspertiVaeNetwork : VaeNetwork
{
    private const double DropoutRate = 0.2;
    private readonly ImageFormat _image;
    private readonly long _channels;

    private AspertiVaeNetwork(WeightSet weights, ImageFormat image, long channels)
        : base(weights)
    {
        _image = image;
        _channels = channels;
    }

    public override IReadOnlyList<long> FeatureShape => [4 * _channels, _image.Height / 8, _image.Width / 8];

    public static ImageFormat RequireFormat(ImageFormat format, string name)
    {
        ArgumentNullException.ThrowIfNull(format, name);
        return format.Height % 8 == 0 && format.Width % 8 == 0
            ? format
            : throw new ArgumentException($"{name} must have a height and width that 8 divides, because three layers halve them, but it is {format}.", name);
    }

    public static AspertiVaeNetwork Create(ImageFormat image, long dimension, long channels, ulong seed, Device device) =>
        new(WeightSet.Create(LayoutOf(image, dimension, channels), seed, device), image, channels);

    public static (AspertiVaeNetwork Network, ImageFormat Image, long Dimension) From(StateDictionary state, ImageFormat? image, string path, Device device)
    {
        const string what = "the VAE of Asperti and Tonelli";
        long[] first = WeightFile.ShapeOf(state, "encoder.conv1.weight", 4, what, path), mean = WeightFile.ShapeOf(state, "encoder.mean.weight", 2, what, path);
        long side = 8 * (long)Math.Round(Math.Sqrt((double)mean[1] / (4 * first[0])));
        image = RequireFormat(image ?? new ImageFormat(first[1], Math.Max(side, 8), Math.Max(side, 8)), nameof(image));
        return (new AspertiVaeNetwork(WeightSet.From(LayoutOf(image, mean[0], first[0]), state, what, path, device), image, first[0]), image, mean[0]);
    }

    public override Tensor Features(Tensor images, TrainingPass? training)
    {
        Tensor x = images;
        foreach (string layer in (string[])["encoder.conv1", "encoder.conv2", "encoder.conv3"]) x = Activation.Pass(x, Weights.Convolve(x, layer, stride: 2, padding: 1).relu_(), images);
        x = x.flatten(1);
        if (training is null) return x;
        Tensor kept = rand(x.shape, x.dtype, x.device, generator: training.Generator).ge(DropoutRate);
        return x * kept / (1 - DropoutRate);
    }

    public override (Tensor Mean, Tensor LogVariance) Posterior(Tensor features) =>
        (Mean(features), Weights.Linear(features, "encoder.log_variance"));

    public override Tensor Mean(Tensor features) => Weights.Linear(features, "encoder.mean");

    public override Tensor Decode(Tensor latents, TrainingPass? training)
    {
        Tensor x = Weights.Linear(latents, "decoder.dense").relu_().reshape(latents.size(0), 4 * _channels, _image.Height / 8, _image.Width / 8);
        foreach (string layer in (string[])["decoder.conv1", "decoder.conv2", "decoder.conv3"]) x = Activation.Pass(x, Weights.ConvolveTransposed(x, layer, stride: 2, padding: 1).relu_(), latents);
        return Activation.Pass(x, Weights.Convolve(x, "decoder.out", padding: 2), latents);
    }

    // Keras averages the cross-entropy over channels. γ² is a number here: in the original its gradient cancels that of the reconstruction wherever a step sets a new minimum.
    public override Tensor Loss(Tensor images, Tensor decoded, Tensor mean, Tensor logVariance, double beta, Func<Tensor, double> scale)
    {
        Tensor reconstruction = Elbo.CrossEntropy(decoded, images).mean() / _image.Channels;
        double balance = _image.Height * _image.Width / (2 * scale(reconstruction));
        return (reconstruction * balance) + (Elbo.Divergence(mean, logVariance).mean() * beta);
    }

    // A Gaussian of variance γ² over the pixels has −log p = HW/2·(rec/γ² + log γ²) up to a constant.
    public override double Normaliser(double scale) => _image.Height * _image.Width / 2.0 * Math.Log(scale);

    internal static Layout LayoutOf(ImageFormat image, long dimension, long channels)
    {
        long features = Features(image, channels);
        Layout layout = new();
        Convolution("encoder.conv1", image.Channels, channels, 4);
        Convolution("encoder.conv2", channels, 2 * channels, 4);
        Convolution("encoder.conv3", 2 * channels, 4 * channels, 4);
        Dense("encoder.mean", features, dimension);
        Dense("encoder.log_variance", features, dimension);
        Dense("decoder.dense", dimension, features);
        Transposed("decoder.conv1", 4 * channels, 2 * channels);
        Transposed("decoder.conv2", 2 * channels, channels);
        Transposed("decoder.conv3", channels, Last(channels));
        Convolution("decoder.out", Last(channels), image.Channels, 5);
        return layout;

        void Dense(string name, long inputs, long outputs) => layout.Linear(name, inputs, outputs, initial: Initial.Glorot(inputs, outputs));

        void Convolution(string name, long inputs, long outputs, long kernel) =>
            layout.Convolution(name, inputs, outputs, kernel, initial: Initial.Glorot(inputs * kernel * kernel, outputs * kernel * kernel));

        void Transposed(string name, long inputs, long outputs) => layout.TransposedConvolution(name, inputs, outputs, 4, initial: Initial.Glorot(inputs * 16, outputs * 16));
    }

    private static long Last(long channels) => Math.Max(1, channels / 2);

    private static long Features(ImageFormat image, long channels) => 4 * channels * (image.Height / 8) * (image.Width / 8);
}
