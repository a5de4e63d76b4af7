using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Pairing;

/// <summary>Whether the rows of pairs look paired: a permutation test of how well the source predicts the target.</summary>
/// <remarks>
/// <para>The statistic is the leave-one-out R² of ridge regression, the best of four strengths (10⁻⁴, 10⁻², 1 and 100 times the mean eigenvalue of XᵀX). It is computed for the pairs and for 99 uniformly
/// random orders of the target rows; p = (b + 1)/(m + 1), b the number of the m shuffles that do as well. One eigendecomposition of the source serves all of them, since only the target is shuffled.</para>
/// <para>So that its cost is bounded, at most 1,000 seeded rows are looked at, and of a target of more than 16 columns 16 seeded Gaussian directions, which keep its R² on average: the R² here is near
/// that of a fit on these rows, not equal to it.</para>
/// <para>It cannot see what a linear map cannot use; and a small p tells that rows are related, not that the models agree.</para>
/// <para>Source: Phipson and Smyth, "Permutation P-values Should Never Be Zero", Statistical Applications in Genetics and Molecular Biology 9 (2010), article 39.</para>
/// </remarks>
public sealed record PairCheck
{
    private const int MaxRows = 1000;
    private const int MaxDirections = 16;
    private const int ShuffleCount = 99;

    private static readonly double[] _strengths = [1e-4, 1e-2, 1, 1e2];

    /// <summary>Leave-one-out R² of the pairs, at most 1; NaN where the target does not vary.</summary>
    public required double LeaveOneOutR2 { get; init; }

    /// <summary>The largest leave-one-out R² of the shuffled pairs.</summary>
    public required double LargestShuffledR2 { get; init; }

    /// <summary>The chance that shuffled rows do as well, from 0.01 to 1.</summary>
    public required double PValue { get; init; }

    /// <summary>Number of shuffles m.</summary>
    public required int Shuffles { get; init; }

    /// <summary>Number of rows looked at.</summary>
    public required long Rows { get; init; }

    /// <summary>Whether shuffled rows would do as well with a chance of 5 % at most.</summary>
    public bool LooksPaired => PValue <= 0.05;

    /// <summary>Says what was found in one sentence.</summary>
    /// <returns>For example "These rows do not look paired: leave-one-out R² -0.002, and up to 0.004 over 99 shuffles of 1000 rows (p 0.62).".</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"These rows {(LooksPaired ? "look" : "do not look")} paired: leave-one-out R² {LeaveOneOutR2:0.000}, and up to {LargestShuffledR2:0.000} over {Shuffles} shuffles of {Rows} rows (p {PValue:0.00}).");

    internal static PairCheck Of(LatentPairs pairs, ulong seed, CancellationToken cancellationToken)
    {
        if (pairs.Count < 3) throw new ArgumentException($"pairs must hold at least three rows to leave one out, but it holds {pairs.Count}.", nameof(pairs));
        cancellationToken.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        SplitMix64 random = new(seed);
        int rows = (int)Math.Min(pairs.Count, MaxRows);
        Tensor source = pairs.Source, target = pairs.Target;
        if (pairs.Count > rows)
        {
            Tensor chosen = tensor(random.Permutation(checked((int)pairs.Count))[..rows], device: source.device);
            (source, target) = (source.index_select(0, chosen), target.index_select(0, chosen));
        }
        Tensor few = Directions(target, seed);
        List<Tensor> orders = [few];
        for (int i = 0; i < ShuffleCount; i++) orders.Add(few.index_select(0, tensor(random.Permutation(rows), device: few.device)));

        // All orders side by side are one target of (m + 1)·k columns.
        CentredMatrix x = CentredMatrix.Of(source, centre: true), y = CentredMatrix.Of(cat(orders, 1), centre: true);
        cancellationToken.ThrowIfCancellationRequested();
        var path = RidgePath.Of(x, y, intercept: true, cancellationToken);
        double total = CentredMatrix.Of(few, centre: true).SumOfSquares() * Math.Pow(rows / (rows - 1.0), 2);
        double[] r2 = new double[ShuffleCount + 1];
        Array.Fill(r2, total > 0 ? double.NegativeInfinity : double.NaN);
        foreach (double strength in path.Rank == 0 || !(total > 0) ? [] : _strengths)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            double[] errors = path.Errors(strength * path.MeanEigenvalue)[0].reshape(ShuffleCount + 1, few.size(1)).sum([1]).cpu().data<double>().ToArray();
            for (int i = 0; i < errors.Length; i++) r2[i] = Math.Max(r2[i], 1 - (errors[i] / total));
        }
        // A source without variance predicts the mean of the others for every row, in any order.
        if (path.Rank == 0 && total > 0) Array.Fill(r2, 0);
        int asGood = r2.Skip(1).Count(shuffled => !(shuffled < r2[0]));
        return new PairCheck
        {
            LeaveOneOutR2 = r2[0],
            LargestShuffledR2 = r2.Skip(1).Max(),
            PValue = (asGood + 1.0) / (ShuffleCount + 1.0),
            Shuffles = ShuffleCount,
            Rows = rows,
        };
    }

    private static Tensor Directions(Tensor target, ulong seed)
    {
        using var scope = NewDisposeScope();
        Tensor wide = target.to_type(ScalarType.Float64);
        if (wide.size(1) <= MaxDirections) return wide.MoveToOuterDisposeScope();
        using Generator generator = new(seed);
        Tensor directions = randn([wide.size(1), MaxDirections], ScalarType.Float64, generator: generator).to(wide.device);
        return wide.sub(wide.mean([0])).mm(directions).MoveToOuterDisposeScope();
    }
}
