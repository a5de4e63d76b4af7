using System.Globalization;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>What a latent optimisation minimises: one number a row, and its gradient. Rows do not meet.</summary>
internal sealed class InversionObjective(ILatentModel generator, LatentOptimisationOptions options, Func<Tensor, Tensor, Tensor>? perceptual)
{
    /// <summary>Latents [m, D] and images [m, c, h, w] → the objective [m] and its gradient [m, D].</summary>
    /// <exception cref="InvalidOperationException">The perceptual term has another shape or no gradient, or the objective is not finite.</exception>
    public (Tensor Values, Tensor Gradient) Evaluate(Tensor latents, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        // Of a gradient for the latents alone: backward() would fill those of the generator's weights too.
        Tensor x = latents.detach().requires_grad_(true);
        Tensor decoded = generator is GanModel gan ? gan.Generate(x) : generator.Decode(x);
        Tensor values = (decoded - images).square().flatten(1).mean([1]);
        if (perceptual is not null && options.PerceptualWeight > 0) values = values + Perceptual(decoded, images) * options.PerceptualWeight;
        if (options.PriorWeight > 0) values = values + x.square().mean([1]) * options.PriorWeight;
        if (!values.isfinite().all().ToBoolean())
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"The objective must stay finite, but it is not. Lower the learning rate ({options.LearningRate}), or look into the perceptual term."));
        }
        Tensor gradient = autograd.grad([values.sum()], [x])[0];
        return (values.detach().MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    private Tensor Perceptual(Tensor decoded, Tensor images)
    {
        Tensor? term = perceptual!(decoded, images);
        if (term is null || !term.shape.AsSpan().SequenceEqual([images.size(0)]))
        {
            throw new InvalidOperationException($"The perceptual term must return one number an image, [{images.size(0)}], but it returned {(term is null ? "null" : $"[{string.Join(", ", term.shape)}]")}.");
        }
        // Without one the descent would go by the pixels alone, and nobody would know.
        return term.requires_grad ? term : throw new InvalidOperationException("The perceptual term must carry a gradient of the decoded images, but it carries none. Compute it without no_grad, as Lpips.Distances does.");
    }
}
