using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>The lasso on labels 0 and 1 with rounding as the decision: the probe of the published study, all attributes at once.</summary>
/// <remarks>
/// <para>Minimises, for each attribute, ‖y − Zw − b‖²/2n + α‖w‖₁ over the n rows it uses, y in {0, 1}, b free and not penalised: scikit-learn's Lasso. The columns are not scaled. A score is rounded to the nearest whole
/// number, halves to even; what rounds to neither 0 nor 1 counts as wrong (<see cref="ProbeDecision.Rounding"/>).</para>
/// <para>At the minimum |zⱼᵀr|/n ≤ α with equality where wⱼ ≠ 0. Numerics: working-set coordinate descent; products in the latents' precision, the final duality gap in float64. Cost: a pass over the latents a round
/// for all attributes, a few rounds; memory for a copy of the latents in their own precision and for the columns in use.</para>
/// <para>Sources: Tibshirani, "Regression Shrinkage and Selection via the Lasso", J. R. Stat. Soc. B 58 (1996); Massias, Gramfort and Salmon, "Celer: a Fast Solver for the Lasso with Dual Extrapolation" (ICML 2018).</para>
/// </remarks>
public sealed class LassoProbeTrainer : IProbeTrainer
{
    /// <summary>The published study's probe of its VAE: α = 0.005.</summary>
    public static LassoProbeTrainer ForPublishedVae { get; } = new() { Alpha = 0.005 };

    /// <summary>The published study's probe of its VQ-VAE: α = 0.005.</summary>
    public static LassoProbeTrainer ForPublishedVqVae { get; } = new() { Alpha = 0.005 };

    /// <summary>The published study's probe of its diffusion model: α = 0.02.</summary>
    public static LassoProbeTrainer ForPublishedDiffusion { get; } = new() { Alpha = 0.02 };

    /// <summary>The published study's probe of its normalising flow and of the flow's checkpoints: α = 0.1.</summary>
    public static LassoProbeTrainer ForPublishedFlow { get; } = new() { Alpha = 0.1 };

    /// <summary>Strength of the penalty α, in units of label times latent; the squared error is divided by 2n.</summary>
    /// <value>Positive; default 0.005.</value>
    public double Alpha
    {
        get;
        init => field = Guard.Positive(value, nameof(Alpha));
    } = 0.005;

    /// <summary>Largest duality gap of each attribute, relative to the objective of coefficients that are all zero, ‖y − ȳ‖²/2n.</summary>
    /// <value>Positive; default 10⁻⁴.</value>
    public double Tolerance
    {
        get;
        init => field = Guard.Positive(value, nameof(Tolerance));
    } = 1e-4;

    /// <summary>The most sweeps over the coefficients in use, for each attribute.</summary>
    /// <value>Positive; default 100,000.</value>
    public long MaxIterations
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxIterations));
    } = 100_000;

    /// <inheritdoc/>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"probe|model:lasso-rounded|alpha:{Alpha:g6}");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a label, or an attribute has one class only.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public ProbeFit Train(Tensor latents, ProbeLabels labels, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ProbeGuard.Inputs(latents, labels);
        cancellationToken.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (Tensor weight, Tensor bias, SparseProbeSolver.Outcome[] outcomes) = new SparseProbeSolver(latents, labels, ProbeLoss.Squares)
            .Solve(rows => 1.0 / rows, Alpha, Tolerance, MaxIterations, ProbeGuard.Tell(progress, labels), cancellationToken);
        LinearProbes probes = new(labels.Names, weight, bias, ProbeDecision.Rounding);
        return ProbeGuard.Finish(latents, labels, probes, Signature, (attribute, report) => report with
        {
            Converged = outcomes[attribute].Converged,
            Iterations = outcomes[attribute].Steps,
            RelativeGap = outcomes[attribute].RelativeGap,
            Strength = Alpha,
        });
    }
}
