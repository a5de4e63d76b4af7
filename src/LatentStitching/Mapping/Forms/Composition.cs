namespace LatentStitching.Mapping.Forms;

/// <summary>The product W₂W₁ of two forms in the smallest form that holds it exactly.</summary>
internal static class Composition
{
    /// <summary>Both in one dtype; the result belongs to the open scope.</summary>
    public static LinearForm Of(LinearForm next, LinearForm first) => (next, first) switch
    {
        (FactoredForm outer, FactoredForm inner) when inner.Rank < outer.Rank => Outside(outer, inner),
        (FactoredForm outer, _) => new FactoredForm(outer.Left, first.Transposed().Times(outer.Right)),
        (_, FactoredForm inner) => Outside(next, inner),
        // Zeros outside stay zeros through a 1×1 kernel, so one of the two kernels may have neighbours, not both.
        (ConvolutionForm outer, ConvolutionForm inner) when outer.Places == inner.Places && outer.Height == inner.Height && Math.Min(outer.Size, inner.Size) == 1 =>
            new ConvolutionForm(Kernel(outer, inner), outer.Height, outer.Width),
        (KroneckerForm outer, KroneckerForm inner) when outer.Space.size(1) == inner.Space.size(0) =>
            new KroneckerForm(outer.Space.mm(inner.Space), outer.Channel.mm(inner.Channel)),
        (KroneckerForm outer, ConvolutionForm { Size: 1 } inner) when outer.Space.size(1) == inner.Places => new KroneckerForm(outer.Space, outer.Channel.mm(inner.Channel)),
        (ConvolutionForm { Size: 1 } outer, KroneckerForm inner) when inner.Space.size(0) == outer.Places => new KroneckerForm(inner.Space, outer.Channel.mm(inner.Channel)),
        (BlockForm outer, BlockForm inner) when Matched(outer, inner) is { } parts => new BlockForm(parts, inner.SourceDimension, outer.TargetDimension),
        (DenseForm outer, _) => new DenseForm(first.Transposed().Times(outer.Weight)),
        _ => new DenseForm(next.Times(first.ToDense(first.Dtype).t()).t()),
    };

    private static FactoredForm Outside(LinearForm next, FactoredForm inner) => new(next.Times(inner.Left.t()).t(), inner.Right);

    private static Tensor Kernel(ConvolutionForm outer, ConvolutionForm inner) => outer.Size == 1
        ? einsum("om,mcij->ocij", outer.Channel, inner.Kernel)
        : einsum("omij,mc->ocij", outer.Kernel, inner.Channel);

    // Every block of the second takes just what one block of the first gives.
    private static List<BlockForm.Part>? Matched(BlockForm outer, BlockForm inner)
    {
        List<BlockForm.Part> parts = [];
        foreach (BlockForm.Part after in outer.Parts)
        {
            BlockForm.Part? before = inner.Parts.FirstOrDefault(part => part.TargetOffset == after.SourceOffset && part.Form.TargetDimension == after.Form.SourceDimension);
            if (before is null) return null;
            parts.Add(new BlockForm.Part(Of(after.Form, before.Form), before.SourceOffset, after.TargetOffset));
        }
        return parts;
    }
}
