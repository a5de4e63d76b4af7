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

    /// <summary>The dtype of the map: float64 keeps the fit's digits; float32 halves the memory and rounds: 2·10⁻⁷ of a prediction and up to 10⁻⁵ for wide ill-conditioned sources.</summary>
    /// <value>A floating-point type; default float64, whatever the latents are. That which the fitter within asks for does not become the map's, but what it rounds is lost.</value>
    public ScalarType MapType
    {
        get;
        init => field = Guard.FloatingPoint(value, nameof(MapType));
    } = ScalarType.Float64;

    private static LatentScaling Known(LatentScaling value, string name) =>
        Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be one of {string.Join(", ", Enum.GetNames<LatentScaling>())}, but it is {value}.");
}
