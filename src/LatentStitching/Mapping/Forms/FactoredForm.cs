using LatentStitching.Numerics.Products;

namespace LatentStitching.Mapping.Forms;

/// <summary>W = left·right with left [target, r] and right [r, source]: applied as two thin products.</summary>
internal sealed class FactoredForm(Tensor left, Tensor right) : LinearForm
{
    private const long Block = 1024;

    public Tensor Left => left;

    public Tensor Right => right;

    public long Rank => right.size(0);

    public override string Kind => "factored";

    public override string Text => $"factored, rank at most {Rank}";

    public override long SourceDimension => right.size(1);

    public override long TargetDimension => left.size(0);

    public override long FullRank => Math.Min(Rank, base.FullRank);

    public override IReadOnlyList<(string Name, Tensor Tensor)> Tensors => [("left", left), ("right", right)];

    public override LinearForm With(Func<Tensor, Tensor> change) => new FactoredForm(change(left), change(right));

    public override Tensor Times(Tensor rows) => Product.Of(Product.Of(rows, right.t()), left.t());

    public override LinearForm Transposed() => new FactoredForm(right.t(), left.t());

    public override LinearForm Scaled(double factor) => new FactoredForm(left.mul(factor), right);

    public override Tensor ToDense(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Tensor dense = zeros(TargetDimension, SourceDimension, dtype, Device), factor = right.to_type(ScalarType.Float64);
        foreach ((long start, long size) in Numerics.CentredMatrix.Blocks(TargetDimension, Block))
        {
            using var inner = NewDisposeScope();
            dense.narrow(0, start, size).copy_(left.narrow(0, start, size).to_type(ScalarType.Float64).mm(factor));
        }
        return dense.MoveToOuterDisposeScope();
    }

    public override Tensor SingularValues()
    {
        (_, Tensor core, _) = Core();
        return Padded(linalg.svdvals(core), Math.Min(TargetDimension, SourceDimension));
    }

    // Two factors are orthogonal together only by chance; the pseudo-inverse of the small core is cheap anyway.
    public override double? OrthogonalScale(double tolerance) => null;

    public override (LinearForm Form, Tensor SingularValues) PseudoInverse(double relativeCut)
    {
        (Tensor outer, Tensor core, Tensor inner) = Core();
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(core, fullMatrices: false);
        // One singular value stays even of W = 0, scaled to nothing, so that the factors have a shape.
        long rank = Math.Max(1, s.gt(relativeCut * s[0].ToDouble()).sum().ToInt64());
        Tensor kept = s.narrow(0, 0, rank);
        Tensor inverted = where(kept.gt(0), kept.reciprocal(), zeros_like(kept));
        FactoredForm inverse = new(inner.mm(vh.narrow(0, 0, rank).t()).mul(inverted), u.narrow(1, 0, rank).t().mm(outer.t()));
        return (inverse, Padded(s, Math.Min(TargetDimension, SourceDimension)));
    }

    /// <summary>W = outer·core·innerᵀ with orthonormal columns outside: what costs a singular value decomposition is only the core.</summary>
    private (Tensor Outer, Tensor Core, Tensor Inner) Core()
    {
        (Tensor outer, Tensor leftTriangle) = linalg.qr(left.to_type(ScalarType.Float64));
        (Tensor inner, Tensor rightTriangle) = linalg.qr(right.to_type(ScalarType.Float64).t());
        return (outer, leftTriangle.mm(rightTriangle.t()), inner);
    }
}
