using LatentStitching.Numerics;

namespace LatentStitching.Mapping;

/// <summary>The affine map z ↦ z·Wᵀ + b between two latent spaces. Immutable.</summary>
/// <remarks>Weight and latents are multiplied in float64 if either is, else in float32, and the result comes in the latents' dtype. Gradients pass through to the latents.</remarks>
public sealed class AffineMap : ILatentMap
{
    private readonly Tensor _weight;
    private readonly Tensor _bias;
    private bool _disposed;

    /// <summary>Makes a map.</summary>
    /// <param name="weight">Linear part W [target, source], floating point, finite. Not disposed: the map keeps a copy.</param>
    /// <param name="bias">Offset b [target], on the device of <paramref name="weight"/>; zero if null. Not disposed: the map keeps a copy in the dtype of <paramref name="weight"/>.</param>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, or an entry is not finite.</exception>
    public AffineMap(Tensor weight, Tensor? bias = null)
    {
        TensorGuard.FiniteMatrix(weight);
        if (bias is not null)
        {
            if (bias.dim() != 1 || bias.size(0) != weight.size(0))
            {
                throw new ArgumentException(
                    $"bias must have one entry a row of weight, [{weight.size(0)}], but its shape is {TensorGuard.Shape(bias)}.", nameof(bias));
            }
            if (!bias.is_floating_point()) throw new ArgumentException($"bias must be floating point, but its dtype is {bias.dtype}.", nameof(bias));
            TensorGuard.SameDevice(weight, bias, nameof(weight), nameof(bias));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor offset = bias is null ? zeros(weight.size(0), weight.dtype, weight.device) : bias.detach().to_type(weight.dtype).clone();
        // As it will be kept: a float32 bias may be infinite in float16.
        TensorGuard.Finite(offset, nameof(bias));
        _weight = weight.detach().clone().DetachFromDisposeScope();
        _bias = offset.DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public long SourceDimension => Weight.size(1);

    /// <inheritdoc/>
    public long TargetDimension => Weight.size(0);

    /// <summary>Linear part W, [target, source]. Belongs to the map: do not dispose or change it.</summary>
    public Tensor Weight => Live(_weight);

    /// <summary>Offset b, [target]. Belongs to the map: do not dispose or change it.</summary>
    public Tensor Bias => Live(_bias);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents have another width or device, are not floating point, or are not finite.</exception>
    public Tensor Apply(Tensor latents)
    {
        Tensor weight = Weight;
        TensorGuard.Latents(latents, SourceDimension, "the map's source");
        TensorGuard.SameDevice(weight, latents, "the map", nameof(latents));
        using var scope = NewDisposeScope();
        ScalarType wide = Wider(latents.dtype, weight.dtype);
        Tensor mapped = latents.to_type(wide).mm(weight.to_type(wide).t()).add(_bias.to_type(wide));
        return mapped.to_type(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The map that does this one first and another after it.</summary>
    /// <param name="next">The map to do after this one; it takes what this one gives. Not disposed.</param>
    /// <returns>One affine map, owned by the caller: weight W₂W₁, bias W₂b₁ + b₂, multiplied in float64 and kept in this map's dtype.</returns>
    /// <exception cref="ArgumentException">The widths do not fit.</exception>
    public AffineMap Then(AffineMap next)
    {
        ArgumentNullException.ThrowIfNull(next);
        if (next.SourceDimension != TargetDimension)
        {
            throw new ArgumentException($"next must take the {TargetDimension} columns that this map gives, but it takes {next.SourceDimension}.", nameof(next));
        }
        TensorGuard.SameDevice(Weight, next.Weight, "the map", nameof(next));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor outer = next._weight.to_type(ScalarType.Float64);
        Tensor weight = outer.mm(_weight.to_type(ScalarType.Float64));
        Tensor bias = outer.mv(_bias.to_type(ScalarType.Float64)).add(next._bias.to_type(ScalarType.Float64));
        return new AffineMap(weight.to_type(_weight.dtype), bias.to_type(_weight.dtype));
    }

    /// <summary>Carries directions from the source space to the target space: the linear part alone, without the offset.</summary>
    /// <param name="directions">Direction vectors [k, source], one a row, floating point. Not disposed.</param>
    /// <returns>[k, target], the rows v·Wᵀ, not normalised, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The width or device does not fit.</exception>
    public Tensor Transport(Tensor directions) => Multiply(directions, Weight, transpose: true, SourceDimension, "the map's source", nameof(directions));

    /// <summary>Carries normals of hyperplanes (a probe's weights) from the target space back to the source space: w ↦ w·W.</summary>
    /// <param name="normals">Normal vectors [k, target], one a row, floating point. Not disposed.</param>
    /// <returns>[k, source], owned by the caller: a probe with these weights on the source gives what the probe gives on mapped latents, up to its offset.</returns>
    /// <exception cref="ArgumentException">The width or device does not fit.</exception>
    public Tensor PullBack(Tensor normals) => Multiply(normals, Weight, transpose: false, TargetDimension, "the map's target", nameof(normals));

    /// <summary>Writes the map to a safetensors file. See <see cref="AffineMapFile"/> for its layout.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <param name="provenance">Facts to keep with the map, for example the models' names; keys must not start with "latentstitching.".</param>
    /// <exception cref="ArgumentException">The path is blank, or a key of <paramref name="provenance"/> is reserved.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? provenance = null) => AffineMapFile.Save(this, path, provenance);

    /// <summary>Reads a map from a safetensors file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The map, on the CPU, owned by the caller.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not a whole, well-formed map.</exception>
    public static AffineMap Load(string path) => AffineMapFile.Load(path);

    /// <summary>Frees the map's tensors. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _weight.Dispose();
        _bias.Dispose();
    }

    /// <summary>Says the widths and the dtype.</summary>
    /// <returns>For example "affine map 512 → 768 (Float32)".</returns>
    public override string ToString() => _disposed ? "affine map (disposed)" : $"affine map {SourceDimension} → {TargetDimension} ({_weight.dtype})";

    private static ScalarType Wider(ScalarType a, ScalarType b) =>
        a == ScalarType.Float64 || b == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    private static Tensor Multiply(Tensor rows, Tensor weight, bool transpose, long width, string side, string name)
    {
        TensorGuard.Latents(rows, width, side, name);
        TensorGuard.SameDevice(weight, rows, "the map", name);
        using var scope = NewDisposeScope();
        ScalarType wide = Wider(rows.dtype, weight.dtype);
        Tensor factor = weight.to_type(wide);
        return rows.to_type(wide).mm(transpose ? factor.t() : factor).to_type(rows.dtype).MoveToOuterDisposeScope();
    }

    private Tensor Live(Tensor held)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return held;
    }
}
