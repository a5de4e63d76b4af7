using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>A latent batch with all that a measure can work out from it alone, to be compared with many others.</summary>
/// <remarks>Made by <see cref="ISimilarityMeasure.Prepare"/>. It shares the memory of the latents: do not change them while it lives. Thread safety: it may be read from several threads, each with a dispose scope of its own.</remarks>
public sealed class PreparedLatents : IDisposable
{
    private readonly Tensor _latents;
    private readonly Dictionary<string, Tensor> _factors = new(StringComparer.Ordinal);
    private bool _disposed;

    /// <summary>Keeps a batch and what was made of it.</summary>
    /// <param name="measure">The <see cref="SimilarityInfo.Id"/> of the measure that it is prepared for.</param>
    /// <param name="latents">Latent batch [n, d], floating point. Kept as an alias; the caller still owns what it passed.</param>
    /// <param name="factors">What was worked out, by name. The tensors are taken over.</param>
    /// <exception cref="ArgumentException">The id is blank, or the latents are not a floating-point matrix.</exception>
    public PreparedLatents(string measure, Tensor latents, IReadOnlyDictionary<string, Tensor> factors)
    {
        Measure = Guard.NotBlank(measure);
        TensorGuard.Matrix(latents);
        ArgumentNullException.ThrowIfNull(factors);
        _latents = latents.alias().DetachFromDisposeScope();
        foreach ((string name, Tensor factor) in factors) _factors[name] = factor.DetachFromDisposeScope();
    }

    /// <summary>The id of the measure that it is prepared for.</summary>
    public string Measure { get; }

    /// <summary>The latents [n, d]. Owned by this object.</summary>
    public Tensor Latents
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _latents;
        }
    }

    /// <summary>Number of rows n.</summary>
    public long Rows => Latents.size(0);

    /// <summary>Number of columns d.</summary>
    public long Columns => Latents.size(1);

    /// <summary>One of the tensors that the measure worked out. Owned by this object.</summary>
    /// <param name="factor">Its name, which the measure chose.</param>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public Tensor this[string factor]
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _factors[factor];
        }
    }

    /// <summary>Asks for one of the tensors that the measure worked out.</summary>
    /// <param name="factor">Its name.</param>
    /// <returns>Whether there is one of that name.</returns>
    public bool Has(string factor)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _factors.ContainsKey(factor);
    }

    /// <summary>Frees the handle of the latents and all that was worked out. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _latents.Dispose();
        foreach (Tensor factor in _factors.Values) factor.Dispose();
    }

    /// <summary>Says the sizes and the measure.</summary>
    /// <returns>For example "9000 × 512 for cka-kernel=linear-hsic=song-score".</returns>
    public override string ToString() => _disposed ? $"disposed, for {Measure}" : $"{Rows} × {Columns} for {Measure}";
}
