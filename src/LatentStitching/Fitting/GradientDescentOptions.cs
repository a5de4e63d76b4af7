using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="GradientDescentFitter"/>.</summary>
public sealed record GradientDescentOptions
{
    /// <summary>The map of Asperti and Tonelli: Adam at 5·10⁻⁴, 2,000 steps on all pairs, no offset, Glorot's start, both penalties 10⁻⁴.</summary>
    /// <remarks>Source: <see href="https://arxiv.org/abs/2207.06812">Asperti and Tonelli (2022)</see> and the program they published. <see cref="ShrunkRidgeFitter"/> gives the minimum that these steps approach.</remarks>
    public static GradientDescentOptions AspertiTonelli { get; } = new()
    {
        LearningRate = 5e-4,
        MaxIterations = 2000,
        Tolerance = null,
        FitIntercept = false,
        Initial = MapInitialisation.GlorotUniform,
        KernelPenalty = 1e-4,
        ActivityPenalty = 1e-4,
    };

    /// <summary>The same where one of the two models is a GAN: both penalties 0.0015.</summary>
    public static GradientDescentOptions AspertiTonelliGan { get; } = AspertiTonelli with { KernelPenalty = 0.0015, ActivityPenalty = 0.0015 };

    /// <summary>How gradients become steps.</summary>
    /// <value>Default <see cref="GradientOptimiser.Adam"/>.</value>
    public GradientOptimiser Optimiser { get; init; } = GradientOptimiser.Adam;

    /// <summary>Momentum μ of <see cref="GradientOptimiser.Sgd"/>. Adam has its own and refuses another.</summary>
    /// <value>From 0 to below 1; default 0.</value>
    public double Momentum
    {
        get;
        init => field = Guard.Share(value, nameof(Momentum));
    }

    /// <summary>Step size η, at the start where it falls (<see cref="CosineDecay"/>).</summary>
    /// <value>Positive; default 0.01.</value>
    public double LearningRate
    {
        get;
        init => field = Guard.Positive(value, nameof(LearningRate));
    } = 0.01;

    /// <summary>Whether the step size falls to zero over <see cref="MaxIterations"/>, η_t = η·(1 + cos(πt/T))/2, for step t from 0 of T.</summary>
    /// <value>
    /// Null by default: it falls where <see cref="BatchSize"/> cuts the pairs into batches, whose steps would else wander about the minimum, and stays on all pairs at once, as in the published presets. Set
    /// <see cref="MaxIterations"/> to what the fit is given: a longer run falls more slowly.
    /// </value>
    public bool? CosineDecay { get; init; }

    /// <summary>Pairs a step; null for all of them. A last, smaller batch closes each pass.</summary>
    /// <value>Positive or null; default null.</value>
    public long? BatchSize
    {
        get;
        init => field = value is { } size ? Guard.Positive(size, nameof(BatchSize)) : null;
    }

    /// <summary>The most steps to take, each on one batch.</summary>
    /// <value>Positive; default 2000.</value>
    public long MaxIterations
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxIterations));
    } = 2000;

    /// <summary>
    /// Stops when the gradient over all pairs is at most this share of its norm at the start (or at the map of zeros, if that is larger), and reports <see cref="FitStatus.IterationLimitReached"/>
    /// when it is not. It is looked at after each pass over the pairs. Null takes exactly <see cref="MaxIterations"/> steps and calls that a success.
    /// </summary>
    /// <value>Positive or null; default 10⁻⁴.</value>
    public double? Tolerance
    {
        get;
        init => field = value is { } tolerance ? Guard.Positive(tolerance, nameof(Tolerance)) : null;
    } = 1e-4;

    /// <summary>
    /// Weight decay λ as in torch.optim: λW is added to the gradient, so that λ/2·‖W‖² is added to the objective. The same penalty as a <see cref="KernelPenalty"/> of λ/2, for repeating runs
    /// that were written so; the offset is spared, which torch does only with parameter groups.
    /// </summary>
    /// <value>Zero or more; default 0.</value>
    public double WeightDecay
    {
        get;
        init => field = Guard.NotNegative(value, nameof(WeightDecay));
    }

    /// <summary>λ_k: the objective grows by λ_k‖W‖²_F, Keras' <c>kernel_regularizer=L2(λ_k)</c>.</summary>
    /// <value>Zero or more; default 0.</value>
    public double KernelPenalty
    {
        get;
        init => field = Guard.NotNegative(value, nameof(KernelPenalty));
    }

    /// <summary>λ_a: the objective grows by λ_a/n·‖Ŷ‖²_F, n the rows of the batch and Ŷ what the map gives for them, the offset included: Keras' <c>activity_regularizer=L2(λ_a)</c>.</summary>
    /// <value>Zero or more; default 0.</value>
    public double ActivityPenalty
    {
        get;
        init => field = Guard.NotNegative(value, nameof(ActivityPenalty));
    }

    /// <summary>Whether the map has an offset. Neither <see cref="WeightDecay"/> nor <see cref="KernelPenalty"/> counts it.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    /// <summary>The map to start from. Not looked at where the fitter was given a map of the caller's.</summary>
    /// <value>Default <see cref="MapInitialisation.Zeros"/>.</value>
    public MapInitialisation Initial { get; init; } = MapInitialisation.Zeros;

    /// <summary>Share of the pairs, drawn by <see cref="Seed"/>, that no step sees: the map returned is the one of least mean squared error on them. At least one pair is held out.</summary>
    /// <value>From 0 to below 1; default 0, no early stopping.</value>
    public double HeldOutFraction
    {
        get;
        init => field = Guard.Share(value, nameof(HeldOutFraction));
    }

    /// <summary>Passes over the pairs without a smaller held-out error after which the fit stops. Without held-out pairs there is nothing to be patient about.</summary>
    /// <value>Positive; default 20.</value>
    public long Patience
    {
        get;
        init => field = Guard.Positive(value, nameof(Patience));
    } = 20;

    /// <summary>Seed of the held-out pairs, the start and the order of batches. The same seed gives the same bytes.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
