namespace LatentStitching.Metrics.Similarity;

/// <summary>A catalogue of the similarity measures, each kind with its usual options.</summary>
public static class SimilarityMeasures
{
    /// <summary>A measure of every kind and variant, with ids of their own.</summary>
    /// <returns>New objects; they hold no tensors.</returns>
    public static IReadOnlyList<ISimilarityMeasure> All() =>
    [
        new LinearCka(),
        new LinearCka(CkaEstimator.Biased),
        new AngularCka(),
        new RbfCka(),
        new RbfCka(estimator: CkaEstimator.Biased),
        new RbfCka(RbfBandwidth.Fixed(5)),
        new MinibatchCka(20),
        .. Enum.GetValues<CcaSummary>().Select(summary => new CanonicalCorrelation(summary)),
        new Svcca(),
        .. Enum.GetValues<PwccaSide>().Select(side => new Pwcca(side)),
        .. Enum.GetValues<ProcrustesNormalisation>().Select(normalisation => new ProcrustesDistance(normalisation)),
        new NormalisedBuresSimilarity(),
        .. from alpha in (double[])[0, 0.5, 1] from angular in (bool[])[true, false] select new ShapeMetric(alpha, angular),
        .. from distance in Enum.GetValues<RdmDistance>() from correlation in Enum.GetValues<RdmCorrelation>() select new Rsa(distance, correlation),
        .. Enum.GetValues<DistanceCorrelationEstimator>().Select(estimator => new DistanceCorrelation(estimator)),
        .. Enum.GetValues<NeighbourMetric>().Select(metric => new MutualKnn(metric: metric)),
        .. Enum.GetValues<NeighbourMetric>().Select(metric => new JaccardKnn(metric: metric)),
        new Cknna(),
        new Gulp(0),
        new Gulp(0.1),
        new LinearRegressionR2(),
        new CrossValidatedR2(),
    ];
}
