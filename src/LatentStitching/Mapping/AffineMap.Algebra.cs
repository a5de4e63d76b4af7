using System.Globalization;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;

namespace LatentStitching.Mapping;

/// <content>Composition, inverse and spectrum.</content>
public sealed partial class AffineMap
{
    // 16 MB of float64: torch unfolds a float64 batch whole to convolve it.
    private const long BlockEntries = 1L << 21;

    /// <summary>The map that does this one first and another after it.</summary>
    /// <remarks>
    /// Multiplied in float64 and kept in this map's dtype. The product keeps the smallest form that holds it exactly: factored where either is; a convolution where one of the two kernels is 1×1; a Kronecker
    /// product with a Kronecker product or a 1×1 convolution; blocks with blocks of the same levels. Else it is dense: two kernels with neighbours make no kernel at the border.
    /// </remarks>
    /// <param name="next">The map to do after this one; it takes what this one gives. Not disposed.</param>
    /// <returns>One affine map, owned by the caller: weight W₂W₁, bias W₂b₁ + b₂.</returns>
    /// <exception cref="ArgumentException">The widths or devices do not fit, or the product is too large for this map's dtype.</exception>
    public AffineMap Then(AffineMap next)
    {
        ArgumentNullException.ThrowIfNull(next);
        if (next.SourceDimension != TargetDimension)
        {
            throw new ArgumentException($"next must take the {TargetDimension} columns that this map gives, but it takes {next.SourceDimension}.", nameof(next));
        }
        TensorGuard.SameDevice(Bias, next.Bias, "the map", nameof(next));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        LinearForm first = _form.Explicit().In(ScalarType.Float64), second = next._form.Explicit().In(ScalarType.Float64);
        Tensor bias = second.Times(_bias.to_type(ScalarType.Float64).unsqueeze(0)).squeeze(0).add(next._bias.to_type(ScalarType.Float64));
        return Kept(Composition.Of(second, first), bias, nameof(next));
    }

    /// <summary>The map that takes back what this one does. See <see cref="Inverse(out InverseReport, double?)"/>, which also tells how well that can be done.</summary>
    /// <returns>The (pseudo-)inverse, owned by the caller.</returns>
    public AffineMap Inverse() => Inverse(out _);

    /// <summary>The map that takes back what this one does, y ↦ W⁺(y − b).</summary>
    /// <remarks>
    /// <para>Where W, up to one factor, has orthonormal rows or columns (every entry of its Gram matrix within 32·ε of that, or √max(target, source)·ε where that is more, ε the spacing of the map's dtype at 1; of a float16 or bfloat16 map within 2·ε, for its numbers are at most rounded and not computed in that dtype), it is the transpose divided by that factor, and for a
    /// factor of 1 the very bits of the transpose. Else it is the inverse or the Moore-Penrose pseudo-inverse, from singular values; those up to the cut-off count as zero.</para>
    /// <para>First this map and then its inverse is the orthogonal projection of latents onto the row space of W, thus the identity where W has full column rank; first the inverse and then this map is the
    /// projection onto the affine space of all values of this map.</para>
    /// <para>Numerics: float64, kept in this map's dtype. Form: dense, factored, Kronecker, 1×1 convolution and blocks give their own form back. A convolution with neighbours, and a Kronecker product whose small singular
    /// values the cut-off parts, are made dense for it. Cost: one singular value decomposition of W, or of the factors' core, or of each factor.</para>
    /// <para>The default cut-off catches what rounding in the map's dtype leaves of absent directions, as in maps of least squares from a rank-deficient source and of a reduced rank. It knows nothing of how the map was computed: relative to
    /// the largest, least squares from few rows leaves ε·κ of them, κ the condition number of the source, and <see cref="Fitting.RidgeFitter"/> ε·λ₁/α, λ₁ the largest eigenvalue of XᵀX (with ε of float32 where they are fast). A condition number of 10¹⁰ in the report is such
    /// rounding inverted: pass a cut-off above it, for example 10⁻⁶.</para>
    /// <para>Source: Penrose, "A generalized inverse for matrices", Proc. Cambridge Phil. Soc. 51 (1955).</para>
    /// </remarks>
    /// <param name="report">How it was made, and W's rank and condition number.</param>
    /// <param name="cutOff">Singular values up to this times the largest count as zero; at least 0 and below 1. Null: max(target, source)·ε of the map's dtype, at most 0.5.</param>
    /// <returns>The (pseudo-)inverse, owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="cutOff"/> is outside its range.</exception>
    /// <exception cref="ArgumentException">The inverse is too large for this map's dtype.</exception>
    public AffineMap Inverse(out InverseReport report, double? cutOff = null)
    {
        LinearForm form = Live;
        if (cutOff is { } given && !(given is >= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(cutOff), string.Create(CultureInfo.InvariantCulture, $"cutOff must lie from 0 to below 1, but it is {given}."));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double epsilon = finfo(_bias.dtype).eps;
        double width = Math.Max(form.TargetDimension, form.SourceDimension), relative = cutOff ?? Math.Min(0.5, width * epsilon);
        LinearForm wide = form.Explicit().In(ScalarType.Float64), inverse;
        // Rotations that were computed in float64 lose about √d/2 of it: 19·ε at 1,500 columns.
        if (wide.OrthogonalScale((_bias.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? 2 : Math.Max(32, Math.Sqrt(width))) * epsilon) is { } scale)
        {
            inverse = scale == 1 ? wide.Transposed() : wide.Transposed().Scaled(1 / scale);
            report = new InverseReport { Method = "transpose", Rank = form.FullRank, ConditionNumber = 1, CutOff = relative * Math.Sqrt(scale) };
        }
        else
        {
            (inverse, Tensor values) = wide.PseudoInverse(relative);
            report = InverseReport.Of(values, relative, square: form.TargetDimension == form.SourceDimension);
        }
        Tensor bias = inverse.Times(_bias.to_type(ScalarType.Float64).unsqueeze(0)).squeeze(0).neg();
        return Kept(inverse, bias, "map");
    }

    /// <summary>How far latents come back from a way there and back: Σ‖back(this(z)) − z‖² / Σ‖z − z̄‖².</summary>
    /// <param name="back">A map from this one's target to its source: this map's <see cref="Inverse()"/>, or one fitted the other way. Not disposed.</param>
    /// <param name="latents">Source latents [n, source], at least two rows, floating point, that neither map was fitted to. Not disposed.</param>
    /// <returns>0 for a perfect return, 1 for one that is as good as the latents' mean, more for worse; NaN where the latents do not vary. Float64 throughout.</returns>
    /// <exception cref="ArgumentException">The widths or devices do not fit, there is one row only, or an entry is not finite.</exception>
    public double CycleError(AffineMap back, Tensor latents)
    {
        ArgumentNullException.ThrowIfNull(back);
        if (back.SourceDimension != TargetDimension || back.TargetDimension != SourceDimension)
        {
            throw new ArgumentException(
                $"back must map {TargetDimension} columns to {SourceDimension}, the other way round from this map, but it maps {back.SourceDimension} to {back.TargetDimension}.", nameof(back));
        }
        TensorGuard.SameDevice(Bias, back.Bias, "the map", nameof(back));
        TensorGuard.Latents(latents, SourceDimension, "the map's source");
        TensorGuard.SameDevice(Bias, latents, "the map", nameof(latents));
        if (latents.size(0) < 2) throw new ArgumentException("latents must hold at least two rows, for their variance is what the error is measured by, but it holds 1.", nameof(latents));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double variation = CentredMatrix.Of(latents, centre: true).SumOfSquares(), error = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(latents.size(0), Math.Max(1, BlockEntries / Math.Max(SourceDimension, TargetDimension))))
        {
            using var block = NewDisposeScope();
            Tensor rows = latents.narrow(0, start, size).to_type(ScalarType.Float64);
            error += back.Apply(Apply(rows)).sub(rows).square().sum().ToDouble();
        }
        return variation > 0 ? error / variation : double.NaN;
    }

    /// <summary>The singular values of W and what they tell about its rank.</summary>
    /// <remarks>
    /// Float64. Cost: one singular value decomposition without vectors: of W if it is dense or a convolution with neighbours (which is made dense for it), of an r×r core if it is factored, of each factor or block else.
    /// They depend on the latents' units: a map between standardised latents has another spectrum.
    /// </remarks>
    /// <returns>The spectrum.</returns>
    public MapSpectrum RankCurve()
    {
        LinearForm form = Live;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return MapSpectrum.Of(form.In(ScalarType.Float64).SingularValues(), Math.Max(form.TargetDimension, form.SourceDimension) * finfo(_bias.dtype).eps);
    }

    private AffineMap Kept(LinearForm wide, Tensor bias, string name)
    {
        LinearForm cast = wide.In(_bias.dtype);
        Tensor offset = bias.to_type(_bias.dtype);
        if (cast.Tensors.Select(part => part.Tensor).Append(offset).Any(part => !part.isfinite().all().ToBoolean()))
        {
            throw new ArgumentException($"{name} must give numbers that {_bias.dtype} can hold, but some are not finite. Use maps of a wider dtype.", name);
        }
        return Make(cast, offset);
    }
}
