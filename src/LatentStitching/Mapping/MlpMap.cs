using LatentStitching.Numerics;

namespace LatentStitching.Mapping;

/// <summary>A map with one hidden layer: z ↦ m_t + s_t·(W₂·relu(W₁·((z − m_s)/s_s) + b₁) + b₂). Its output is linear, so it can be negative. Immutable.</summary>
/// <remarks>Weights and latents are multiplied in float64 if either is, else in float32, and the result comes in the latents' dtype. Gradients pass through to the latents.</remarks>
public sealed class MlpMap : ILatentMap
{
    private readonly Tensor[] _parameters; // m_s, s_s, W₁, b₁, W₂, b₂, s_t, m_t
    private bool _disposed;

    /// <summary>Takes over fresh tensors: they leave their dispose scope and belong to the map.</summary>
    internal MlpMap(Tensor sourceMean, Tensor sourceScale, Tensor hidden, Tensor hiddenBias, Tensor output, Tensor outputBias, Tensor targetScale, Tensor targetMean)
    {
        _parameters = [sourceMean, sourceScale, hidden, hiddenBias, output, outputBias, targetScale, targetMean];
        SourceDimension = hidden.size(1);
        HiddenWidth = hidden.size(0);
        TargetDimension = output.size(0);
        foreach (Tensor parameter in _parameters) parameter.DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public long SourceDimension { get; }

    /// <inheritdoc/>
    public long TargetDimension { get; }

    /// <summary>Number of hidden units.</summary>
    public long HiddenWidth { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents have another width or device, are not floating point, or are not finite.</exception>
    public Tensor Apply(Tensor latents)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TensorGuard.Latents(latents, SourceDimension, "the map's source");
        TensorGuard.SameDevice(_parameters[0], latents, "the map", nameof(latents));
        using var scope = NewDisposeScope();
        ScalarType wide = latents.dtype == ScalarType.Float64 || _parameters[0].dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Tensor[] p = Array.ConvertAll(_parameters, parameter => parameter.to_type(wide));
        Tensor standard = latents.to_type(wide).sub(p[0]).div(p[1]);
        Tensor mapped = Forward(standard, p[2], p[3], p[4], p[5]).mul(p[6]).add(p[7]);
        return mapped.to_type(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Writes the map to a safetensors file with a checksum. See <see cref="MlpMapFile"/> for its layout.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <param name="provenance">Facts to keep with the map, for example the models' names; keys must not start with "latentstitching.".</param>
    /// <exception cref="ArgumentException">The path is blank, or a key of <paramref name="provenance"/> is reserved.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? provenance = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        MlpMapFile.Save(_parameters, path, provenance);
    }

    /// <summary>Reads a map from a safetensors file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The map, on the CPU, owned by the caller.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not a whole, well-formed map.</exception>
    public static MlpMap Load(string path) => MlpMapFile.Load(path);

    /// <summary>Frees the map's tensors. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (Tensor parameter in _parameters) parameter.Dispose();
    }

    /// <summary>Says the widths.</summary>
    /// <returns>For example "map with one hidden layer 512 → 512 → 768".</returns>
    public override string ToString() => $"map with one hidden layer {SourceDimension} → {HiddenWidth} → {TargetDimension}";

    /// <summary>The network on standardised latents, giving standardised latents.</summary>
    internal static Tensor Forward(Tensor standard, Tensor hidden, Tensor hiddenBias, Tensor output, Tensor outputBias) =>
        outputBias.addmm(hiddenBias.addmm(standard, hidden.t()).relu(), output.t());
}
