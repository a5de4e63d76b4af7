using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Supports;

/// <summary>Chooses, one after the other, the image that adds most to the determinant of the information matrix: the choice whose fitted coefficients are least uncertain together.</summary>
/// <remarks>
/// <para>Maximises ln det(I + ZZᵀ/λ) greedily over centred rows Z, by a pivoted Cholesky factor of which only the chosen columns are made: O(n·m·(d + m)) time and n·m numbers for m of n. Deterministic.</para>
/// <para>Sources: Wynn, Annals of Mathematical Statistics 41 (1970), for the criterion taken point by point; Chen, Zhang and Zhou, "Fast Greedy MAP Inference for Determinantal Point Process" (NeurIPS 2018; arXiv:1709.05135), for the factor.</para>
/// </remarks>
public sealed class DOptimalSupport : ISupportSelector
{
    /// <summary>λ as a share of the candidates' mean squared length about their mean: the smaller, the more the small directions count.</summary>
    /// <value>Positive; default 0.001.</value>
    public double Ridge
    {
        get;
        init => field = Guard.Positive(value, nameof(Ridge));
    } = 1e-3;

    /// <inheritdoc/>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"support|by:d-optimal|ridge:{Ridge:g6}");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix, or the count is out of range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<long> Select(Tensor latents, int count, CancellationToken cancellationToken = default)
    {
        SupportGuard.Inputs(latents, count);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        int rows = (int)latents.size(0);
        CentredMatrix centred = CentredMatrix.Of(latents, centre: true);
        double scale = centred.SumOfSquares() / rows * Ridge;
        // Rows that are all the same tell nothing apart: any choice is as good.
        if (!(scale > 0)) return [.. Enumerable.Range(0, count).Select(row => (long)row)];
        Tensor whole = centred.Whole().div_(Math.Sqrt(scale));
        double[] pivots = whole.square().sum([1]).add(1).cpu().data<double>().ToArray();
        Tensor factor = zeros(rows, count, ScalarType.Float64, latents.device);
        bool[] taken = new bool[rows];
        long[] chosen = new long[count];
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            int next = SupportGuard.Greatest(pivots, taken);
            chosen[i] = next;
            taken[next] = true;
            Tensor column = whole.mv(whole[next]);
            if (i > 0) column.sub_(factor.narrow(1, 0, i).mv(factor[next].narrow(0, 0, i)));
            column.div_(Math.Sqrt(pivots[next]));
            factor.select(1, i).copy_(column);
            double[] off = column.cpu().data<double>().ToArray();
            for (int row = 0; row < rows; row++) pivots[row] -= off[row] * off[row];
        }
        return chosen;
    }
}
