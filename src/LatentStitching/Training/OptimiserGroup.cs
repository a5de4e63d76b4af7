using TorchSharp.Modules;

namespace LatentStitching.Training;

/// <summary>Weights that one optimiser changes.</summary>
internal sealed class OptimiserGroup(string name, IReadOnlyList<(string Name, Parameter Parameter)> parameters)
{
    /// <summary>The group's name in checkpoints, unique in its task.</summary>
    public string Name => name;

    /// <summary>Names, unique in the group, and parameters, which belong to the model.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters => parameters;

    /// <summary>Step size as a multiple of the run's.</summary>
    public double RateFactor { get; init; } = 1;

    /// <summary>Adam's β₁ where the options do not say.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Adam's β₂ where the options do not say.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Whether the options' moving average is kept of it: not of a discriminator.</summary>
    public bool Averaged { get; init; } = true;
}
