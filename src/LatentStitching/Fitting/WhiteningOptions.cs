using System.Globalization;
using System.Runtime.CompilerServices;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="WhiteningFitter"/>.</summary>
public sealed record WhiteningOptions
{
    /// <summary>How much of each space's own shape is kept: 1 is Procrustes, 0 whitens fully as canonical correlation analysis does.</summary>
    /// <value>From 0 to 1; default 0.5.</value>
    public double Alpha
    {
        get;
        init => field = Share(value);
    } = 0.5;

    /// <summary>Whether the rotation of the whitened spaces is followed by one factor, the one of least squared error there.</summary>
    /// <value>Default false: the whitened source keeps the length of the source, so that the map's spread is the source's rather than the target's.</value>
    public bool Scaling { get; init; }

    /// <summary>Whether the map has an offset: both sides are centred first.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    private static double Share(double value, [CallerMemberName] string name = "") =>
        value is >= 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(name, string.Create(CultureInfo.InvariantCulture, $"{name} must lie from 0 to 1, but it is {value}."));
}
