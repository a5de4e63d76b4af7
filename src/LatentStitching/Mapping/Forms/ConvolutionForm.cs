using System.Globalization;

namespace LatentStitching.Mapping.Forms;

/// <summary>One kernel [c', c, k, k], k odd, moved over latents [c, h, w] with stride 1 and zeros outside: [c', h, w] comes out. k = 1 mixes channels, at each place alike.</summary>
/// <remarks>As in all of deep learning it is a correlation: y[o, i, j] = Σ kernel[o, m, a, b]·x[m, i + a − k/2, j + b − k/2].</remarks>
internal sealed class ConvolutionForm(Tensor kernel, long height, long width) : LinearForm
{
    public Tensor Kernel => kernel;

    public long Height => height;

    public long Width => width;

    public long Places => height * width;

    public long Size => kernel.size(2);

    /// <summary>The channels' mixing matrix [c', c] of a 1×1 kernel.</summary>
    public Tensor Channel => kernel.flatten(1);

    public override string Kind => "convolution";

    public override string Text => $"{Size}×{Size} convolution over {height}×{width}, {kernel.size(1)} → {kernel.size(0)} channels";

    public override long SourceDimension => kernel.size(1) * Places;

    public override long TargetDimension => kernel.size(0) * Places;

    public override IReadOnlyList<(string Name, Tensor Tensor)> Tensors => [("kernel", kernel)];

    public override LinearForm With(Func<Tensor, Tensor> change) => new ConvolutionForm(change(kernel), height, width);

    public override Tensor Times(Tensor rows) => Size == 1
        ? matmul(Channel, rows.reshape(rows.size(0), kernel.size(1), Places)).flatten(1)
        : nn.functional.conv2d(rows.reshape(rows.size(0), kernel.size(1), height, width), kernel, padding: [Size / 2, Size / 2]).flatten(1);

    public override LinearForm Transposed() => new ConvolutionForm(kernel.transpose(0, 1).flip(2, 3), height, width);

    public override LinearForm Scaled(double factor) => new ConvolutionForm(kernel.mul(factor), height, width);

    // A kernel with neighbours is no normal matrix where it meets the border: only the whole matrix tells its singular values.
    public override Tensor SingularValues() => Size == 1
        ? Repeated(linalg.svdvals(Channel.to_type(ScalarType.Float64)))
        : linalg.svdvals(ToDense(ScalarType.Float64));

    public override double? OrthogonalScale(double tolerance) => Size == 1 ? Matrices.OrthogonalScale(Channel, tolerance) : null;

    public override (LinearForm Form, Tensor SingularValues) PseudoInverse(double relativeCut)
    {
        if (Size > 1) return new DenseForm(ToDense(ScalarType.Float64)).PseudoInverse(relativeCut);
        (Tensor inverse, Tensor values) = Matrices.PseudoInverse(Channel.to_type(ScalarType.Float64), relativeCut);
        return (new ConvolutionForm(inverse.reshape(inverse.size(0), inverse.size(1), 1, 1), height, width), Repeated(values));
    }

    public override IEnumerable<(string Key, string Value)> Facts() =>
        [("height", height.ToString(CultureInfo.InvariantCulture)), ("width", width.ToString(CultureInfo.InvariantCulture))];

    private Tensor Repeated(Tensor values) => values.repeat_interleave(Places);
}
