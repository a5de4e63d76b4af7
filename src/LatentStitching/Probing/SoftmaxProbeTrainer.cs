using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Multinomial logistic regression: a probe of several classes that exclude each other, as CIFAR-10's.</summary>
/// <remarks>
/// <para>Minimises C Σᵢ −log softmax(zᵢWᵀ + b)[yᵢ] + ½‖W‖², b free and not penalised: scikit-learn's LogisticRegression(multi_class='multinomial'). Every class has coefficients; those of all classes sum to zero, and so do the offsets.</para>
/// <para>Solved by Newton's method with steps from preconditioned conjugate gradients to a duality gap judged in float64.</para>
/// <para>Source: Lin, Weng and Keerthi, "Trust Region Newton Method for Logistic Regression", JMLR 9 (2008) (truncated Newton steps); Böhning, "Multinomial logistic regression algorithm", Ann. Inst. Stat. Math. 44 (1992) (the Hessian).</para>
/// </remarks>
public sealed class SoftmaxProbeTrainer
{
    /// <summary>Strength of the data against the penalty, C: larger is less penalised.</summary>
    /// <value>Positive; default 1.</value>
    public double C
    {
        get;
        init => field = Guard.Positive(value, nameof(C));
    } = 1;

    /// <summary>Largest duality gap, relative to the objective's minimum.</summary>
    /// <value>Positive; default 10⁻⁶.</value>
    public double Tolerance
    {
        get;
        init => field = Guard.Positive(value, nameof(Tolerance));
    } = 1e-6;

    /// <summary>The most Newton steps.</summary>
    /// <value>Positive; default 1000.</value>
    public long MaxIterations
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxIterations));
    } = 1000;

    /// <summary>The choices that a result depends on.</summary>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"probe|model:softmax|penalty:l2|c:{C:g6}");

    /// <summary>Trains.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed, not changed.</param>
    /// <param name="classes">The class of each row, from 0.</param>
    /// <param name="names">The name of each class, all different; each must have a row.</param>
    /// <param name="progress">Told as it goes on, or null.</param>
    /// <param name="cancellationToken">Cancels; no tensor is left alive.</param>
    /// <returns>The probe and how it went, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a class label, there are fewer than two classes, or one has no row or no name.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public SoftmaxProbeFit Train(Tensor latents, IReadOnlyList<int> classes, IReadOnlyList<string> names, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        TensorGuard.FiniteMatrix(latents);
        ProbeLabels labels = ProbeLabels.OneVersusRest(classes, names);
        if (classes.Count != latents.size(0)) throw new ArgumentException($"classes must have a row a latent, {latents.size(0)}, but they have {classes.Count}.", nameof(classes));
        if (names.Count < 2) throw new ArgumentException($"names must hold at least two classes, but it holds {names.Count}.", nameof(names));
        for (int own = 0; own < names.Count; own++)
        {
            if (!classes.Contains(own)) throw new ArgumentException($"classes must have a row of every class, but none is '{names[own]}'. Leave the class out, or add rows.", nameof(classes));
        }
        cancellationToken.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        ProbeMatrix x = new(latents);
        SoftmaxSolver.Solution solution = new SoftmaxSolver(x, ProbeColumns.Labels(labels, x.Device), C).Solve(Tolerance, MaxIterations, ProbeGuard.TellSteps(progress, MaxIterations), cancellationToken);
        Tensor weight = solution.Weight.t();
        SoftmaxProbe probe = new(names, weight, solution.Bias.sub(weight.mv(x.Centre)));
        double right = probe.Predict(latents).eq(ProbeColumns.Places(classes, x.Device)).to_type(ScalarType.Float64).mean().ToDouble();
        return new SoftmaxProbeFit(probe, Signature)
        {
            Converged = solution.RelativeGap <= Tolerance,
            Iterations = solution.Iterations,
            RelativeGap = solution.RelativeGap,
            TrainingAccuracy = right,
            Warnings = right == 1 ? [$"The classes are separable, all {classes.Count} rows are labelled rightly. Only the penalty keeps the coefficients finite, and the probabilities are too sure: judge on other rows."] : [],
        };
    }
}
