using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="MlpFitter"/>.</summary>
public sealed record MlpOptions
{
    /// <summary>Number of hidden units.</summary>
    /// <value>At least 1; default 512.</value>
    public long HiddenWidth
    {
        get;
        init => field = Guard.Positive(value, nameof(HiddenWidth));
    } = 512;

    /// <summary>The most passes over the rows.</summary>
    /// <value>At least 1; default 200.</value>
    public int MaxEpochs
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxEpochs));
    } = 200;

    /// <summary>Passes without a better error on the rows kept aside after which the fit stops.</summary>
    /// <value>At least 1; default 10.</value>
    public int Patience
    {
        get;
        init => field = Guard.Positive(value, nameof(Patience));
    } = 10;

    /// <summary>Rows a step.</summary>
    /// <value>At least 1; default 128.</value>
    public int BatchSize
    {
        get;
        init => field = Guard.Positive(value, nameof(BatchSize));
    } = 128;

    /// <summary>Step size of Adam.</summary>
    /// <value>Positive; default 0.001.</value>
    public double LearningRate
    {
        get;
        init => field = Guard.Positive(value, nameof(LearningRate));
    } = 1e-3;

    /// <summary>Share of the rows kept aside to know when to stop, at least one row.</summary>
    /// <value>Between 0 and 1; default 0.1.</value>
    public double HeldOutShare
    {
        get;
        init => field = Guard.Fraction(value, nameof(HeldOutShare));
    } = 0.1;

    /// <summary>Fixes the rows kept aside, the first weights and the order of the rows.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
