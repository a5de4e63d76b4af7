using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>Improved precision and recall: whether a feature vector lies within the ball of any vector of the other set that reaches to that one's k-th neighbour in its own set.</summary>
/// <remarks>
/// <para>Euclidean balls, their edge included; a vector is no neighbour of its own. Both shares are from 0 to 1 and grow with k and with the number of images: compare sets of one size. The intervals
/// resample the images whose share it is; the balls are held fixed.</para>
/// <para>Numerics: float64 with the reference's mean taken off. Memory: blocks of the distance matrix. Cost: (n₁² + n₂² + n₁n₂)·d, the reference's own part once for all candidates.</para>
/// <para>Source: Kynkäänniemi, Karras, Laine, Lehtinen and Aila, "Improved Precision and Recall Metric for Assessing Generative Models", NeurIPS 2019 (arXiv:1904.06991), eqs. (1) and (2).</para>
/// </remarks>
public sealed class PrecisionRecall
{
    private const long Block = 1024;
    private readonly int _neighbours;

    /// <summary>Makes the metric.</summary>
    /// <param name="neighbours">k, which neighbour a ball reaches to: at least 1, by default 3 as published.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public PrecisionRecall(int neighbours = 3) => _neighbours = Guard.AtLeast(neighbours, 1);

    /// <summary>Measures.</summary>
    /// <param name="candidate">Features of the images to judge, more than k. Not changed.</param>
    /// <param name="reference">Features of the images to judge them by, from the same extractor, more than k. Not changed.</param>
    /// <param name="seed">Seed of the intervals' resampling.</param>
    /// <returns>Both shares.</returns>
    /// <exception cref="ArgumentException">The features differ, or a set has no more than k images.</exception>
    public PrecisionRecallResult Evaluate(FeatureSet candidate, FeatureSet reference, ulong seed = 0)
    {
        FeatureSet.RequirePair(candidate, reference, _neighbours + 1);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double[] candidateRadii = Radii(candidate), referenceRadii = Radii(reference);
        Tensor ofCandidate = tensor(candidateRadii), ofReference = tensor(referenceRadii);
        Tensor inReference = zeros(candidate.Count, ScalarType.Bool), inCandidate = zeros(reference.Count, ScalarType.Bool);
        Tensor centre = reference.Values.mean([0], type: ScalarType.Float64);
        foreach ((long start, long size) in CentredMatrix.Blocks(candidate.Count, Block))
        {
            using var outer = NewDisposeScope();
            Tensor one = Centred(candidate.Values, centre, start, size);
            foreach ((long from, long width) in CentredMatrix.Blocks(reference.Count, Block))
            {
                using var inner = NewDisposeScope();
                Tensor distances = SquaredDistances(one, Centred(reference.Values, centre, from, width));
                inReference.narrow(0, start, size).logical_or_(distances.le(ofReference.narrow(0, from, width)).any(1));
                inCandidate.narrow(0, from, width).logical_or_(distances.le(ofCandidate.narrow(0, start, size).unsqueeze(1)).any(0));
            }
        }
        string count = $"{candidate.Count}/{reference.Count}";
        return new PrecisionRecallResult
        {
            Precision = PairedErrors.Mean(Info("precision", reference.Features), Shares(inReference), seed) with { Count = count },
            Recall = PairedErrors.Mean(Info("recall", reference.Features), Shares(inCandidate), seed) with { Count = count },
        };
    }

    private static double[] Shares(Tensor inside) => inside.to_type(ScalarType.Float64).data<double>().ToArray();

    private static Tensor Centred(Tensor values, Tensor centre, long start, long size) => values.narrow(0, start, size).to_type(ScalarType.Float64).sub_(centre);

    private static Tensor SquaredDistances(Tensor x, Tensor y) =>
        x.mm(y.t()).mul_(-2).add_(x.square().sum([1], keepdim: true)).add_(y.square().sum([1])).clamp_(min: 0);

    /// <summary>Squared distance of each vector to its k-th neighbour among the others.</summary>
    private double[] Radii(FeatureSet set) => set.Derived((nameof(PrecisionRecall), _neighbours), values =>
    {
        using var scope = NewDisposeScope();
        long count = values.size(0);
        double[] radii = new double[count];
        Tensor centre = values.mean([0], type: ScalarType.Float64);
        foreach ((long start, long size) in CentredMatrix.Blocks(count, Block))
        {
            using var outer = NewDisposeScope();
            Tensor one = Centred(values, centre, start, size);
            Tensor distances = empty(size, count, ScalarType.Float64);
            foreach ((long from, long width) in CentredMatrix.Blocks(count, Block))
            {
                using var inner = NewDisposeScope();
                distances.narrow(1, from, width).copy_(SquaredDistances(one, Centred(values, centre, from, width)));
            }
            distances.narrow(1, start, size).diagonal().fill_(double.PositiveInfinity);
            (Tensor nearest, _) = distances.topk(_neighbours, dim: 1, largest: false, sorted: true);
            nearest.select(1, _neighbours - 1).contiguous().data<double>().CopyTo(radii, (int)start);
        }
        return radii;
    });

    private MetricInfo Info(string share, string features) => new()
    {
        Name = share,
        Direction = MetricDirection.HigherIsBetter,
        Unit = "share of images",
        Reference = "Kynkaanniemi, Karras, Laine, Lehtinen and Aila, NeurIPS 2019 (arXiv:1904.06991)",
        Signature = $"{share}|features:{features}|k:{_neighbours}",
    };
}
