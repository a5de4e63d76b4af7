using LatentStitching.Models;
using LatentStitching.Numerics;
using LatentStitching.Probing;

namespace LatentStitching.Editing;

/// <summary>Scores images by attributes, to say what an edit did to them.</summary>
/// <remarks>
/// The model that was edited may judge itself through its own encoder and probes; its encoder then shares the decoder's blind spots, so that another model's, or a classifier that knows neither, says more. A judge borrows what it is made of.
/// </remarks>
public sealed class EditJudge
{
    private readonly Func<Tensor, Tensor> _scores;

    /// <summary>Makes a judge of a function.</summary>
    /// <param name="name">The judge's name in reports.</param>
    /// <param name="attributes">What it scores.</param>
    /// <param name="scores">From images [n, c, h, w] in [0, 1] to scores [n, attributes], floating point, finite, each in a unit of its own.</param>
    /// <exception cref="ArgumentException">The name is blank, or there is no attribute.</exception>
    public EditJudge(string name, IReadOnlyList<string> attributes, Func<Tensor, Tensor> scores)
    {
        Name = Guard.NotBlank(name);
        Guard.NotEmpty(attributes, "Name what the judge scores.");
        ArgumentNullException.ThrowIfNull(scores);
        Attributes = [.. attributes];
        _scores = scores;
    }

    /// <summary>The judge's name.</summary>
    public string Name { get; }

    /// <summary>What it scores, in order.</summary>
    public IReadOnlyList<string> Attributes { get; }

    /// <summary>A model's encoder with its probes, in units of their margins: 1 from the boundary to the coded class for probes of −1 and 1, 1/2 for those of 0 and 1.</summary>
    /// <param name="model">The model. Not disposed.</param>
    /// <param name="probes">Probes of its latent. Not disposed.</param>
    /// <returns>The judge; it needs both alive.</returns>
    /// <exception cref="ArgumentException">The widths differ.</exception>
    public static EditJudge Of(ILatentModel model, LinearProbes probes)
    {
        LatentEdit.RequireFit(model, probes);
        return new EditJudge(model.Name, probes.Names, images =>
        {
            using Tensor latents = model.Encode(images);
            using Tensor scores = probes.Scores(latents);
            return scores.sub(LatentEdit.Boundary(probes)).div(LatentEdit.Margin(probes));
        });
    }

    /// <summary>Scores images.</summary>
    /// <param name="images">Image batch [n, c, h, w] in [0, 1]. Not disposed.</param>
    /// <returns>[n, attributes], float64, owned by the caller.</returns>
    /// <exception cref="InvalidOperationException">The judge's function gave another shape, or numbers that are not finite.</exception>
    public Tensor Scores(Tensor images)
    {
        TensorGuard.Images(images);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor scores = _scores(images);
        if (scores.dim() != 2 || scores.size(0) != images.size(0) || scores.size(1) != Attributes.Count)
        {
            throw new InvalidOperationException($"The judge '{Name}' must give scores [{images.size(0)}, {Attributes.Count}], but it gave {TensorGuard.Shape(scores)}.");
        }
        if (!scores.isfinite().all().ToBoolean()) throw new InvalidOperationException($"The judge '{Name}' must give finite scores, but some are NaN or infinite.");
        return scores.to(ScalarType.Float64, CPU, copy: true).MoveToOuterDisposeScope();
    }
}
