namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Cosine of the angle between a latent and its reference, mean over rows: ⟨ẑᵢ, zᵢ⟩ / (‖ẑᵢ‖·‖zᵢ‖), from −1 to 1.</summary>
/// <remarks>Blind to length, and not centred: where the latents have a common offset, it is near 1 for any pair of rows. Computed in float64.</remarks>
public sealed class LatentCosine : IPerImageMetric
{
    /// <inheritdoc/>
    public MetricInfo Info { get; } = new()
    {
        Name = "latent cosine",
        Direction = MetricDirection.HigherIsBetter,
        Unit = "cosine",
        Reference = "Salton and McGill, Introduction to Modern Information Retrieval (1983), section 4.2: the cosine coefficient",
        Signature = "cosine|space:latent|centred:no|mean:rows",
    };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not a finite matrix, the shapes or devices differ, or a row is all zeros.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0) => PairedErrors.Mean(Info, Values(actual, reference), seed);

    /// <inheritdoc/>
    public IReadOnlyList<double> Measure(Tensor actual, Tensor reference) => Values(actual, reference);

    private static double[] Values(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireLatents(actual, reference);
        RequireDirection(actual, nameof(actual));
        RequireDirection(reference, nameof(reference));
        return PairedErrors.PerImage(actual, reference, static (a, b) => (Unit(a) * Unit(b)).sum([1]).clamp_(-1, 1));
    }

    // Scaled by the largest entry first, so that no square over- or underflows.
    private static Tensor Unit(Tensor rows)
    {
        Tensor scaled = rows / rows.abs().amax([1], keepdim: true);
        return scaled / scaled.square().sum([1], keepdim: true).sqrt_();
    }

    private static void RequireDirection(Tensor rows, string name)
    {
        using var scope = NewDisposeScope();
        Tensor zero = rows.detach().eq(0).all(1);
        if (!zero.any().ToBoolean()) return;
        throw new ArgumentException($"{name} must hold rows with a direction, but row {zero.to_type(ScalarType.Int32).argmax().ToInt64()} is all zeros. Leave it out.", name);
    }
}
