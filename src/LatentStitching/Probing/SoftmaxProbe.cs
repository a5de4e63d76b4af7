using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>A linear classifier of several classes that exclude each other: the probabilities are softmax(zWᵀ + b). Immutable but for disposal; owns its tensors.</summary>
public sealed class SoftmaxProbe : IDisposable
{
    private readonly Tensor _weight; // [c, d], float64
    private readonly Tensor _bias;   // [c], float64
    private bool _disposed;

    /// <summary>Makes a probe of given coefficients.</summary>
    /// <param name="names">The classes, one a row.</param>
    /// <param name="weight">Coefficients [c, d], floating point, finite. Copied.</param>
    /// <param name="bias">Offsets [c], floating point, finite. Copied.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or a number is not finite.</exception>
    public SoftmaxProbe(IReadOnlyList<string> names, Tensor weight, Tensor bias)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(bias);
        TensorGuard.FiniteMatrix(weight);
        if (weight.size(0) != names.Count || bias.dim() != 1 || bias.size(0) != names.Count)
        {
            throw new ArgumentException($"weight and bias must have {names.Count} rows, one a name, but they are {TensorGuard.Shape(weight)} and {TensorGuard.Shape(bias)}.", nameof(weight));
        }
        TensorGuard.Finite(bias);
        using var grad = no_grad();
        Names = [.. names];
        Dimension = weight.size(1);
        using var scope = NewDisposeScope();
        _weight = weight.detach().to(ScalarType.Float64, weight.device, copy: true).contiguous().DetachFromDisposeScope();
        _bias = bias.detach().to(ScalarType.Float64, weight.device, copy: true).contiguous().DetachFromDisposeScope();
    }

    /// <summary>The classes, in order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Width of the latent.</summary>
    public long Dimension { get; }

    /// <summary>Coefficients [c, d], float64. Belongs to the probe: do not dispose or change it.</summary>
    public Tensor Weight => Live(_weight);

    /// <summary>Offsets [c], float64. Belongs to the probe: do not dispose or change it.</summary>
    public Tensor Bias => Live(_bias);

    /// <summary>The probability of each class, in [0, 1], summing to 1.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <returns>[n, c], float64, on the latents' device, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The latents have another width or device, are empty, or are not finite.</exception>
    public Tensor Probabilities(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return Scores(latents).softmax(1).MoveToOuterDisposeScope();
    }

    /// <summary>The likeliest class.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <returns>[n], int64: places in <see cref="Names"/>. Owned by the caller.</returns>
    /// <exception cref="ArgumentException">The latents have another width or device, are empty, or are not finite.</exception>
    public Tensor Predict(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return Scores(latents).argmax(1).MoveToOuterDisposeScope();
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
    /// <returns>For example "10 classes of 512 columns".</returns>
    public override string ToString() => $"{Names.Count} classes of {Dimension} columns";

    private Tensor Scores(Tensor latents)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TensorGuard.Latents(latents, Dimension, "the probe");
        TensorGuard.SameDevice(_weight, latents, "the probe", nameof(latents));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor scores = empty(latents.size(0), Names.Count, ScalarType.Float64, latents.device), weight = _weight.t();
        foreach ((long start, long size) in CentredMatrix.Blocks(latents.size(0), Math.Max(64, (1L << 22) / Dimension)))
        {
            using var block = NewDisposeScope();
            scores.narrow(0, start, size).copy_(_bias.addmm(latents.narrow(0, start, size).to_type(ScalarType.Float64), weight));
        }
        return scores.MoveToOuterDisposeScope();
    }

    private Tensor Live(Tensor held)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return held;
    }
}
