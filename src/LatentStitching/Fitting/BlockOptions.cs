using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="BlockFitter"/>.</summary>
public sealed record BlockOptions
{
    /// <summary>The source model's latent space.</summary>
    public required LatentSpace Source
    {
        get;
        init => field = Guard.NotNull(value, nameof(Source));
    }

    /// <summary>The target model's latent space.</summary>
    public required LatentSpace Target
    {
        get;
        init => field = Guard.NotNull(value, nameof(Target));
    }

    /// <summary>Which source level each target level is fitted from: every target level once, no source level twice.</summary>
    /// <value>Null by default: levels of one name belong together where the source has every name of the target, else the first to the first and so on, for equally many levels.</value>
    public IReadOnlyList<(string Source, string Target)>? Levels
    {
        get;
        init
        {
            if (value is not null) Guard.NotEmpty(value, "Leave it null to pair levels by name or by order.", nameof(Levels));
            field = value is null ? null : [.. value];
        }
    }

    /// <summary>Gives the fitter of one block, from the source level and the target level.</summary>
    /// <value>Default: a <see cref="RidgePathFitter"/> for each. A spatial level may get a convolution: <c>(from, to) => new ConvolutionFitter(new() { SourceShape = from.Shape, TargetShape = to.Shape })</c>.</value>
    public Func<LatentLevel, LatentLevel, ILatentMapFitter> Fitter
    {
        get;
        init => field = Guard.NotNull(value, nameof(Fitter));
    } = (_, _) => new RidgePathFitter();
}
