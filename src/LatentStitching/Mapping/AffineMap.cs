using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;

namespace LatentStitching.Mapping;

/// <summary>The affine map z ↦ z·Wᵀ + b between two latent spaces. Immutable.</summary>
/// <remarks>
/// <para>W is held dense, as two thin factors, as a convolution, as a Kronecker product, block by block, or as the rows and the shared factor of a <see cref="Fitting.SharedSource"/> (<see cref="Form"/>); all members give the same numbers for each form, up to rounding, but not at the same speed
/// nor with the same memory.</para>
/// <para>Weight and latents are multiplied in float64 if either is, else in float32, and the result comes in the latents' dtype. Gradients pass through to the latents.</para>
/// <para>Thread safety: immutable; every member may be called from several threads at once, <see cref="Dispose"/> excepted.</para>
/// </remarks>
public sealed partial class AffineMap : ILatentMap
{
    private readonly Lock _gate = new();
    private readonly LinearForm _form;
    private readonly Tensor _bias;
    private Tensor? _dense;
    private bool _disposed;

    /// <summary>Makes a map of a dense weight.</summary>
    /// <param name="weight">Linear part W [target, source], floating point, finite. Not disposed: the map keeps a copy.</param>
    /// <param name="bias">Offset b [target], on the device of <paramref name="weight"/>; zero if null. Not disposed: the map keeps a copy in the dtype of <paramref name="weight"/>.</param>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, or an entry is not finite.</exception>
    public AffineMap(Tensor weight, Tensor? bias = null)
        : this(DenseOf(weight), bias, "a row of weight")
    {
    }

    // Takes the handles over.
    private AffineMap(LinearForm form, Tensor bias)
    {
        _form = form;
        _bias = bias;
    }

    // The form's tensors have been checked, but may be the caller's: copies are kept, in the dtype of the first.
    private AffineMap(LinearForm form, Tensor? bias, string entry)
    {
        long target = form.TargetDimension;
        if (bias is not null)
        {
            if (bias.dim() != 1 || bias.size(0) != target)
            {
                throw new ArgumentException($"bias must have one entry {entry}, [{target}], but its shape is {TensorGuard.Shape(bias)}.", nameof(bias));
            }
            if (!bias.is_floating_point()) throw new ArgumentException($"bias must be floating point, but its dtype is {bias.dtype}.", nameof(bias));
            TensorGuard.SameDevice(form.Tensors[0].Tensor, bias, nameof(Weight).ToLowerInvariant(), nameof(bias));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor offset = bias is null ? zeros(target, form.Dtype, form.Device) : bias.detach().to_type(form.Dtype).clone();
        // As it will be kept: a float32 bias may be infinite in float16.
        TensorGuard.Finite(offset, nameof(bias));
        ScalarType dtype = form.Dtype;
        LinearForm kept = form.In(dtype);
        foreach ((string name, Tensor part) in kept.Tensors) TensorGuard.Finite(part, name);
        _form = kept.With(part => part.detach().clone().DetachFromDisposeScope());
        _bias = offset.DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public long SourceDimension => Live.SourceDimension;

    /// <inheritdoc/>
    public long TargetDimension => Live.TargetDimension;

    /// <summary>Shape of the linear part, [target, source], whatever form it is held in.</summary>
    public IReadOnlyList<long> WeightShape => [TargetDimension, SourceDimension];

    /// <summary>How many numbers the linear part is held in; the offset's <see cref="TargetDimension"/> are not counted.</summary>
    public long ParameterCount => Live.ParameterCount;

    /// <summary>The form of the linear part in words.</summary>
    /// <value>For example "dense", "factored, rank at most 64", or "3×3 convolution over 64×64, 3 → 4 channels".</value>
    public string Form => Live.Text;

    /// <summary>Linear part W as one matrix, [target, source]. Belongs to the map: do not dispose or change it.</summary>
    /// <remarks>
    /// A dense map gives what it holds. Any other forms the matrix at the first call, in float64 and then in the map's dtype, and keeps it until it is disposed: for 12,288 columns on both sides that is
    /// 1.2 GB in float64. Nothing else in this class forms it, unless its own text says so.
    /// </remarks>
    public Tensor Weight
    {
        get
        {
            LinearForm form = Live;
            if (form is DenseForm dense) return dense.Weight;
            lock (_gate)
            {
                if (_dense is not null) return _dense;
                using var scope = NewDisposeScope();
                using var grad = no_grad();
                return _dense = form.ToDense(_bias.dtype).DetachFromDisposeScope();
            }
        }
    }

    /// <summary>Offset b, [target]. Belongs to the map: do not dispose or change it.</summary>
    public Tensor Bias
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bias;
        }
    }

    /// <summary>The form that holds the linear part; its tensors belong to the map.</summary>
    internal LinearForm Linear => Live;

    private LinearForm Live
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _form;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents have another width or device, are not floating point, or are not finite.</exception>
    public Tensor Apply(Tensor latents)
    {
        LinearForm form = Live;
        TensorGuard.Latents(latents, form.SourceDimension, "the map's source");
        TensorGuard.SameDevice(_bias, latents, "the map", nameof(latents));
        using var scope = NewDisposeScope();
        ScalarType wide = Wider(latents.dtype, _bias.dtype);
        Tensor mapped = form.In(wide).Times(latents.to_type(wide)).add(_bias.to_type(wide));
        return mapped.to_type(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Carries directions from the source space to the target space: the linear part alone, without the offset.</summary>
    /// <param name="directions">Direction vectors [k, source], one a row, floating point. Not disposed.</param>
    /// <returns>[k, target], the rows v·Wᵀ, not normalised, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The width or device does not fit.</exception>
    public Tensor Transport(Tensor directions) => Multiply(directions, Live, SourceDimension, "the map's source", nameof(directions));

    /// <summary>Carries normals of hyperplanes (a probe's weights) from the target space back to the source space: w ↦ w·W.</summary>
    /// <param name="normals">Normal vectors [k, target], one a row, floating point. Not disposed.</param>
    /// <returns>[k, source], owned by the caller: a probe with these weights on the source gives what the probe gives on mapped latents, up to its offset.</returns>
    /// <exception cref="ArgumentException">The width or device does not fit.</exception>
    public Tensor PullBack(Tensor normals)
    {
        using var scope = NewDisposeScope();
        return Multiply(normals, Live.Transposed(), TargetDimension, "the map's target", nameof(normals)).MoveToOuterDisposeScope();
    }

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

    /// <summary>Writes the map as an ONNX model: one input "latents" [n, source] and one output "mapped" [n, target], n free.</summary>
    /// <remarks>
    /// Operator set 17, IR version 8. A dense map is one Gemm, a factored one two; a convolution is a Conv and a Kronecker product two MatMul between reshapes; blocks are made dense for it.
    /// </remarks>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <param name="provenance">Facts to keep with the model as its metadata, or null.</param>
    /// <param name="dtype">The type of input, output and weights, whatever the map's: Float32, the default, as most pipelines have it, or Float64, which keeps all digits of a float64 map. ONNX Runtime's processor kernels have no float64 convolution.</param>
    /// <exception cref="ArgumentException">The path is blank, or a number of the map is too large for float32.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dtype"/> is neither Float32 nor Float64.</exception>
    /// <exception cref="NotSupportedException">The numbers take 2 GB or more, which an ONNX file cannot hold.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveOnnx(string path, IReadOnlyDictionary<string, string>? provenance = null, ScalarType dtype = ScalarType.Float32) => OnnxFile.Save(this, path, provenance, dtype);

    /// <summary>Frees the map's tensors. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach ((_, Tensor part) in _form.Tensors) part.Dispose();
        _bias.Dispose();
        _dense?.Dispose();
    }

    /// <summary>Says the widths, the dtype, and the form where it is not dense.</summary>
    /// <returns>For example "affine map 512 → 768 (Float64)".</returns>
    public override string ToString() => _disposed
        ? "affine map (disposed)"
        : $"affine map {SourceDimension} → {TargetDimension} ({_bias.dtype}{(_form is DenseForm ? "" : $", {_form.Text}")})";

    private static ScalarType Wider(ScalarType a, ScalarType b) =>
        a == ScalarType.Float64 || b == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    /// <summary>One matrix, checked.</summary>
    internal static DenseForm DenseOf(Tensor weight)
    {
        TensorGuard.FiniteMatrix(weight);
        return new DenseForm(weight);
    }

    private static Tensor Multiply(Tensor rows, LinearForm form, long width, string side, string name)
    {
        TensorGuard.Latents(rows, width, side, name);
        TensorGuard.SameDevice(form.Tensors[0].Tensor, rows, "the map", name);
        using var scope = NewDisposeScope();
        ScalarType wide = Wider(rows.dtype, form.Dtype);
        return form.In(wide).Times(rows.to_type(wide)).to_type(rows.dtype).MoveToOuterDisposeScope();
    }
}
