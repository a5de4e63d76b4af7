using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Ridge regression on labels −1 and 1 as a classifier: one factorisation serves every attribute that uses the same rows.</summary>
/// <remarks>
/// <para>Minimises, for each attribute, Σ(yᵢ − zᵢ·w − b)² + α‖w‖² over the rows it uses, y in {−1, 1}, b free; scores above zero have the attribute. Numerics: float64, primal or dual by cost.</para>
/// <para>Source: Hoerl and Kennard, Technometrics 12 (1970), eq. 2.1, on coded labels; scikit-learn's RidgeClassifier.</para>
/// </remarks>
public sealed class RidgeProbeTrainer : IProbeTrainer
{
    /// <summary>Strength of the penalty α, in squared latent units, not divided by the number of rows.</summary>
    /// <value>Zero or more; default 1.</value>
    public double Alpha
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Alpha));
    } = 1;

    /// <inheritdoc/>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"probe|model:ridge-classifier|alpha:{Alpha:g6}");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a label, or an attribute has one class only.</exception>
    public ProbeFit Train(Tensor latents, ProbeLabels labels, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ProbeGuard.Inputs(latents, labels);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor weight = empty(labels.Names.Count, latents.size(1), ScalarType.Float64, latents.device), bias = empty(labels.Names.Count, ScalarType.Float64, latents.device);
        int done = 0;
        foreach ((int[] rows, int[] attributes) in ProbeGuard.Groups(labels))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var group = NewDisposeScope();
            Tensor own = rows.Length == labels.Count ? latents : latents.index_select(0, tensor(rows.Select(row => (long)row).ToArray(), device: latents.device));
            Tensor coded = ProbeGuard.Codes(labels, rows, attributes, -1, 1, latents.device);
            CentredMatrix x = CentredMatrix.Of(own, centre: true), y = CentredMatrix.Of(coded, centre: true);
            Tensor solution = RidgeSolver.Solve(x, y, Alpha, intercept: true, cancellationToken).Weight.t();
            Tensor offset = y.Centre.sub(solution.mv(x.Centre));
            for (int i = 0; i < attributes.Length; i++)
            {
                weight[attributes[i]].copy_(solution[i]);
                bias[attributes[i]].copy_(offset[i]);
            }
            done += attributes.Length;
            progress?.Report(new FitProgress { Iteration = done, MaxIterations = labels.Names.Count, Loss = double.NaN });
        }
        return ProbeGuard.Finish(latents, labels, new LinearProbes(labels.Names, weight, bias), Signature, (_, report) => report with { Strength = Alpha });
    }
}
