using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Linear discriminant analysis: Gaussian classes of one covariance. Attributes that use the same rows share one factorisation.</summary>
/// <remarks>
/// <para>w = Σ⁻¹(μ₁ − μ₀), b = −w·(μ₁ + μ₀)/2 + log(n₁/n₀); σ(z·w + b) is the probability under the model. Σ is the covariance within the classes, divided by n, shrunk:
/// (1 − γ)Σ + γs²I, s² the mean variance of the columns over the rows used (classes together).</para>
/// <para>Numerics: float64. With c = n₁n₀/n and δ = μ₁ − μ₀ the total scatter is that within plus cδδᵀ, so one ridge solution a of the total gives the direction as a/(1 − cδᵀa) (Sherman and Morrison).</para>
/// <para>Sources: Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7 (1936); shrinkage: Friedman, "Regularized Discriminant Analysis", J. Am. Stat. Assoc. 84 (1989), eq. 18.</para>
/// </remarks>
public sealed class LdaProbeTrainer : IProbeTrainer
{
    /// <summary>Shrinkage γ of the covariance.</summary>
    /// <value>From 0 to below 1; default 0.1. Must be above 0 where an attribute's rows less two are fewer than the latent's columns.</value>
    public double Shrinkage
    {
        get;
        init => field = Guard.Share(value, nameof(Shrinkage));
    } = 0.1;

    /// <inheritdoc/>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"probe|model:lda|shrinkage:{Shrinkage:g6}");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a label or do not vary, an attribute has one class only, or has too few rows for no shrinkage.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public ProbeFit Train(Tensor latents, ProbeLabels labels, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ProbeGuard.Inputs(latents, labels);
        RequireRows(labels, latents.size(1));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor weight = empty(labels.Names.Count, latents.size(1), ScalarType.Float64, latents.device), bias = empty(labels.Names.Count, ScalarType.Float64, latents.device);
        int done = 0;
        foreach ((int[] rows, int[] attributes) in ProbeGuard.Groups(labels))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var group = NewDisposeScope();
            Tensor own = rows.Length == labels.Count ? latents : latents.index_select(0, ProbeColumns.Places(rows, latents.device));
            Tensor coded = ProbeGuard.Codes(labels, rows, attributes, 0, 1, latents.device);
            CentredMatrix x = CentredMatrix.Of(own, centre: true), y = CentredMatrix.Of(coded, centre: true);
            double squares = x.SumOfSquares();
            if (squares == 0) throw new ArgumentException($"latents must vary, but the {rows.Length} rows of '{labels.Names[attributes[0]]}' are all the same.", nameof(latents));
            double alpha = Shrinkage / (1 - Shrinkage) * squares / latents.size(1);
            // Zᵀ(y − ȳ) is cδ.
            Tensor solution = RidgeSolver.Solve(x, y, alpha, intercept: true, cancellationToken).Weight;
            Tensor lifted = x.TransposeTimes(y);
            for (int i = 0; i < attributes.Length; i++)
            {
                (int count, int positives) = labels.Size(attributes[i]);
                double share = positives / (double)count, c = count * share * (1 - share);
                Tensor scaled = solution.select(1, i), difference = lifted.select(1, i).div(c);
                double left = 1 - scaled.dot(difference).ToDouble();
                if (!(left > 1e-12)) throw new ArgumentException($"latents must vary within the classes, but those of '{labels.Names[attributes[i]]}' do not along the direction between them. Use a larger Shrinkage.", nameof(latents));
                Tensor direction = scaled.mul(count / ((1 - Shrinkage) * c * left));
                // The classes' means stand at −share·δ and (1 − share)·δ off the mean of all.
                Tensor middle = x.Centre.add(difference.mul(0.5 - share));
                weight[attributes[i]].copy_(direction);
                bias[attributes[i]].copy_(direction.dot(middle).neg().add(Math.Log(share / (1 - share))));
            }
            done += attributes.Length;
            progress?.Report(new FitProgress { Iteration = done, MaxIterations = labels.Names.Count, Loss = double.NaN });
        }
        return ProbeGuard.Finish(latents, labels, new LinearProbes(labels.Names, weight, bias, ProbeDecision.Sign, givesProbabilities: true), Signature, (_, report) => report with { Strength = Shrinkage });
    }

    private void RequireRows(ProbeLabels labels, long columns)
    {
        if (Shrinkage > 0) return;
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            int rows = labels.Size(attribute).Rows;
            if (rows - 2 >= columns) continue;
            throw new ArgumentException($"labels must have at least {columns + 2} rows of each attribute for {columns} columns and no shrinkage, but '{labels.Names[attribute]}' has {rows}. Set Shrinkage above 0.", nameof(labels));
        }
    }
}
