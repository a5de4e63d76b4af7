using LatentStitching.Numerics.Products;

namespace LatentStitching.Mapping.Forms;

/// <summary>W as it is: [target, source].</summary>
internal sealed class DenseForm(Tensor weight) : LinearForm
{
    public Tensor Weight => weight;

    public override string Kind => "dense";

    public override string Text => "dense";

    public override long SourceDimension => weight.size(1);

    public override long TargetDimension => weight.size(0);

    public override IReadOnlyList<(string Name, Tensor Tensor)> Tensors => [("weight", weight)];

    public override LinearForm With(Func<Tensor, Tensor> change) => new DenseForm(change(weight));

    public override Tensor Times(Tensor rows) => Product.Of(rows, weight.t());

    public override LinearForm Transposed() => new DenseForm(weight.t());

    public override LinearForm Scaled(double factor) => new DenseForm(weight.mul(factor));

    public override Tensor ToDense(ScalarType dtype) => weight.to_type(dtype);

    public override Tensor SingularValues() => linalg.svdvals(weight.to_type(ScalarType.Float64));

    public override double? OrthogonalScale(double tolerance) => Matrices.OrthogonalScale(weight, tolerance);

    public override (LinearForm Form, Tensor SingularValues) PseudoInverse(double relativeCut)
    {
        (Tensor inverse, Tensor values) = Matrices.PseudoInverse(weight.to_type(ScalarType.Float64), relativeCut);
        return (new DenseForm(inverse), values);
    }
}
