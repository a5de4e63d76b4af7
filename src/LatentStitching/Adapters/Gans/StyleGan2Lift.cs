using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>The inversion of a StyleGAN2 seen from a space behind its latent: what the model finds, mapped on.</summary>
internal sealed class StyleGan2Lift(StyleGan2 origin) : IGanInversion, IDescribedInversion
{
    public ModelDescription? Describe() => origin.DescribeEncoding()?.Without() is { } found
        ? new ModelDescription("lift", found.Configuration, [.. found.Weights.Where(weight => weight.Name.StartsWith("inversion.", StringComparison.Ordinal))])
        : null;

    public Tensor Invert(ILatentModel generator, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var grad = set_grad_enabled(is_grad_enabled() && images.requires_grad);
        return origin.Lift(origin.Encode(images), (StyleGan2)generator).contiguous().MoveToOuterDisposeScope();
    }
}
