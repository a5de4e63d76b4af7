using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>A linear support vector machine with the squared hinge, all attributes at once: the boundary with the widest margin that the errors allow.</summary>
/// <remarks>
/// <para>Minimises, for each attribute, C Σᵢ max(0, 1 − yᵢ(zᵢ·w + b))² + ½‖w‖² over the rows it uses, y in {−1, 1}; b is free and not penalised (liblinear penalises it). Scores are no probabilities.</para>
/// <para>Solved by a modified finite Newton method with steps from conjugate gradients, whose products with the latents and whose preconditioner all attributes share, to a duality gap judged in float64.</para>
/// <para>Source: Keerthi and DeCoste, "A Modified Finite Newton Method for Fast Solution of Large Scale Linear SVMs", JMLR 6 (2005).</para>
/// </remarks>
public sealed class SvmProbeTrainer : IProbeTrainer
{
    /// <summary>Strength of the data against the penalty, C: larger is less penalised.</summary>
    /// <value>Positive; default 1.</value>
    public double C
    {
        get;
        init => field = Guard.Positive(value, nameof(C));
    } = 1;

    /// <summary>Largest duality gap of each attribute, relative to the objective's minimum.</summary>
    /// <value>Positive; default 10⁻⁶.</value>
    public double Tolerance
    {
        get;
        init => field = Guard.Positive(value, nameof(Tolerance));
    } = 1e-6;

    /// <summary>The most Newton steps for each attribute.</summary>
    /// <value>Positive; default 1000.</value>
    public long MaxIterations
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxIterations));
    } = 1000;

    /// <inheritdoc/>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"probe|model:svm|loss:squared-hinge|c:{C:g6}");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a label, or an attribute has one class only.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public ProbeFit Train(Tensor latents, ProbeLabels labels, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ProbeGuard.Inputs(latents, labels);
        cancellationToken.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        ProbeMatrix x = new(latents);
        SmoothProbes training = new(new SmoothProbeSolver(x, ProbeLoss.SquaredHinge), x, labels) { Tolerance = Tolerance, MaxIterations = MaxIterations, Told = ProbeGuard.TellSteps(progress, MaxIterations) };
        return training.Finish(latents, [.. labels.Names.Select(_ => C)], Signature, givesProbabilities: false, (attribute, separable) => separable ? [SmoothProbes.Separable(labels, attribute)] : [], cancellationToken);
    }
}
