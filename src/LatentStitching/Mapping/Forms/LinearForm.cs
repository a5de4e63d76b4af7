using LatentStitching.Numerics;

namespace LatentStitching.Mapping.Forms;

/// <summary>The linear part W [target, source] of an affine map, held in one of several forms. Knows nothing of offsets, and owns nothing: <see cref="AffineMap"/> keeps and frees the tensors.</summary>
/// <remarks>What comes out belongs to the dispose scope that is open at the call. Rows must have the form's dtype; <see cref="With"/> brings a form to another.</remarks>
internal abstract class LinearForm
{
    private const long Block = 1024;

    /// <summary>The form as text, for example "3×3 convolution over 64×64, 3 → 4 channels".</summary>
    public abstract string Text { get; }

    /// <summary>Width of what it takes.</summary>
    public abstract long SourceDimension { get; }

    /// <summary>Width of what it gives.</summary>
    public abstract long TargetDimension { get; }

    /// <summary>The numbers it consists of, by name; at least one tensor, all of one dtype and device.</summary>
    public abstract IReadOnlyList<(string Name, Tensor Tensor)> Tensors { get; }

    public virtual long ParameterCount => Tensors.Sum(part => part.Tensor.numel());

    /// <summary>The rank where no singular value is zero by chance.</summary>
    public virtual long FullRank => Math.Min(TargetDimension, SourceDimension);

    public ScalarType Dtype => Tensors[0].Tensor.dtype;

    public Device Device => Tensors[0].Tensor.device;

    /// <summary>The same form over changed tensors of the same shapes.</summary>
    public abstract LinearForm With(Func<Tensor, Tensor> change);

    public virtual LinearForm In(ScalarType dtype) => With(part => part.to_type(dtype));

    /// <summary>The same W in a form that stands on its own numbers, as a file holds it.</summary>
    public virtual LinearForm Explicit() => this;

    /// <summary>rows·Wᵀ, [n, source] → [n, target].</summary>
    public abstract Tensor Times(Tensor rows);

    /// <summary>Wᵀ in the same form.</summary>
    public abstract LinearForm Transposed();

    /// <summary>factor·W.</summary>
    public abstract LinearForm Scaled(double factor);

    /// <summary>W as one matrix, computed in float64.</summary>
    public virtual Tensor ToDense(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        LinearForm wide = In(ScalarType.Float64);
        Tensor dense = zeros(TargetDimension, SourceDimension, dtype, Device);
        foreach ((long start, long size) in CentredMatrix.Blocks(SourceDimension, Block))
        {
            using var inner = NewDisposeScope();
            Tensor unit = zeros(size, SourceDimension, ScalarType.Float64, Device);
            unit.narrow(1, start, size).diagonal().fill_(1);
            dense.narrow(1, start, size).copy_(wide.Times(unit).t());
        }
        return dense.MoveToOuterDisposeScope();
    }

    /// <summary>All min(target, source) singular values, descending, float64.</summary>
    public abstract Tensor SingularValues();

    /// <summary>c where W or its transpose is √c times a matrix of orthonormal rows, entry by entry of the Gram matrix within tolerance·c; else null. Then W⁺ = Wᵀ/c.</summary>
    public abstract double? OrthogonalScale(double tolerance);

    /// <summary>The Moore-Penrose pseudo-inverse in float64, singular values up to relativeCut·σ₁ taken as zero, and the singular values.</summary>
    public abstract (LinearForm Form, Tensor SingularValues) PseudoInverse(double relativeCut);

    /// <summary>What the tensors' shapes do not tell, for the file.</summary>
    public virtual IEnumerable<(string Key, string Value)> Facts() => [];

    /// <summary>The name that the file gives to the form.</summary>
    public abstract string Kind { get; }

    protected static Tensor Padded(Tensor values, long count) =>
        values.size(0) == count ? values : cat([values, zeros(count - values.size(0), values.dtype, values.device)]);
}
