using LatentStitching.Data;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>A control: another fitter on the same rows with the wrong partners. What a fit owes to its freedom and to chance.</summary>
/// <remarks>
/// <para>The target rows go round one random cycle through all rows (Sattolo, "An Algorithm to Generate a Random Cyclic Permutation", Information Processing Letters 22 (1986)), so that no row keeps its
/// partner. The pairs are shuffled as a whole and have no ids.</para>
/// <para>The report is that of the fitter within, with ", target rows shuffled" after its solver: its R² are those of predicting the shuffled rows.</para>
/// <para>Thread safety: as the fitter within. Cost: that of the fitter within, and a copy of the target latents.</para>
/// </remarks>
public sealed class ShuffledPairsFitter : ILatentMapFitter
{
    private readonly ILatentMapFitter _inner;
    private readonly ulong _seed;

    /// <summary>Makes a fitter.</summary>
    /// <param name="inner">The fitter to be controlled.</param>
    /// <param name="seed">Fixes the shuffle.</param>
    /// <exception cref="ArgumentNullException"><paramref name="inner"/> is null.</exception>
    public ShuffledPairsFitter(ILatentMapFitter inner, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(inner);
        _inner = inner;
        _seed = seed;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There is one pair only, or the fitter within refuses the pairs.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        if (pairs.Count < 2) throw new ArgumentException($"pairs must hold at least two rows to exchange their partners, but it holds {pairs.Count}.", nameof(pairs));
        cancellationToken.ThrowIfCancellationRequested();
        using LatentPairs shuffled = Shuffled(pairs);
        LatentMapFit fit = _inner.Fit(shuffled, progress, cancellationToken);
        return new LatentMapFit(fit.Map, fit.Report with { Solver = fit.Report.Solver + ", target rows shuffled" });
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "ridge, alpha 1, on shuffled pairs".</returns>
    public override string ToString() => $"{_inner}, on shuffled pairs";

    private LatentPairs Shuffled(LatentPairs pairs)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        long[] order = Cycle(checked((int)pairs.Count));
        return new LatentPairs(pairs.Source, pairs.Target.index_select(0, tensor(order, device: pairs.Target.device)));
    }

    private long[] Cycle(int count)
    {
        SplitMix64 random = new(_seed);
        long[] order = new long[count];
        for (int i = 0; i < count; i++) order[i] = i;
        for (int i = count - 1; i > 0; i--)
        {
            // Fisher and Yates would draw up to and with i.
            int j = random.Below(i);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }
}
