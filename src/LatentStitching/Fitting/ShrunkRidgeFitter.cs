using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits the map of Asperti and Tonelli in closed form: the exact minimum of the objective that their 2,000 steps of Adam approach.</summary>
/// <remarks>
/// <para>Minimises ‖ZW + 1b − Y‖²_F/(n·d_t) + λ_k‖W‖²_F + λ_a/n·‖ZW + 1b‖²_F, a Keras Dense layer with mean squared error and L2 penalties on kernel and activity. Setting the gradient to zero,
/// W = ((1 + λ_a·d_t)ZᵀZ + λ_k·n·d_t·I)⁻¹ZᵀY: ridge regression with α = λ_k·n·d_t/(1 + λ_a·d_t), shrunk, offset included, by 1/(1 + λ_a·d_t). The report gives α.</para>
/// <para>Numerics and cost: those of <see cref="RidgeFitter"/>. With λ_k = 0 and a source that does not determine the map: the least norm, <see cref="FitStatus.RankDeficient"/>.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: <see href="https://arxiv.org/abs/2207.06812">Asperti and Tonelli, "Comparing the latent space of generative models" (2022)</see> for the objective; the closed form is derived here.</para>
/// </remarks>
public sealed class ShrunkRidgeFitter : ILatentMapFitter
{
    private readonly ShrunkRidgeOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public ShrunkRidgeFitter(ShrunkRidgeOptions? options = null) => _options = options ?? new ShrunkRidgeOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows and the map has an intercept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        bool intercept = _options.FitIntercept;
        LinearFit.RequirePairs(pairs, intercept);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double shrinkage = 1 / (1 + (_options.ActivityPenalty * pairs.TargetDimension));
        double alpha = _options.KernelPenalty * pairs.Count * pairs.TargetDimension * shrinkage;
        CentredMatrix x = CentredMatrix.Of(pairs.Source, intercept), y = CentredMatrix.Of(pairs.Target, intercept);
        RidgeSolver.Solution ridge = RidgeSolver.Solve(x, y, alpha, intercept, cancellationToken);
        Tensor weight = ridge.Weight.mul(shrinkage);
        Tensor? bias = intercept ? y.Centre.mul(shrinkage).sub(x.Centre.unsqueeze(0).mm(weight).squeeze(0)) : null;
        Tensor parameters = bias is null ? weight : cat([weight, bias.unsqueeze(0)]);
        double residual = PenalisedError.SumOfSquaredErrors(pairs.Source, pairs.Target, parameters);
        progress?.Report(new FitProgress { Iteration = 1, MaxIterations = 1, Loss = residual / ((double)pairs.Count * pairs.TargetDimension) });
        return ExplicitFit.Finish(weight, bias, new FitReport
        {
            Status = alpha == 0 && ridge.Rank < pairs.SourceDimension ? FitStatus.RankDeficient : FitStatus.Succeeded,
            Solver = ridge.Solver,
            SampleCount = pairs.Count,
            SourceDimension = pairs.SourceDimension,
            TargetDimension = pairs.TargetDimension,
            Alpha = alpha,
            Rank = ridge.Rank,
            DegreesOfFreedom = ridge.DegreesOfFreedom * shrinkage,
            ConditionNumber = ridge.ConditionNumber,
            TrainingR2 = LinearFit.R2(residual, ridge.TargetSumOfSquares),
            Elapsed = clock.Elapsed,
        });
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "shrunk ridge, kernel 0.0001, activity 0.0001, without intercept".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"shrunk ridge, kernel {_options.KernelPenalty:g6}, activity {_options.ActivityPenalty:g6}{(_options.FitIntercept ? "" : ", without intercept")}");
}
