using System.Text.Json.Nodes;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>Two inversions in sequence: a first guess, usually a <see cref="Recoder"/>'s, and a <see cref="LatentOptimisation"/> that starts there.</summary>
/// <remarks>
/// <para>Gradients do not flow back to the images. Owns neither of the two.</para>
/// <para>Source: Zhu et al., "Generative visual manipulation on the natural image manifold" (arXiv:1609.03552), whose "hybrid method" of projection this is.</para>
/// </remarks>
public sealed class HybridInversion : IGanInversion, IDescribedInversion
{
    private readonly IGanInversion _first;
    private readonly LatentOptimisation _second;

    /// <summary>Makes the sequence.</summary>
    /// <param name="first">Gives the start. Not disposed.</param>
    /// <param name="second">Goes on from there; its own starts are not used.</param>
    public HybridInversion(IGanInversion first, LatentOptimisation second)
    {
        _first = Guard.NotNull(first);
        _second = Guard.NotNull(second);
    }

    ModelDescription? IDescribedInversion.Describe()
    {
        if (IDescribedInversion.Of(_first) is not { } first || IDescribedInversion.Of(_second) is not { } second) return null;
        JsonObject both = new() { ["first"] = first.Kind, ["firstOptions"] = first.Configuration.DeepClone(), ["second"] = second.Configuration.DeepClone() };
        return new ModelDescription("hybrid", both, [.. first.Weights, .. second.Weights]);
    }

    /// <inheritdoc/>
    public Tensor Invert(ILatentModel generator, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return _second.Optimise(generator, images, _first.Invert(generator, images)).Latents.MoveToOuterDisposeScope();
    }
}
