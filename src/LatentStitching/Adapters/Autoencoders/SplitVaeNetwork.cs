using System.Numerics;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The Split-VAE of Asperti, Bugo and Filippini, "Enhancing Variational Generation Through Self-Decomposition", IEEE Access 10 (2022), doi:10.1109/ACCESS.2022.3185654, a Keras model in channels-first form.</summary>
/// <remarks>
/// Encoder: four 3×3 convolutions of stride 2 with a residual block between two of them → mean over space → residual dense block, the embedding → mean and log-variance.
/// Decoder: dense, the second embedding → dense to 4×4 → transposed convolutions of stride 2, a residual block after each → 3×3 convolution to a mask and two images, sigmoid.
/// A residual block is twice batch normalisation, swish and layer, plus a layer over its input.
/// </remarks>
internal sealed class SplitVaeNetwork : VaeNetwork
{
    private const int Scales = 4;
    private const double DivergenceWeight = 3;
    private readonly ImageFormat _image;

    private SplitVaeNetwork(WeightSet weights, ImageFormat image)
        : base(weights) => _image = image;

    public override IReadOnlyList<long> FeatureShape => [Weights["latent.mean.weight"].size(1)];

    // The embedding's block normalises after the mean over space.
    public override int LeastBatch => 2;

    private int Ups => Doublings(_image.Height);

    public static ImageFormat RequireFormat(ImageFormat format, string name)
    {
        ArgumentNullException.ThrowIfNull(format, name);
        return format.Height == format.Width && format.Height is >= 16 and <= 512 && BitOperations.IsPow2(format.Height)
            ? format
            : throw new ArgumentException($"{name} must be square with a side of 16, 32, 64, 128, 256 or 512, but it is {format}.", name);
    }

    public static SplitVaeNetwork Create(SplitVaeOptions options, Device device) =>
        new(WeightSet.Create(LayoutOf(options.Image, options.LatentDimension, options.BaseChannels, options.EmbeddingDimension), options.Seed, device), options.Image);

    public static (SplitVaeNetwork Network, ImageFormat Image, long Dimension) From(StateDictionary state, string path, Device device)
    {
        const string what = "a Split-VAE";
        long[] first = WeightFile.ShapeOf(state, "encoder.conv0.weight", 4, what, path), mean = WeightFile.ShapeOf(state, "latent.mean.weight", 2, what, path);
        int ups = state.Names.Count(name => name.StartsWith("decoder.up", StringComparison.Ordinal) && name.EndsWith(".weight", StringComparison.Ordinal));
        if (ups is < 2 or > 7) throw new InvalidDataException($"{path} must hold {what} of 2 to 7 transposed convolutions decoder.up0, decoder.up1 ..., but it holds {ups}.");
        ImageFormat image = new(first[1], 4L << ups, 4L << ups);
        return (new SplitVaeNetwork(WeightSet.From(LayoutOf(image, mean[0], first[0], mean[1]), state, what, path, device), image), image, mean[0]);
    }

    public override Tensor Features(Tensor images, TrainingPass? training)
    {
        Tensor x = images;
        for (int i = 0; i < Scales; i++)
        {
            x = Activation.Pass(x, Halve(x, $"encoder.conv{i}"), images);
            if (i < Scales - 1) x = Activation.Pass(x, Residual(x, $"encoder.block{i}", training, Convolve), images);
        }
        return Residual(x.mean([2, 3]), "encoder.embedding", training, Weights.Linear);
    }

    public override (Tensor Mean, Tensor LogVariance) Posterior(Tensor features) =>
        (Mean(features), Weights.Linear(features, "latent.log_variance"));

    public override Tensor Mean(Tensor features) => Weights.Linear(features, "latent.mean");

    /// <summary>Latents [n, k] → the embedding that the decoder begins with, [n, e].</summary>
    public Tensor Embed(Tensor latents) => Weights.Linear(latents, "latent.embedding");

    public override Tensor Decode(Tensor latents, TrainingPass? training) => DecodeEmbedding(Embed(latents), training);

    /// <summary>Embedding [n, e] → mask and two images before the sigmoid, [n, 1 + 2c, h, w].</summary>
    public Tensor DecodeEmbedding(Tensor embedding, TrainingPass? training)
    {
        Tensor x = Weights.Linear(embedding, "decoder.dense");
        x = x.reshape(x.size(0), x.size(1) / 16, 4, 4);
        for (int i = 0; i < Ups; i++)
        {
            x = Activation.Pass(x, Double(x, $"decoder.up{i}"), embedding);
            x = Activation.Pass(x, Residual(x, $"decoder.block{i}", training, Convolve), embedding);
        }
        return Activation.Pass(x, Convolve(x, "decoder.out"), embedding);
    }

    public (Tensor Mask, Tensor First, Tensor Second) Parts(Tensor decoded)
    {
        Tensor all = decoded.sigmoid();
        long channels = _image.Channels;
        return (all.narrow(1, 0, 1), all.narrow(1, 1, channels), all.narrow(1, 1 + channels, channels));
    }

    public override Tensor Pixels(Tensor decoded)
    {
        (Tensor mask, Tensor first, Tensor second) = Parts(decoded);
        return (first * mask) + (second * (1 - mask));
    }

    // How the original's γ is set is not published; the running minimum of the mean squared error is what its first author uses elsewhere (arXiv:2002.07514).
    public override Tensor Loss(Tensor images, Tensor decoded, Tensor mean, Tensor logVariance, double beta, Func<Tensor, double> scale)
    {
        Tensor error = Elbo.SquaredError(Pixels(decoded), images).mean();
        return (error * (0.5 / Gamma(scale(error)))) + (Elbo.Divergence(mean, logVariance).mean() * (beta * DivergenceWeight));
    }

    // A Gaussian of variance γ over D numbers has −log p = ½·(Σ(x − x̂)²/γ + D·log γ) up to a constant.
    public override double Normaliser(double scale) => _image.PixelCount / 2.0 * Math.Log(Gamma(scale));

    internal static Layout LayoutOf(ImageFormat image, long dimension, long channels, long embedding)
    {
        Layout layout = new();
        for (int i = 0; i < Scales; i++)
        {
            long width = channels << i;
            Convolution($"encoder.conv{i}", i == 0 ? image.Channels : width / 2, width);
            if (i < Scales - 1) Block($"encoder.block{i}", width, width, Convolution);
        }
        Block("encoder.embedding", channels << (Scales - 1), embedding, Dense);
        Dense("latent.mean", embedding, dimension);
        Dense("latent.log_variance", embedding, dimension);
        Dense("latent.embedding", dimension, embedding);
        int ups = Doublings(image.Height);
        Dense("decoder.dense", embedding, 16 * Width(channels, ups));
        for (int i = 0; i < ups; i++)
        {
            long inputs = Width(channels, ups - i), outputs = Width(channels, ups - i - 1);
            layout.TransposedConvolution($"decoder.up{i}", inputs, outputs, 3, initial: Initial.Glorot(inputs * 9, outputs * 9));
            Block($"decoder.block{i}", outputs, outputs, Convolution);
        }
        Convolution("decoder.out", channels, 1 + (2 * image.Channels));
        return layout;

        void Dense(string name, long inputs, long outputs) => layout.Linear(name, inputs, outputs, initial: Initial.Glorot(inputs, outputs));

        void Convolution(string name, long inputs, long outputs) => layout.Convolution(name, inputs, outputs, 3, initial: Initial.Glorot(inputs * 9, outputs * 9));

        void Block(string name, long inputs, long outputs, Action<string, long, long> layer)
        {
            layout.BatchNormalisation(name + ".norm1", inputs);
            layer(name + ".layer1", inputs, outputs);
            layout.BatchNormalisation(name + ".norm2", outputs);
            layer(name + ".layer2", outputs, outputs);
            layer(name + ".skip", inputs, outputs);
        }
    }

    private double Gamma(double scale) => Math.Max(scale / _image.PixelCount, 1e-6);

    // Channels where the image has been halved so many times.
    private static long Width(long channels, int halvings) => Math.Min(channels << halvings, Math.Max(1024, channels));

    private static int Doublings(long side) => BitOperations.Log2((ulong)side) - 2;

    private Tensor Convolve(Tensor x, string layer) => Weights.Convolve(x, layer, padding: 1);

    /// <summary>Keras's 'same' padding of a 3×3 kernel at stride 2 adds a row and a column at the end only.</summary>
    internal Tensor Halve(Tensor x, string layer)
    {
        using Tensor wide = nn.functional.pad(x, [0, 1, 0, 1]);
        return Weights.Convolve(wide, layer, stride: 2);
    }

    /// <summary>The transpose of that convolution: all 2n + 1 rows and columns but the last.</summary>
    internal Tensor Double(Tensor x, string layer)
    {
        using Tensor all = Weights.ConvolveTransposed(x, layer, stride: 2), rows = all.narrow(2, 0, 2 * x.size(2));
        return rows.narrow(3, 0, 2 * x.size(3));
    }

    // Keras's momentum of 0.999 is PyTorch's of 0.001. With it alone the running statistics of a short run would still be those before its first step; so it begins larger, as the loop's average of weights does.
    private Tensor Residual(Tensor x, string name, TrainingPass? training, Func<Tensor, string, Tensor> layer)
    {
        Tensor y = Half(x, "1");
        y = Activation.Pass(y, Half(y, "2"), x);
        using Tensor near = layer(x, name + ".skip");
        return y.add_(near);

        Tensor Half(Tensor map, string part)
        {
            using Tensor active = Activation.Swish(Normalise(map, $"{name}.norm{part}"));
            return layer(active, $"{name}.layer{part}");
        }

        Tensor Normalise(Tensor map, string norm) => Weights.BatchNormalise(map, norm, training is not null, momentum: Math.Max(0.001, 9.0 / (10 + (training?.Step ?? 0))), eps: 1e-5);
    }
}
