using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="PreparedFitter"/>.</summary>
public sealed record PreparedOptions
{
    /// <summary>How the source is scaled.</summary>
    /// <value>Default <see cref="LatentScaling.Standardised"/>.</value>
    public LatentScaling Source
    {
        get;
        init => field = Known(value, nameof(Source));
    } = LatentScaling.Standardised;

    /// <summary>How the target is scaled; after the fit that is undone, so that the map gives latents of the target's own scale.</summary>
    /// <value>Default <see cref="LatentScaling.None"/>: squared errors weigh columns by their variance, as a decoder meets them, and the fitter's leave-one-out error stays that of the target itself.</value>
    public LatentScaling Target
    {
        get;
        init => field = Known(value, nameof(Target));
    }

    /// <summary>Whether the column means of both sides are taken off first, so that the map has an offset whether or not the fitter within has one. Without it spreads are about zero.</summary>
    /// <value>Default true.</value>
    public bool Centre { get; init; } = true;

    /// <summary>The dtype of the map; that which the fitter within asks for does not reach it.</summary>
    /// <value>Null by default: that of the source latents.</value>
    public ScalarType? MapType
    {
        get;
        init => field = Guard.FloatingPoint(value, nameof(MapType));
    }

    private static LatentScaling Known(LatentScaling value, string name) =>
        Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be one of {string.Join(", ", Enum.GetNames<LatentScaling>())}, but it is {value}.");
}
