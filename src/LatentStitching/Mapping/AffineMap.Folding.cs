using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;

namespace LatentStitching.Mapping;

/// <content>Folding into the layer that comes after.</content>
public sealed partial class AffineMap
{
    /// <summary>Folds the map into a decoder's first layer: the layer that gives on source latents what the given one gives on mapped latents.</summary>
    /// <remarks>
    /// <para>A linear layer [o, target] becomes [o, source]: weight·W, and weight·b + bias. W is never formed for it.</para>
    /// <para>A convolution layer [o, c', kh, kw] with zero padding, any stride and dilation, on latents [c', h, w] becomes [o, c, kh, kw], if the map is a 1×1 convolution [c', c]. A layer larger than 1×1 meets zeros, and not the
    /// map's offset, at the border; so the map must have no offset then. For a 1×1 layer it must have one offset a channel: see <see cref="Fitting.ConvolutionOptions.OffsetPerChannel"/>. The layer must not be grouped or transposed.</para>
    /// <para>Numerics: float64, returned in the dtype of the layer.</para>
    /// </remarks>
    /// <param name="weight">The layer's weight, [o, target] or [o, c', kh, kw], floating point, finite, on the map's device. Not disposed.</param>
    /// <param name="bias">The layer's bias [o], floating point, finite, on the map's device, or null for zero. Not disposed.</param>
    /// <returns>Weight and bias [o] of the new layer, owned by the caller.</returns>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, or an entry is not finite.</exception>
    /// <exception cref="NotSupportedException">No convolution layer does what this map and that layer do.</exception>
    public (Tensor Weight, Tensor Bias) FoldInto(Tensor weight, Tensor? bias = null)
    {
        LinearForm form = Live;
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.dim() is not (2 or 4) || weight.numel() == 0)
        {
            throw new ArgumentException($"weight must be [o, target] of a linear layer or [o, c, kh, kw] of a convolution, but its shape is {TensorGuard.Shape(weight)}.", nameof(weight));
        }
        if (!weight.is_floating_point()) throw new ArgumentException($"weight must be floating point, but its dtype is {weight.dtype}. Convert it: tensor.to_type(ScalarType.Float32).", nameof(weight));
        TensorGuard.Finite(weight);
        TensorGuard.SameDevice(_bias, weight, "the map", nameof(weight));
        if (bias is not null)
        {
            if (bias.dim() != 1 || bias.size(0) != weight.size(0)) throw new ArgumentException($"bias must be [{weight.size(0)}], one entry a row of weight, but its shape is {TensorGuard.Shape(bias)}.", nameof(bias));
            if (!bias.is_floating_point()) throw new ArgumentException($"bias must be floating point, but its dtype is {bias.dtype}. Convert it: tensor.to_type(ScalarType.Float32).", nameof(bias));
            TensorGuard.Finite(bias);
            TensorGuard.SameDevice(_bias, bias, "the map", nameof(bias));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor layer = weight.to_type(ScalarType.Float64), offset = bias?.to_type(ScalarType.Float64) ?? zeros(weight.size(0), ScalarType.Float64, weight.device);
        (layer, Tensor shift) = weight.dim() == 2 ? FoldLinear(form.In(ScalarType.Float64), layer) : FoldConvolution(form, layer);
        return (layer.to_type(weight.dtype).MoveToOuterDisposeScope(), offset.add(shift).to_type(weight.dtype).MoveToOuterDisposeScope());
    }

    private (Tensor Weight, Tensor Shift) FoldLinear(LinearForm form, Tensor weight)
    {
        if (weight.size(1) != form.TargetDimension)
        {
            throw new ArgumentException($"weight must have {form.TargetDimension} columns, the width of the map's target, but its shape is {TensorGuard.Shape(weight)}.", nameof(weight));
        }
        return (form.Transposed().Times(weight), weight.mv(_bias.to_type(ScalarType.Float64)));
    }

    private (Tensor Weight, Tensor Shift) FoldConvolution(LinearForm form, Tensor weight)
    {
        if (form is not ConvolutionForm { Size: 1 } mixing)
        {
            throw new NotSupportedException($"The map must be a 1×1 convolution to be folded into a convolution layer, but it is {form.Text}. Fit it with ConvolutionFitter, or apply it before the layer.");
        }
        if (weight.size(1) != mixing.Channel.size(0))
        {
            throw new ArgumentException($"weight must take the {mixing.Channel.size(0)} channels that the map gives, but its shape is {TensorGuard.Shape(weight)}.", nameof(weight));
        }
        Tensor places = _bias.to_type(ScalarType.Float64).reshape(-1, mixing.Places), perChannel = places.narrow(1, 0, 1);
        if (weight.size(2) * weight.size(3) > 1 && places.abs().max().ToDouble() > 0)
        {
            throw new NotSupportedException(
                $"The map must have no offset to be folded into a {weight.size(2)}×{weight.size(3)} convolution, but it has one, which the layer's zero padding does not hold. Fit it with FitIntercept = false, or apply it before the layer.");
        }
        if (places.sub(perChannel).abs().max().ToDouble() > 0)
        {
            throw new NotSupportedException("The map must have one offset a channel to be folded into a 1×1 convolution, but its offsets differ between places. Fit it with OffsetPerChannel = true, or apply it before the layer.");
        }
        Tensor folded = einsum("omij,mc->ocij", weight, mixing.Channel.to_type(ScalarType.Float64));
        return (folded, weight.flatten(2).sum(2).mv(perChannel.squeeze(1)));
    }
}
