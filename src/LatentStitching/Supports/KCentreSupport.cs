using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Supports;

/// <summary>Chooses, after a random first image, always the one farthest from all chosen: no image is left far from the choice.</summary>
/// <remarks>
/// The greatest distance of any candidate to its nearest chosen one is at most twice the least possible. Outliers come first, which a map feels. Cost: one pass over the latents a choice, O(n·d).
/// Source: Gonzalez, "Clustering to minimize the maximum intercluster distance", Theoretical Computer Science 38 (1985).
/// </remarks>
public sealed class KCentreSupport : ISupportSelector
{
    /// <summary>Seed of the first image.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <inheritdoc/>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"support|by:k-centre|seed:{Seed}");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix, or the count is out of range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<long> Select(Tensor latents, int count, CancellationToken cancellationToken = default)
    {
        SupportGuard.Inputs(latents, count);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        int rows = (int)latents.size(0);
        double[] nearest = new double[rows];
        Array.Fill(nearest, double.PositiveInfinity);
        bool[] taken = new bool[rows];
        long[] chosen = new long[count];
        int next = new SplitMix64(Seed).Below(rows);
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            chosen[i] = next;
            taken[next] = true;
            if (i == count - 1) break;
            using var step = NewDisposeScope();
            Tensor centre = latents.narrow(0, next, 1).to_type(ScalarType.Float64);
            foreach ((long start, long size) in CentredMatrix.Blocks(rows, Math.Max(64, (1L << 22) / latents.size(1))))
            {
                using var block = NewDisposeScope();
                double[] distances = latents.narrow(0, start, size).to_type(ScalarType.Float64).sub(centre).square().sum([1]).cpu().data<double>().ToArray();
                for (int j = 0; j < distances.Length; j++) nearest[start + j] = Math.Min(nearest[start + j], distances[j]);
            }
            next = SupportGuard.Greatest(nearest, taken);
        }
        return chosen;
    }
}
