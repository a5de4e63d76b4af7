using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Supports;

/// <summary>Chooses images at random, those that weigh most in a least-squares fit more often.</summary>
/// <remarks>
/// The leverage of a row is the squared length of its row of U in the decomposition UΣVᵀ of the centred latents, cut to the leading components; rows are drawn without replacement with probability in proportion, by the keys
/// ln(u)/leverage. Sources: Mahoney and Drineas, "CUR matrix decompositions for improved data analysis", PNAS 106 (2009); Efraimidis and Spirakis, Information Processing Letters 97 (2006).
/// </remarks>
public sealed class LeverageSupport : ISupportSelector
{
    /// <summary>How many leading components count; no more than there are.</summary>
    /// <value>Positive; default 64.</value>
    public int Components
    {
        get;
        init => field = Guard.Positive(value, nameof(Components));
    } = 64;

    /// <summary>Seed of the draws and of the randomised decomposition.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <inheritdoc/>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"support|by:leverage|components:{Components}|seed:{Seed}");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix, or the count is out of range.</exception>
    public IReadOnlyList<long> Select(Tensor latents, int count, CancellationToken cancellationToken = default)
    {
        SupportGuard.Inputs(latents, count);
        double[] leverages = Leverages(latents);
        SplitMix64 random = new(Seed);
        double[] keys = new double[leverages.Length];
        // A row without leverage comes last, but in an order of its own.
        for (int row = 0; row < keys.Length; row++) keys[row] = Math.Log(SupportGuard.Uniform(ref random)) / Math.Max(leverages[row], 1e-12);
        cancellationToken.ThrowIfCancellationRequested();
        return [.. Enumerable.Range(0, keys.Length).OrderByDescending(row => keys[row]).Take(count).Select(row => (long)row)];
    }

    /// <summary>The leverage of each row, from 0 to 1; they sum to the number of components.</summary>
    internal double[] Leverages(Tensor latents)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        long components = Math.Min(Components, Math.Min(latents.size(0) - 1, latents.size(1)));
        if (components == 0) return new double[latents.size(0)];
        Tensor rows = CentredMatrix.Of(latents, centre: true).Whole();
        (Tensor basis, Tensor singular) = PrincipalSubspace.Find(rows, components, Seed);
        long rank = singular.gt(singular[0].mul(1e-10)).sum().ToInt64();
        if (rank == 0) return new double[latents.size(0)];
        Tensor left = rows.mm(basis.narrow(0, 0, rank).t()).div(singular.narrow(0, 0, rank));
        return left.square().sum([1]).cpu().data<double>().ToArray();
    }
}
