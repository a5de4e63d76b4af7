namespace LatentStitching.Mapping.Forms;

/// <summary>Forms with rows or columns multiplied, and products that become factors where those are smaller. Float64; the results belong to the open scope.</summary>
internal static class ScaledForm
{
    /// <summary>W·diag(factors): factors and blocks stay what they are, all else becomes dense.</summary>
    public static LinearForm OfSource(LinearForm form, Tensor factors) => form switch
    {
        FactoredForm own => new FactoredForm(own.Left, own.Right.mul(factors)),
        BlockForm own => Blocks(own, part => OfSource(part.Form, factors.narrow(0, part.SourceOffset, part.Form.SourceDimension))),
        _ => new DenseForm(form.ToDense(form.Dtype).mul(factors)),
    };

    /// <summary>diag(factors)·W.</summary>
    public static LinearForm OfTarget(LinearForm form, Tensor factors) => form switch
    {
        FactoredForm own => new FactoredForm(own.Left.mul(factors.unsqueeze(1)), own.Right),
        BlockForm own => Blocks(own, part => OfTarget(part.Form, factors.narrow(0, part.TargetOffset, part.Form.TargetDimension))),
        _ => new DenseForm(form.ToDense(form.Dtype).mul(factors.unsqueeze(1))),
    };

    /// <summary>W₂W₁ in factors or dense, whichever takes fewer numbers.</summary>
    public static LinearForm Product(LinearForm next, LinearForm first)
    {
        long source = first.SourceDimension, target = next.TargetDimension, between = first.TargetDimension;
        LinearForm product = next is DenseForm outer && first is DenseForm inner && Smaller(between) ? new FactoredForm(outer.Weight, inner.Weight) : Composition.Of(next, first);
        return product is FactoredForm factors && !Smaller(factors.Rank) ? new DenseForm(factors.Left.mm(factors.Right)) : product;

        bool Smaller(long rank) => rank * (source + target) < source * target;
    }

    private static BlockForm Blocks(BlockForm form, Func<BlockForm.Part, LinearForm> change) =>
        new(form.Parts.Select(part => new BlockForm.Part(change(part), part.SourceOffset, part.TargetOffset)), form.SourceDimension, form.TargetDimension);
}
