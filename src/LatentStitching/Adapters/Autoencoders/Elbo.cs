namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The terms of the evidence lower bound, one number an image.</summary>
internal static class Elbo
{
    /// <summary>½Σ(μ² + σ² − 1 − log σ²), [n]: Kingma and Welling (arXiv:1312.6114), appendix B.</summary>
    public static Tensor Divergence(Tensor mean, Tensor logVariance) => (mean.square() + logVariance.exp() - 1 - logVariance).sum([1]) * 0.5;

    /// <summary>Σ of the binary cross-entropy over pixels and channels, [n].</summary>
    public static Tensor CrossEntropy(Tensor logits, Tensor images) =>
        nn.functional.binary_cross_entropy_with_logits(logits, images, reduction: nn.Reduction.None).flatten(1).sum([1]);

    /// <summary>Σ(x − x̂)² over pixels and channels, [n].</summary>
    public static Tensor SquaredError(Tensor pixels, Tensor images) => (pixels - images).square().flatten(1).sum([1]);
}
