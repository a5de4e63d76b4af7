namespace LatentStitching.Data.Faces;

/// <summary>Soft shapes on pixel grids.</summary>
/// <remarks>
/// <para>
/// Drawing uses sums, products, quotients, roots, roundings and comparisons alone. IEEE 754 rounds each of them correctly, so a
/// pixel is the same whether it is computed in a vector register or in the rest of a loop: pictures do not depend on the batch.
/// Exponentials and sines, and fused operations such as lerp and addcmul, would break that.
/// </para>
/// <para>Grids are worked on in place where that can be: a fresh grid costs three times as much as a used one that is still in the cache.</para>
/// </remarks>
internal static class Pixels
{
    /// <summary>(grid − centre) × scale, fresh.</summary>
    public static Tensor Offset(Tensor grid, Coefficient centre, Coefficient scale)
    {
        Tensor offset = centre.Column is { } column ? grid - column : grid - centre.Constant;
        Scale(offset, scale);
        return offset;
    }

    /// <summary>Multiplies a grid in place.</summary>
    public static void Scale(Tensor grid, Coefficient scale)
    {
        if (scale.Column is { } column) grid.mul_(column);
        else grid.mul_(scale.Constant);
    }

    /// <summary>Coverage of a shape from its signed distance, positive inside: 0 to 1 across one width of the edge.</summary>
    /// <param name="distance">Signed distance; overwritten and returned.</param>
    /// <param name="perWidth">1 / width of the edge, in the distance's unit.</param>
    public static Tensor Edge(Tensor distance, Coefficient perWidth)
    {
        Scale(distance, perWidth);
        distance.add_(0.5f);
        return distance.clamp_(0, 1);
    }

    /// <summary>A round blob: 1 at its centre, 0 with zero slope at its rim and beyond. The rim lies 1 / scale from the centre.</summary>
    public static Tensor Blob(Tensor x, Coefficient centreX, Coefficient scaleX, Tensor y, Coefficient centreY, Coefficient scaleY)
    {
        Tensor blob = Offset(x, centreX, scaleX);
        blob.mul_(blob);
        using Tensor other = Offset(y, centreY, scaleY);
        other.mul_(other);
        blob.add_(other);
        return Bump(blob);
    }

    /// <summary>A ridge along x = centre: 1 on it, 0 with zero slope 1 / scale away from it and beyond.</summary>
    public static Tensor Ridge(Tensor x, Coefficient centre, Coefficient scale)
    {
        Tensor ridge = Offset(x, centre, scale);
        ridge.mul_(ridge);
        return Bump(ridge);
    }

    /// <summary>A wave of period 1 through 0, made of parabolas, from −1 to 1.</summary>
    /// <param name="turns">The phase in turns; overwritten and returned.</param>
    public static Tensor Wave(Tensor turns)
    {
        using Tensor part = turns.round();
        turns.sub_(part);
        part.copy_(turns);
        part.abs_();
        part.mul_(-16);
        part.add_(8);
        return turns.mul_(part);
    }

    // (1 − r²)₊², in place.
    private static Tensor Bump(Tensor squaredRadius)
    {
        squaredRadius.sub_(1);
        squaredRadius.clamp_max_(0);
        return squaredRadius.mul_(squaredRadius);
    }
}
