namespace LatentStitching.Data.Faces;

/// <summary>Soft shapes on pixel grids.</summary>
/// <remarks>
/// Drawing uses additions, products, quotients, roots, roundings and comparisons alone. IEEE 754 rounds each of them correctly, so a
/// pixel is the same whether it is computed in a vector register or in the rest of a loop: pictures do not depend on the batch.
/// Exponentials and sines, and fused operations such as lerp and addcmul, would break that.
/// </remarks>
internal static class Pixels
{
    /// <summary>Coverage of a shape from its signed distance, positive inside: 0 to 1 across one width of the edge.</summary>
    /// <param name="distance">Signed distance; overwritten and returned.</param>
    /// <param name="perWidth">1 / width of the edge, in the distance's unit.</param>
    public static Tensor Edge(Tensor distance, Tensor perWidth)
    {
        distance.mul_(perWidth);
        distance.add_(0.5f);
        return distance.clamp_(0, 1);
    }

    /// <summary>A round blob: 1 at the centre, 0 with zero slope where x² + y² = 1 and beyond.</summary>
    /// <param name="x">Scaled offset from the centre; overwritten.</param>
    /// <param name="y">Scaled offset from the centre; overwritten.</param>
    public static Tensor Blob(Tensor x, Tensor y)
    {
        x.mul_(x);
        y.mul_(y);
        return Bump(x + y);
    }

    /// <summary>A ridge along a line: 1 on it, 0 with zero slope from |x| = 1 on.</summary>
    /// <param name="x">Scaled distance from the line; overwritten and returned.</param>
    public static Tensor Ridge(Tensor x)
    {
        x.mul_(x);
        return Bump(x);
    }

    /// <summary>A wave of period 1 through 0, made of parabolas, from −1 to 1.</summary>
    /// <param name="turns">The phase in turns; overwritten and returned.</param>
    public static Tensor Wave(Tensor turns)
    {
        using Tensor whole = turns.add(0.5f).floor_();
        turns.sub_(whole);
        using Tensor slope = turns.abs().mul_(-16).add_(8);
        return turns.mul_(slope);
    }

    // (1 − r²)₊², in place.
    private static Tensor Bump(Tensor squaredRadius)
    {
        squaredRadius.neg_();
        squaredRadius.add_(1);
        squaredRadius.clamp_min_(0);
        return squaredRadius.mul_(squaredRadius);
    }
}
