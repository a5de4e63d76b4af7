using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="ConvolutionFitter"/>.</summary>
public sealed record ConvolutionOptions
{
    /// <summary>Shape of the source latents, for example that of a level: <c>space.Level("z").Shape</c>.</summary>
    /// <value>[channels, height, width], all positive.</value>
    public required IReadOnlyList<long> SourceShape
    {
        get;
        init => field = StructuredFit.Shape(value, nameof(SourceShape));
    }

    /// <summary>Shape of the target latents, of the source's height and width.</summary>
    /// <value>[channels, height, width], all positive.</value>
    public required IReadOnlyList<long> TargetShape
    {
        get;
        init => field = StructuredFit.Shape(value, nameof(TargetShape));
    }

    /// <summary>Side k of the kernel; 1 mixes channels only, 3 sees the nearest neighbours.</summary>
    /// <value>Odd, at least 1; default 1.</value>
    public int KernelSize
    {
        get;
        init => field = Guard.Odd(value, nameof(KernelSize));
    } = 1;

    /// <summary>The penalty α on the kernel's squared entries, in squared source units summed over images and places.</summary>
    /// <value>Zero or more; default 0, least squares. On W it weighs about height·width times less than <see cref="RidgeOptions.Alpha"/>, for W repeats the kernel at every place.</value>
    public double Alpha
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Alpha));
    }

    /// <summary>Whether the map has an offset, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    /// <summary>Whether the offset is one a channel, as a convolution layer has and as folding into one needs, and not one a number of the target.</summary>
    /// <value>Default false: the offset of each number is free, so the kernel explains only what varies between images. Not looked at where <see cref="FitIntercept"/> is false: there is then no offset.</value>
    public bool OffsetPerChannel { get; init; }

    /// <summary>Whether the report has the exact <see cref="FitReport.LeaveOneOutR2"/>, each image predicted by the kernel of all others.</summary>
    /// <value>Default false. It takes as long again as the fit, and n·min(c·k², height·width)³/3 multiplications.</value>
    public bool LeaveOneOut { get; init; }
}
