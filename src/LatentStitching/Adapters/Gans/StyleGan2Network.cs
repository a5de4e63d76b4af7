using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Gans;

/// <summary>The functions of a StyleGAN2 generator over its weights: Karras et al., "Analyzing and improving the image quality of StyleGAN" (arXiv:1912.04958), with skip connections.</summary>
internal sealed class StyleGan2Network(StyleGan2Sizes sizes, WeightSet weights) : IDisposable
{
    private const double Slope = 0.2;
    private const double Epsilon = 1e-8;
    private static readonly double _gain = Math.Sqrt(2);

    public StyleGan2Sizes Sizes { get; } = sizes;

    public WeightSet Weights { get; } = weights;

    /// <summary>z [n, Z] and, with classes, labels [n, C] → w [n, W], untruncated.</summary>
    public Tensor Map(Tensor z, Tensor? labels)
    {
        Tensor x = UnitMeanSquare(z);
        if (labels is not null) x = cat([x, UnitMeanSquare(Dense(labels, "mapping.embed"))], 1);
        for (int i = 0; i < Sizes.MappingLayers; i++) x = Activate(Dense(x, $"mapping.fc{i}", StyleGan2Sizes.MappingRate));
        return x;
    }

    /// <summary>w [n, W] → one w a layer [n, L, W], the first <paramref name="layers"/> of them truncated towards the mean.</summary>
    public Tensor Broadcast(Tensor w, double truncation, int? layers)
    {
        int count = Sizes.StyleCount, cut = Math.Min(layers ?? count, count);
        Tensor repeated = w.unsqueeze(1).expand(-1, count, -1);
        if (truncation == 1) return repeated;
        Tensor truncated = Truncate(w, truncation).unsqueeze(1).expand(-1, cut, -1);
        return cut == count ? truncated : cat([truncated, repeated.narrow(1, cut, count - cut)], 1);
    }

    /// <summary>w̄ + ψ(w − w̄).</summary>
    public Tensor Truncate(Tensor w, double truncation) => truncation == 1 ? w : Weights["mapping.w_avg"].lerp(w, truncation);

    /// <summary>One w a layer [n, L, W] → images [n, c, h, w] of about [-1, 1].</summary>
    /// <param name="styles">The styles.</param>
    /// <param name="noise">A layer and the shape of its noise [n, 1, h, w] → the noise, or null for none.</param>
    /// <param name="limit">Limit of activations, or null.</param>
    public Tensor Synthesise(Tensor styles, Func<string, long[], Tensor?> noise, double? limit)
    {
        long count = styles.size(0);
        Tensor x = Weights["synthesis.b4.const"].unsqueeze(0).expand(count, -1, -1, -1);
        Tensor? image = null;
        int next = 0;
        foreach (long side in Sizes.Sides)
        {
            string block = $"synthesis.b{side}";
            if (image is not null)
            {
                x = Styled(x, styles.select(1, next++), block + ".conv0", side, up: true, noise, limit);
                image = FirFilter.Upsample(image, Weights[block + ".resample_filter"]);
            }
            x = Styled(x, styles.select(1, next++), block + ".conv1", side, up: false, noise, limit);
            Tensor colours = ToRgb(x, styles.select(1, next), block + ".torgb", limit);
            image = image is null ? colours : image + colours;
        }
        return image!;
    }

    /// <summary>The constant noise of a layer, scaled.</summary>
    public Tensor ConstantNoise(string layer) => Weights[layer + ".noise_const"] * Weights[layer + ".noise_strength"];

    public void Dispose() => Weights.Dispose();

    // Modulating inputs and demodulating outputs is the same as doing so to the weights of each image (their eqs. 1 to 3), and leaves one convolution for the batch.
    private Tensor Styled(Tensor x, Tensor w, string layer, long side, bool up, Func<string, long[], Tensor?> noise, double? limit)
    {
        Tensor weight = Weights[layer + ".weight"], style = Dense(w, layer + ".affine");
        Tensor demodulation = style.square().mm(weight.square().sum([2, 3]).t()).add(Epsilon).rsqrt();
        x = x * Spread(style);
        x = up
            ? FirFilter.AfterUpsampling(nn.functional.conv_transpose2d(x, weight.transpose(0, 1), strides: [2, 2]), Weights[layer + ".resample_filter"])
            : nn.functional.conv2d(x, weight, padding: [1, 1]);
        Tensor shift = Weights[layer + ".bias"].reshape(1, -1, 1, 1);
        if (noise(layer, [x.size(0), 1, side, side]) is { } added) shift = shift + added;
        // The activation's gain goes through it, and so into the two small factors. In place: no gradient needs the sum's parts or what leaky_relu took.
        return Limit(nn.functional.leaky_relu((x * Spread(demodulation * _gain)).add_(shift * _gain), Slope, inplace: true), limit);
    }

    private Tensor ToRgb(Tensor x, Tensor w, string layer, double? limit)
    {
        Tensor style = Dense(w, layer + ".affine") / Math.Sqrt(x.size(1));
        return Limit(nn.functional.conv2d(x * Spread(style), Weights[layer + ".weight"], Weights[layer + ".bias"]), limit);
    }

    // Weights are stored as N(0, 1) over the rate, and scaled by rate/√fan-in when used: the equalised learning rate of Karras et al. (arXiv:1710.10196), section 4.1.
    private Tensor Dense(Tensor x, string layer, double rate = 1)
    {
        Tensor weight = Weights[layer + ".weight"], bias = Weights[layer + ".bias"];
        return nn.functional.linear(x * (rate / Math.Sqrt(weight.size(1))), weight, rate == 1 ? bias : bias * rate);
    }

    private static Tensor Activate(Tensor x) => nn.functional.leaky_relu(x, Slope) * _gain;

    // In place where no gradient needs what came before.
    private static Tensor Limit(Tensor x, double? limit) => limit is not { } bound ? x : x.requires_grad ? x.clamp(-bound, bound) : x.clamp_(-bound, bound);

    private static Tensor Spread(Tensor x) => x.unsqueeze(-1).unsqueeze(-1);

    private static Tensor UnitMeanSquare(Tensor x) => x * x.square().mean([1], keepdim: true).add(Epsilon).rsqrt();
}
