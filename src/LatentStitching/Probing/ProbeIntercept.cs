namespace LatentStitching.Probing;

/// <summary>The best offset of each column of scores, by Newton's method that halves a bracket where a step would leave it.</summary>
internal static class ProbeIntercept
{
    private const int MostSteps = 200;
    private const double Tolerance = 1e-13;

    /// <summary>Minimises Σᵢ mᵢ ℓ(sᵢ + b, yᵢ) over b, a number a column.</summary>
    /// <param name="loss">The loss.</param>
    /// <param name="score">Scores without offset, [n, q].</param>
    /// <param name="label">Labels, [n, q]; both classes in every column.</param>
    /// <param name="mask">Weights zero or one of the rows, [n, q].</param>
    /// <param name="start">Where to start, [q].</param>
    /// <returns>[q].</returns>
    public static Tensor Best(ProbeLoss loss, Tensor score, Tensor label, Tensor mask, Tensor start)
    {
        using var scope = NewDisposeScope();
        Tensor offset = start, low = full_like(start, double.NegativeInfinity), high = full_like(start, double.PositiveInfinity);
        Tensor goal = mask.sum([0]).mul(Tolerance), reach = score.abs().amax([0]).add(1);
        for (int step = 0; step < MostSteps; step++)
        {
            Tensor moved = score.add(offset);
            Tensor pull = loss.Residual(moved, label).mul(mask).sum([0]);
            if (pull.abs().le(goal).all().ToBoolean()) break;
            low = where(pull.gt(0), offset, low);
            high = where(pull.lt(0), offset, high);
            Tensor curvature = loss.Curvature(moved, label).mul(mask).sum([0]);
            Tensor full = pull.div(curvature.clamp_min(1e-300)).maximum(reach.neg()).minimum(reach);
            Tensor next = offset.add(full), middle = low.add(high).div(2);
            Tensor inside = next.gt(low).logical_and(next.lt(high));
            // A step that rounding swallows leaves an open bracket without a middle.
            offset = where(pull.abs().le(goal), offset, where(inside, next, where(middle.isfinite(), middle, offset)));
        }
        return offset.alias().MoveToOuterDisposeScope();
    }
}
