using LatentStitching.Numerics;

namespace LatentStitching.Supports;

/// <summary>Chooses, one after the other, the image that brings the mean of the choice nearest to the mean of all: a choice that is typical from its first rows on.</summary>
/// <remarks>
/// Kernel herding with the linear kernel: zₜ = argmax ⟨wₜ, z⟩ over images not yet chosen, wₜ₊₁ = wₜ + μ − zₜ, w₀ = μ, taken about the mean so that the origin of the latent does not matter; each row has its squared length as a further column,
/// so that the spread is followed as well as the mean. Deterministic. Sources: Welling, "Herding Dynamical Weights to Learn" (ICML 2009); Chen, Welling and Smola, "Super-Samples from Kernel Herding" (UAI 2010; arXiv:1203.3472).
/// </remarks>
public sealed class HerdingSupport : ISupportSelector
{
    /// <inheritdoc/>
    public string Signature => "support|by:herding|features:latent,squared-length";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix, or the count is out of range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<long> Select(Tensor latents, int count, CancellationToken cancellationToken = default)
    {
        SupportGuard.Inputs(latents, count);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor features = Features(latents), lengths = features.square().sum([1]);
        Tensor weight = zeros(features.size(1), ScalarType.Float64, latents.device);
        bool[] taken = new bool[latents.size(0)];
        long[] chosen = new long[count];
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            // argmin ‖w − z‖²: with features of one length that is the herding rule, and with others it does not run after the longest.
            double[] gains = features.mv(weight).mul(2).sub(lengths).cpu().data<double>().ToArray();
            int next = SupportGuard.Greatest(gains, taken);
            chosen[i] = next;
            taken[next] = true;
            weight.sub_(features[next]);
        }
        return chosen;
    }

    private static Tensor Features(Tensor latents)
    {
        Tensor rows = CentredMatrix.Of(latents, centre: true).Whole();
        Tensor squares = rows.square().sum([1], keepdim: true);
        Tensor spread = squares.sub(squares.mean());
        double variance = spread.square().mean().ToDouble();
        // As wide as the latents' mean variance a column would make it, whatever the number of columns.
        Tensor extra = variance > 0 ? spread.mul(Math.Sqrt(squares.mean().ToDouble() / latents.size(1) / variance)) : spread;
        return cat([rows, extra], 1);
    }
}
