namespace LatentStitching.Metrics.Distribution;

/// <summary>A covariance as its rows' factor A, [n, d] with AᵀA = Σ, where they are few, else as itself; with its trace. Its tensor belongs to the dispose scope it was made in.</summary>
internal sealed class GaussianFactor
{
    private GaussianFactor(Tensor value, bool isRows, double trace)
    {
        Value = value;
        IsRows = isRows;
        Trace = trace;
    }

    /// <summary>The factor [n, d] or the covariance [d, d].</summary>
    public Tensor Value { get; }

    public bool IsRows { get; }

    public double Trace { get; }

    public static GaussianFactor Of(FeatureStatistics statistics)
    {
        if (statistics.HasRows)
        {
            Tensor rows = statistics.Factor();
            return new GaussianFactor(rows, isRows: true, rows.square().sum().ToDouble());
        }
        Tensor covariance = statistics.Covariance();
        return new GaussianFactor(covariance, isRows: false, covariance.trace().ToDouble());
    }
}
