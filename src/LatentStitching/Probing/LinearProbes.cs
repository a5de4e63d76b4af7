using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Linear classifiers of one latent space, one an attribute: score = z·w + b. Immutable but for disposal; owns its tensors.</summary>
public sealed class LinearProbes : IAttributeProbes
{
    private readonly Tensor _weight; // [k, d], float64
    private readonly Tensor _bias;   // [k], float64
    private bool _disposed;

    /// <summary>Makes probes of given coefficients.</summary>
    /// <param name="names">The attributes, one a row.</param>
    /// <param name="weight">Coefficients [k, d], floating point, finite. Copied.</param>
    /// <param name="bias">Offsets [k], floating point, finite. Copied.</param>
    /// <param name="decision">How scores become labels.</param>
    /// <param name="givesProbabilities">Whether σ(score) is meant as a probability, as of logistic regression.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or a number is not finite.</exception>
    public LinearProbes(IReadOnlyList<string> names, Tensor weight, Tensor bias, ProbeDecision decision = ProbeDecision.Sign, bool givesProbabilities = false)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(bias);
        TensorGuard.FiniteMatrix(weight);
        if (weight.size(0) != names.Count || bias.dim() != 1 || bias.size(0) != names.Count)
        {
            throw new ArgumentException($"weight and bias must have {names.Count} rows, one a name, but they are {TensorGuard.Shape(weight)} and {TensorGuard.Shape(bias)}.", nameof(weight));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        TensorGuard.FiniteMatrix(bias.unsqueeze(0), nameof(bias));
        Names = [.. names];
        Decision = decision;
        GivesProbabilities = givesProbabilities;
        Dimension = weight.size(1);
        _weight = weight.detach().to(ScalarType.Float64, weight.device, copy: true).contiguous().DetachFromDisposeScope();
        _bias = bias.detach().to(ScalarType.Float64, weight.device, copy: true).contiguous().DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Names { get; }

    /// <inheritdoc/>
    public long Dimension { get; }

    /// <inheritdoc/>
    public ProbeDecision Decision { get; }

    /// <inheritdoc/>
    public bool GivesProbabilities { get; }

    /// <summary>Coefficients [k, d], float64: the normals of the probes' hyperplanes, not scaled. Belongs to the probes: do not dispose or change it.</summary>
    public Tensor Weight => Live(_weight);

    /// <summary>Offsets [k], float64. Belongs to the probes: do not dispose or change it.</summary>
    public Tensor Bias => Live(_bias);

    /// <summary>Scores latents.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <returns>[n, k], float64, on the latents' device, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The latents have another width or device, are empty, or are not finite.</exception>
    public Tensor Scores(Tensor latents)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TensorGuard.Latents(latents, Dimension, "the probes");
        TensorGuard.SameDevice(_weight, latents, "the probes", nameof(latents));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor scores = empty(latents.size(0), Names.Count, ScalarType.Float64, latents.device);
        Tensor weight = _weight.t();
        foreach ((long start, long size) in CentredMatrix.Blocks(latents.size(0), Math.Max(64, (1L << 22) / Dimension)))
        {
            using var block = NewDisposeScope();
            scores.narrow(0, start, size).copy_(_bias.addmm(latents.narrow(0, start, size).to_type(ScalarType.Float64), weight));
        }
        return scores.MoveToOuterDisposeScope();
    }

    /// <summary>Labels latents.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <returns>[n, k], int8: 1 for rows that have the attribute, 0 for those that have not, −1 where <see cref="ProbeDecision.Rounding"/> gives neither. Owned by the caller.</returns>
    /// <exception cref="ArgumentException">The latents have another width or device, are empty, or are not finite.</exception>
    public Tensor Predict(Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor scores = Scores(latents);
        if (Decision == ProbeDecision.Sign) return scores.gt(0).to_type(ScalarType.Int8).MoveToOuterDisposeScope();
        Tensor rounded = scores.round();
        return where(rounded.eq(0).logical_or(rounded.eq(1)), rounded, full_like(rounded, -1)).to_type(ScalarType.Int8).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the tensors. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _weight.Dispose();
        _bias.Dispose();
    }

    /// <summary>Says the size.</summary>
    /// <returns>For example "10 probes of 512 columns".</returns>
    public override string ToString() => $"{Names.Count} probes of {Dimension} columns";

    private Tensor Live(Tensor held)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return held;
    }
}
