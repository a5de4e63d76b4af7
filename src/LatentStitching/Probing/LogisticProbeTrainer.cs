using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Logistic regression, all attributes at once: σ(z·w + b) is the probability that a row has the attribute.</summary>
/// <remarks>
/// <para>Minimises, for each attribute, C Σᵢ log(1 + exp(−yᵢ(zᵢ·w + b))) + ½‖w‖² (or ‖w‖₁) over the rows it uses, y in {−1, 1}, b free and not penalised: scikit-learn's LogisticRegression. The columns are not scaled.</para>
/// <para>The L2 penalty is solved by Newton's method with steps from conjugate gradients, whose products with the latents and whose preconditioner all attributes share; the L1 penalty by coordinate descent on working sets.
/// Both end at a duality gap, judged in float64. Separable classes have a minimum all the same, since the coefficients are penalised: the report warns.</para>
/// <para>With <see cref="Strengths"/>, C is chosen for each attribute by the least held-out log-loss over seeded stratified folds, all folds of all attributes together, each strength from the one before.</para>
/// <para>Sources: Lin, Weng and Keerthi, "Trust Region Newton Method for Logistic Regression", JMLR 9 (2008); Friedman, Hastie and Tibshirani, J. Stat. Softw. 33 (2010), section 3.</para>
/// </remarks>
public sealed class LogisticProbeTrainer : IProbeTrainer
{
    /// <summary>Strength of the data against the penalty, C: larger is less penalised. Not used where <see cref="Strengths"/> holds any.</summary>
    /// <value>Positive; default 1.</value>
    public double C
    {
        get;
        init => field = Guard.Positive(value, nameof(C));
    } = 1;

    /// <summary>Values of C to choose from by cross-validation; only for <see cref="ProbePenalty.L2"/>.</summary>
    /// <value>Each positive, in any order; default none.</value>
    public IReadOnlyList<double> Strengths
    {
        get;
        init
        {
            _ = Guard.NotNull(value, nameof(Strengths));
            foreach (double strength in value) Guard.Positive(strength, nameof(Strengths));
            field = [.. value];
        }
    } = [];

    /// <summary>Number of folds of the cross-validation.</summary>
    /// <value>At least 2; default 5.</value>
    public int Folds
    {
        get;
        init => field = Guard.AtLeast(value, 2, nameof(Folds));
    } = 5;

    /// <summary>Fixes the folds.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>The penalty.</summary>
    /// <value>Default <see cref="ProbePenalty.L2"/>.</value>
    public ProbePenalty Penalty { get; init; }

    /// <summary>Largest duality gap of each attribute, relative to the objective's minimum (L2) or to the objective of coefficients that are all zero (L1).</summary>
    /// <value>Positive; default 10⁻⁶.</value>
    public double Tolerance
    {
        get;
        init => field = Guard.Positive(value, nameof(Tolerance));
    } = 1e-6;

    /// <summary>The most Newton steps (L2), or sweeps over the coefficients in use (L1), for each attribute.</summary>
    /// <value>Positive; default 10,000.</value>
    public long MaxIterations
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxIterations));
    } = 10_000;

    /// <inheritdoc/>
    public string Signature => Strengths.Count == 0
        ? string.Create(CultureInfo.InvariantCulture, $"probe|model:logistic|penalty:{Letter}|c:{C:g6}")
        : string.Create(CultureInfo.InvariantCulture, $"probe|model:logistic|penalty:{Letter}|c:cv-of-{Strengths.Count}|folds:{Folds}|seed:{Seed}");

    private string Letter => Penalty == ProbePenalty.L2 ? "l2" : "l1";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a label, an attribute has one class only, or, with <see cref="Strengths"/>, fewer rows of a class than folds.</exception>
    /// <exception cref="InvalidOperationException">There are strengths to choose from and the penalty is not L2.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public ProbeFit Train(Tensor latents, ProbeLabels labels, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ProbeGuard.Inputs(latents, labels);
        if (Strengths.Count > 0 && Penalty != ProbePenalty.L2) throw new InvalidOperationException("Strengths are chosen by cross-validation for the L2 penalty only. Leave Strengths empty and set C.");
        if (Strengths.Count > 0) ProbeFolds.Require(labels, Folds);
        cancellationToken.ThrowIfCancellationRequested();
        return Penalty == ProbePenalty.L2 ? Smooth(latents, labels, progress, cancellationToken) : Sparse(latents, labels, progress, cancellationToken);
    }

    private ProbeFit Smooth(Tensor latents, ProbeLabels labels, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        ProbeMatrix x = new(latents);
        SmoothProbeSolver solver = new(x, ProbeLoss.Logistic);
        SmoothProbes training = new(solver, x, labels) { Tolerance = Tolerance, MaxIterations = MaxIterations, Told = ProbeGuard.TellSteps(progress, MaxIterations) };
        double[] strengths = Strengths.Count == 0 ? [.. labels.Names.Select(_ => C)] : training.Choose(Strengths, ProbeFolds.Of(labels, Folds, Seed, latents.device), Folds, cancellationToken);
        return training.Finish(latents, strengths, Signature, givesProbabilities: true, (attribute, separable) => Warnings(labels, strengths[attribute], attribute, separable), cancellationToken);
    }

    private ProbeFit Sparse(Tensor latents, ProbeLabels labels, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (Tensor weight, Tensor bias, SparseProbeSolver.Outcome[] outcomes) = new SparseProbeSolver(latents, labels, ProbeLoss.Logistic)
            .Solve(_ => C, 1, Tolerance, MaxIterations, ProbeGuard.Tell(progress, labels), cancellationToken);
        LinearProbes probes = new(labels.Names, weight, bias, ProbeDecision.Sign, givesProbabilities: true);
        return ProbeGuard.Finish(latents, labels, probes, Signature, (attribute, report) => report with
        {
            Converged = outcomes[attribute].Converged,
            Iterations = outcomes[attribute].Steps,
            RelativeGap = outcomes[attribute].RelativeGap,
            Strength = C,
            Warnings = Warnings(labels, C, attribute, report.TrainingAccuracy == 1),
        });
    }

    private List<string> Warnings(ProbeLabels labels, double strength, int attribute, bool separable)
    {
        List<string> warnings = [];
        if (separable) warnings.Add(SmoothProbes.Separable(labels, attribute));
        if (Strengths.Count > 1 && (strength == Strengths.Max() || strength == Strengths.Min()))
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"'{labels.Names[attribute]}': the chosen strength {strength:g6} is at the end of those tried. Try some beyond it."));
        }
        return warnings;
    }
}
