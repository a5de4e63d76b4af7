using System.Runtime.CompilerServices;
using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="ReducedRankPathFitter"/>.</summary>
public sealed record ReducedRankPathOptions
{
    /// <summary>The penalty α on ‖W‖²_F, in squared source units, not divided by the number of pairs; the same for every rank and fold.</summary>
    /// <value>Zero or more; default 0.</value>
    public double Alpha
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Alpha));
    }

    /// <summary>Whether the penalty is chosen: of the default path of <see cref="RidgePathFitter"/> the one whose map of full rank has the least exact leave-one-out error over all pairs. Every rank and fold then has it.</summary>
    /// <value>Default false: <see cref="Alpha"/> is the penalty. With it <see cref="Alpha"/> stays 0. It is for few pairs: without a penalty, no more pairs than source columns are passed through whatever they say.</value>
    public bool ChooseAlpha { get; init; }

    /// <summary>Into how many parts the pairs are cut; each is predicted from the others.</summary>
    /// <value>From 2 to 100; default 5.</value>
    public int Folds
    {
        get;
        init => field = Parts(value);
    } = 5;

    /// <summary>Seed of the shuffle that deals the pairs to the folds.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>Whether the map has an offset, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    private static int Parts(int value, [CallerMemberName] string name = "") =>
        value is >= 2 and <= 100 ? value : throw new ArgumentOutOfRangeException(name, $"{name} must lie from 2 to 100, but it is {value}.");
}
