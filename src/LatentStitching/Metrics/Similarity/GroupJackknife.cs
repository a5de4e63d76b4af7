using LatentStitching.Numerics;
using MathNet.Numerics.Distributions;

namespace LatentStitching.Metrics.Similarity;

/// <summary>The delete-a-group jackknife of a similarity measure.</summary>
/// <remarks>
/// With θ₋ᵍ the value without group g of G, the variance of θ is (G − 1)/G·Σ(θ₋ᵍ − mean)², with G − 1 degrees of freedom. Leaving out whole groups also serves measures that jump, such as counts of neighbours, for
/// which leaving out single rows does not: Shao and Wu, Annals of Statistics 17 (1989).
/// </remarks>
internal sealed class GroupJackknife
{
    private const int MostGroups = 20;

    private GroupJackknife(int groups, double margin)
    {
        Groups = groups;
        Margin = margin;
    }

    public int Groups { get; }

    /// <summary>Half of the 95 % interval's width.</summary>
    public double Margin { get; }

    /// <summary>Null where the measure refuses the rows without one of the groups.</summary>
    public static GroupJackknife? Of(ISimilarityMeasure measure, Tensor x, Tensor y, ulong seed, CancellationToken cancellationToken)
    {
        long rows = x.size(0);
        int groups = (int)Math.Min(MostGroups, rows);
        long least = rows - ((rows + groups - 1) / groups);
        SimilarityInfo info = measure.Info;
        if (groups < 2 || least < info.MinimumRows || (info.NeedsMoreRowsThanColumns && least <= Math.Max(x.size(1), y.size(1)) + 1)) return null;
        using var scope = NewDisposeScope();
        using Generator generator = new(seed);
        Tensor order = randperm(rows, generator: generator).to(x.device);
        double[] values = new double[groups];
        for (int group = 0; group < groups; group++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            // Dealt like cards; the rows that stay keep their order.
            long start = rows * group / groups, end = rows * (group + 1) / groups;
            Tensor kept = cat([order.narrow(0, 0, start), order.narrow(0, end, rows - end)]).sort(0).Values;
            try
            {
                values[group] = measure.Measure(x.index_select(0, kept), y.index_select(0, kept));
            }
            catch (ArgumentException)
            {
                // Its own checks passed above and on all rows: without this group nothing varies, or a batch comes out short. The caller says so.
                return null;
            }
        }
        return new GroupJackknife(groups, StudentT.InvCDF(0, 1, groups - 1, 0.975) * Math.Sqrt(Jackknife.Variance(values)));
    }
}
