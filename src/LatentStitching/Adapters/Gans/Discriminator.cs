using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Gans;

/// <summary>The opponent of a generator while it is trained.</summary>
/// <param name="weights">Its weights, which it owns.</param>
/// <param name="logits">Images [n, c, h, w] in about [0, 1], and a generator where features are dropped → one number an image, [n].</param>
internal sealed class Discriminator(WeightSet weights, Func<WeightSet, Tensor, Generator?, Tensor> logits) : IDisposable
{
    public WeightSet Weights => weights;

    public Tensor Logits(Tensor images, Generator? dropout) => logits(weights, images, dropout);

    /// <summary>Whether its weights ask for gradients: not while the generator is trained.</summary>
    public void Freeze(bool frozen)
    {
        foreach ((_, Tensor parameter) in weights.Trainable) parameter.requires_grad = !frozen;
    }

    public void Dispose() => weights.Dispose();
}
