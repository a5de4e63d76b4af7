using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>How a <see cref="DiffusionModel"/> walks between image and latent.</summary>
public sealed record DiffusionOptions
{
    /// <summary>The name in reports.</summary>
    /// <value>Default "diffusion".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "diffusion";

    /// <summary>What the network predicts.</summary>
    /// <value>Default <see cref="PredictionType.Epsilon"/>.</value>
    public PredictionType Prediction { get; init; }

    /// <summary>The pixels that the network was trained on.</summary>
    /// <value>Default [−1, 1].</value>
    public NetworkRange Range { get; init; }

    /// <summary>Steps of the encoder, and of the decoder unless <see cref="DecodeSteps"/> says otherwise.</summary>
    /// <value>At least 1, at most the times of the schedule; default 50.</value>
    public int Steps
    {
        get;
        init => field = Guard.Positive(value, nameof(Steps));
    } = 50;

    /// <summary>Steps of the decoder.</summary>
    /// <value>At least 1; default null, as many as the encoder's. Both must reach the same last time, so use <see cref="StepSpacing.Trailing"/> or <see cref="StepSpacing.Linspace"/>.</value>
    public int? DecodeSteps
    {
        get;
        init => field = value is { } steps ? Guard.Positive(steps, nameof(DecodeSteps)) : null;
    }

    /// <summary>Which times the steps visit.</summary>
    /// <value>Default <see cref="StepSpacing.Trailing"/>.</value>
    public StepSpacing Spacing { get; init; }

    /// <summary>Added to every time of <see cref="StepSpacing.Leading"/>; ignored elsewhere.</summary>
    /// <value>Zero or more; default 0.</value>
    public int Offset
    {
        get;
        init => field = (int)Guard.NotNegative((long)value, nameof(Offset));
    }

    /// <summary>Whether the image's end of the walk is free of noise (ᾱ = 1) or has the noise of time 0 (ᾱ = ᾱ_0).</summary>
    /// <value>Default true.</value>
    public bool SetAlphaToOne { get; init; } = true;

    /// <summary>Fixed-point iterations after each step of the encoder, each one evaluation of the network.</summary>
    /// <remarks>
    /// A step of the encoder must undo a step of the decoder: x_t = (x_{t−1} − b·ε(x_t, t))/a, where x_t stands on both sides. Zero iterations put x_{t−1} for it (DDIM inversion);
    /// each iteration puts the last answer, so that encode-then-decode comes back at few steps: Pan et al., "Effective Real Image Editing with Accelerated Iterative Diffusion Inversion"
    /// (ICCV 2023, arXiv:2309.04907); Meiri et al., "Fixed-point Inversion for Text-to-image diffusion models" (arXiv:2312.12540).
    /// </remarks>
    /// <value>Zero or more; default 3.</value>
    public int Refinements
    {
        get;
        init => field = (int)Guard.NotNegative((long)value, nameof(Refinements));
    } = 3;

    /// <summary>Whether predicted images are clipped to <see cref="Range"/> at every step. A clipped step cannot be undone, so <see cref="Refinements"/> must be 0.</summary>
    /// <value>Default false.</value>
    public bool ClipPrediction { get; init; }

    /// <summary>Bounds of predicted images when decoding with <see cref="DiffusionSolver.DpmSolverPlusPlus"/>; ignored elsewhere.</summary>
    /// <value>Default null, none.</value>
    public DynamicThreshold? Threshold { get; init; }

    /// <summary>How latents are decoded.</summary>
    /// <value>Default <see cref="DiffusionSolver.Ddim"/>.</value>
    public DiffusionSolver Solver { get; init; }

    /// <summary>Order of <see cref="DiffusionSolver.DpmSolverPlusPlus"/>; ignored elsewhere.</summary>
    /// <value>1, 2 or 3; default 2.</value>
    public int SolverOrder
    {
        get;
        init => field = Order(value, nameof(SolverOrder));
    } = 2;

    /// <summary>Whether to encode as published code did.</summary>
    /// <value>Default <see cref="InversionCompatibility.None"/>. <see cref="InversionCompatibility.PublishedOffByOne"/> needs leading spacing, no offset and no refinements.</value>
    public InversionCompatibility Compatibility { get; init; }

    /// <summary>Refuses settings that contradict each other.</summary>
    internal void Check(string name)
    {
        if (ClipPrediction && Refinements > 0)
        {
            throw new ArgumentException($"{name} must not refine what it clips, but ClipPrediction is true and Refinements is {Refinements}. Set one of them to false or 0.", name);
        }
        if (Compatibility == InversionCompatibility.PublishedOffByOne && (Spacing != StepSpacing.Leading || Offset != 0 || Refinements > 0))
        {
            throw new ArgumentException(
                $"{name} must have Spacing Leading, Offset 0 and Refinements 0 for PublishedOffByOne, but they are {Spacing}, {Offset} and {Refinements}.", name);
        }
    }

    private static int Order(int value, string name) =>
        value is >= 1 and <= 3 ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be 1, 2 or 3, but it is {value}.");
}
