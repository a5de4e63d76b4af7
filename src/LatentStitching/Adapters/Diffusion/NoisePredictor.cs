using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>A network's answers in the terms that samplers need: the noise ε and the image x_0, whatever the network was trained to predict.</summary>
/// <param name="network">[n, c, h, w] and times [n] → prediction.</param>
/// <param name="prediction">What the network predicts.</param>
/// <param name="clip">Bound of |x_0|, or null.</param>
internal sealed class NoisePredictor(Func<Tensor, Tensor, Tensor> network, PredictionType prediction = PredictionType.Epsilon, double? clip = null)
{
    public PredictionType Prediction => prediction;

    /// <summary>Whether x_0 is left as it was predicted, so that a step is one linear combination.</summary>
    public bool IsLinear => clip is null;

    public Tensor Predict(Tensor x, int time)
    {
        Tensor output = network(x, HeldNumbers.Repeated(time, x.size(0), x.dtype, x.device));
        return output is not null && output.shape.AsSpan().SequenceEqual(x.shape)
            ? output
            : throw new InvalidOperationException($"The network must predict the shape {TensorGuard.Shape(x)} that it is shown, but it returned {(output is null ? "null" : TensorGuard.Shape(output))}.");
    }

    /// <summary>x_0 and ε of a prediction made for x at a level of noise. The image is clipped where asked; the noise stays as predicted, as diffusers has it.</summary>
    public (Tensor Image, Tensor Noise) Split(Tensor x, Tensor output, double alphaBar)
    {
        (double alpha, double sigma) = (Math.Sqrt(alphaBar), Math.Sqrt(1 - alphaBar));
        Tensor image = prediction switch
        {
            PredictionType.Epsilon => (x - output.Times(sigma)).Over(alpha),
            PredictionType.Velocity => x.Times(alpha) - output.Times(sigma),
            _ => output,
        };
        if (clip is { } bound) image = image.Within(-bound, bound);
        return (image, Noise(x, output, alphaBar));
    }

    /// <summary>ε of a prediction made for x at a level of noise.</summary>
    public Tensor Noise(Tensor x, Tensor output, double alphaBar)
    {
        (double alpha, double sigma) = (Math.Sqrt(alphaBar), Math.Sqrt(1 - alphaBar));
        return prediction switch
        {
            PredictionType.Epsilon => output,
            PredictionType.Velocity => output.Times(alpha) + x.Times(sigma),
            _ => (x - output.Times(alpha)).Over(sigma),
        };
    }

    /// <summary>DDIM's step from one level of noise to another, either way: √ᾱ'·x_0 + √(1 − ᾱ')·ε, as one linear combination of x and the prediction where nothing is clipped.</summary>
    public Tensor Move(Tensor x, Tensor output, double from, double to)
    {
        if (!IsLinear)
        {
            (Tensor image, Tensor noise) = Split(x, output, from);
            return image.Times(Math.Sqrt(to)) + noise.Times(Math.Sqrt(1 - to));
        }
        (double alpha, double sigma) = (Math.Sqrt(from), Math.Sqrt(1 - from));
        (double next, double nextSigma) = (Math.Sqrt(to), Math.Sqrt(1 - to));
        (double a, double b) = prediction switch
        {
            PredictionType.Epsilon => (next / alpha, nextSigma - (sigma * next / alpha)),
            PredictionType.Velocity => ((next * alpha) + (nextSigma * sigma), (nextSigma * alpha) - (next * sigma)),
            _ => (nextSigma / sigma, next - (nextSigma * alpha / sigma)),
        };
        return x.Times(a) + output.Times(b);
    }
}
