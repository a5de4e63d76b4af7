namespace LatentStitching.Probing;

/// <summary>A trained probe of several classes and how its training went. Owns the probe.</summary>
public sealed class SoftmaxProbeFit : IDisposable
{
    internal SoftmaxProbeFit(SoftmaxProbe probe, string signature) => (Probe, Signature) = (probe, signature);

    /// <summary>The probe.</summary>
    public SoftmaxProbe Probe { get; }

    /// <summary>The choices that the probe depends on.</summary>
    public string Signature { get; }

    /// <summary>Whether the gap reached the tolerance.</summary>
    public required bool Converged { get; init; }

    /// <summary>Newton steps.</summary>
    public required long Iterations { get; init; }

    /// <summary>Upper bound of the objective's distance to its minimum, relative to the minimum.</summary>
    public required double RelativeGap { get; init; }

    /// <summary>Share of the training rows whose class is the likeliest, in [0, 1].</summary>
    public required double TrainingAccuracy { get; init; }

    /// <summary>What a reader must know, for example that the classes are separable; empty if nothing.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Frees the probe.</summary>
    public void Dispose() => Probe.Dispose();
}
