namespace LatentStitching.Mapping.Forms;

/// <summary>W = channel ⊗ space on latents [c, places]: y[o, q] = Σ channel[o, m]·space[q, p]·x[m, p].</summary>
internal sealed class KroneckerForm(Tensor space, Tensor channel) : LinearForm
{
    public Tensor Space => space;

    public Tensor Channel => channel;

    public override string Kind => "kronecker";

    public override string Text => $"Kronecker, {space.size(1)} → {space.size(0)} places ⊗ {channel.size(1)} → {channel.size(0)} channels";

    public override long SourceDimension => checked(channel.size(1) * space.size(1));

    public override long TargetDimension => checked(channel.size(0) * space.size(0));

    public override long FullRank => Math.Min(space.size(0), space.size(1)) * Math.Min(channel.size(0), channel.size(1));

    public override IReadOnlyList<(string Name, Tensor Tensor)> Tensors => [("space", space), ("channel", channel)];

    public override LinearForm With(Func<Tensor, Tensor> change) => new KroneckerForm(change(space), change(channel));

    public override Tensor Times(Tensor rows)
    {
        Tensor image = rows.reshape(rows.size(0), channel.size(1), space.size(1));
        // The product that leaves the fewer numbers goes first.
        Tensor mapped = channel.size(0) <= channel.size(1)
            ? matmul(channel, image).matmul(space.t())
            : matmul(channel, image.matmul(space.t()));
        return mapped.flatten(1);
    }

    public override LinearForm Transposed() => new KroneckerForm(space.t(), channel.t());

    public override LinearForm Scaled(double factor) => new KroneckerForm(space, channel.mul(factor));

    public override Tensor SingularValues() => Products(linalg.svdvals(space.to_type(ScalarType.Float64)), linalg.svdvals(channel.to_type(ScalarType.Float64)));

    // (A ⊗ B)⁺ = A⁺ ⊗ B⁺, so transposes of both will do even where one is wide and the other tall.
    public override double? OrthogonalScale(double tolerance) => Matrices.OrthogonalScale(channel, tolerance) * Matrices.OrthogonalScale(space, tolerance);

    public override (LinearForm Form, Tensor SingularValues) PseudoInverse(double relativeCut)
    {
        (Tensor spaceInverse, Tensor spaceValues) = Matrices.PseudoInverse(space.to_type(ScalarType.Float64), relativeCut);
        (Tensor channelInverse, Tensor channelValues) = Matrices.PseudoInverse(channel.to_type(ScalarType.Float64), relativeCut);
        Tensor products = Products(spaceValues, channelValues);
        double cut = relativeCut * spaceValues[0].ToDouble() * channelValues[0].ToDouble();
        double least = Matrices.Least(spaceValues, relativeCut) * Matrices.Least(channelValues, relativeCut);
        // Two small values that each stay may have a product that must go: then the pseudo-inverse is no product any more.
        return least > cut || cut == 0 ? (new KroneckerForm(spaceInverse, channelInverse), products) : new DenseForm(ToDense(ScalarType.Float64)).PseudoInverse(relativeCut);
    }

    private Tensor Products(Tensor spaceValues, Tensor channelValues) =>
        Padded(outer(spaceValues, channelValues).flatten().sort(descending: true).Values, Math.Min(TargetDimension, SourceDimension));
}
