using LatentStitching.Numerics;
using LatentStitching.Numerics.Products;

namespace LatentStitching.Mapping.Forms;

/// <summary>W = Yᵀ(XXᵀ + αI)⁻¹X of a dual ridge fit, held as the rows it was fitted to and a factor that fits from one source share. Nothing is solved before it is applied, and W is never formed unless asked for.</summary>
/// <remarks>Float64 throughout, whatever the rows' dtype. X and Y are centred about the means that are held; they and the factor are read in place.</remarks>
internal sealed class KernelForm(RidgeFactor factor, Tensor source, Tensor sourceCentre, Tensor target, Tensor targetCentre) : LinearForm
{
    private const long Block = 1024;

    private long Count => source.size(0);

    public override string Kind => "kernel";

    public override string Text => $"kernel of {Count} rows";

    public override long SourceDimension => source.size(1);

    public override long TargetDimension => target.size(1);

    public override long FullRank => Math.Min(Count, base.FullRank);

    /// <summary>Those of the rows: the factor is the source's and not counted.</summary>
    public override long ParameterCount => source.numel() + target.numel();

    public override IReadOnlyList<(string Name, Tensor Tensor)> Tensors =>
        [("factor", factor.Lower), ("scale", factor.Scale), ("source", source), ("source_centre", sourceCentre), ("target", target), ("target_centre", targetCentre)];

    /// <summary>The same form over handles that no dispose scope frees.</summary>
    public KernelForm Kept() => new(factor.With(Handle), Handle(source), Handle(sourceCentre), Handle(target), Handle(targetCentre));

    public override LinearForm With(Func<Tensor, Tensor> change) => Explicit().With(change);

    public override LinearForm In(ScalarType dtype) => dtype == ScalarType.Float64 ? this : Explicit().In(dtype);

    public override Tensor Times(Tensor rows)
    {
        // Solve for the fewer right sides: those rows, or all targets.
        Tensor? coefficients = rows.size(0) > TargetDimension ? factor.Solve(Rows(target, targetCentre, 0, Count)) : null;
        List<Tensor> mapped = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(rows.size(0), Block))
        {
            using var scope = NewDisposeScope();
            Tensor kernel = Products(rows.narrow(0, start, size));
            mapped.Add((coefficients is null ? OfTargets(factor.Solve(kernel.t()).t()) : kernel.mm(coefficients)).MoveToOuterDisposeScope());
        }
        return cat(mapped, 0);
    }

    public override LinearForm Transposed() => Explicit().Transposed();

    public override LinearForm Scaled(double scale) => Explicit().Scaled(scale);

    public override Tensor ToDense(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        return Explicit().ToDense(dtype).MoveToOuterDisposeScope();
    }

    public override Tensor SingularValues() => Explicit().SingularValues();

    public override double? OrthogonalScale(double tolerance) => Explicit().OrthogonalScale(tolerance);

    public override (LinearForm Form, Tensor SingularValues) PseudoInverse(double relativeCut) => Explicit().PseudoInverse(relativeCut);

    /// <summary>Two factors, (L⁻¹SY)ᵀ and L⁻¹SX, or W where that takes fewer numbers.</summary>
    public override LinearForm Explicit()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        if (ParameterCount < TargetDimension * SourceDimension)
        {
            Tensor left = factor.TakeHalf(Rows(target, targetCentre, 0, Count)).t(), right = factor.TakeHalf(Rows(source, sourceCentre, 0, Count));
            return new FactoredForm(left.MoveToOuterDisposeScope(), right.MoveToOuterDisposeScope());
        }
        Tensor weight = empty(TargetDimension, SourceDimension, ScalarType.Float64, source.device);
        CentredMatrix rows = CentredMatrix.About(source, sourceCentre), targets = CentredMatrix.About(target, targetCentre);
        foreach ((long start, long size) in CentredMatrix.Blocks(TargetDimension, Block))
        {
            using var inner = NewDisposeScope();
            Product.Set(weight.narrow(0, start, size), factor.Solve(targets.ColumnsOf(start, size)).t(), rows.Operand);
        }
        return new DenseForm(weight.MoveToOuterDisposeScope());
    }

    // z·Xᵀ, [k, n], in fresh blocks: gradients to z may still need them.
    private Tensor Products(Tensor rows)
    {
        List<Tensor> products = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(Count, Block)) products.Add(rows.mm(Rows(source, sourceCentre, start, size).t()));
        return cat(products, 1);
    }

    private Tensor OfTargets(Tensor weights)
    {
        Tensor? sum = null;
        foreach ((long start, long size) in CentredMatrix.Blocks(Count, Block))
        {
            Tensor part = weights.narrow(1, start, size).mm(Rows(target, targetCentre, start, size));
            sum = sum is null ? part : sum.add(part);
        }
        return sum!;
    }

    private static Tensor Rows(Tensor values, Tensor centre, long start, long size) =>
        values.narrow(0, start, size).to(ScalarType.Float64, values.device, copy: true).sub_(centre);

    private static Tensor Handle(Tensor tensor) => tensor.alias().DetachFromDisposeScope();
}
