namespace LatentStitching.Numerics;

/// <summary>The maps of all ranks over n paired rows as coefficients of the rows: the target's direction j is Yᵀhⱼ, and the map's image along it x·Xᵀgⱼ.</summary>
/// <remarks>See <see cref="DualReducedRank"/>. The tensors belong to the dispose scope that was open when they were made.</remarks>
internal sealed class RankDirections(Tensor source, Tensor target, Tensor eigenvalues)
{
    /// <summary>G, [n, k].</summary>
    public Tensor Source => source;

    /// <summary>H, [n, k].</summary>
    public Tensor Target => target;

    /// <summary>By how much each direction reduces the squared training error, where there is no penalty; descending, [k].</summary>
    public Tensor Eigenvalues => eigenvalues;

    /// <summary>The highest rank k.</summary>
    public long Count => eigenvalues.size(0);

    /// <summary>No direction at all: every rank is the mean.</summary>
    public static RankDirections None(long rows, Device device) => new(zeros(rows, 0, ScalarType.Float64, device), zeros(rows, 0, ScalarType.Float64, device), zeros(0, ScalarType.Float64, device));

    /// <summary>Sums of squared errors of the ranks from 0 to a highest one, on m rows.</summary>
    /// <param name="sourceKernel">Inner products of their sources with those of the fit, about the fit's mean, [m, n].</param>
    /// <param name="targetKernel">The same of the targets.</param>
    /// <param name="squares">Their targets' summed squares about the fit's mean.</param>
    /// <param name="highest">The highest rank; above <see cref="Count"/> nothing changes.</param>
    public double[] Errors(Tensor sourceKernel, Tensor targetKernel, double squares, long highest)
    {
        using var scope = NewDisposeScope();
        Tensor actual = targetKernel.mm(target), missed = actual.sub(sourceKernel.mm(source));
        double[] inside = [.. missed.square().sum([0]).cpu().data<double>()], outside = [.. actual.square().sum([0]).cpu().data<double>()];
        double[] errors = new double[highest + 1];
        // The predicted part from the front, the other from the back: subtracting from the whole would keep its rounding errors. What no direction reaches is left to every rank.
        double taken = 0, open = Math.Max(0, squares - outside.Sum());
        for (int rank = outside.Length; rank >= 0; rank--)
        {
            if (rank < outside.Length) open += outside[rank];
            if (rank <= highest) errors[rank] = open;
        }
        for (int rank = 0; rank <= highest; rank++)
        {
            if (rank > inside.Length) errors[rank] = errors[rank - 1];
            else errors[rank] += taken;
            if (rank < inside.Length) taken += inside[rank];
        }
        return errors;
    }
}
