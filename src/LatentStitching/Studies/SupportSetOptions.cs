using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Numerics;
using LatentStitching.Supports;

namespace LatentStitching.Studies;

/// <summary>Options of <see cref="SupportSetStudy"/>.</summary>
public sealed record SupportSetOptions
{
    /// <summary>Sizes of the support sets, in images; those larger than the set that fits maps are left out.</summary>
    /// <value>At least one, each at least 3; default 4, 8, 16, … 4096.</value>
    public IReadOnlyList<int> Sizes
    {
        get;
        init
        {
            Guard.NotEmpty(value, "Give a number of images.", nameof(Sizes));
            foreach (int size in value) Guard.AtLeast(size, 3, nameof(Sizes));
            field = [.. value.Distinct().Order()];
        }
    } = [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

    /// <summary>Support sets of each size, each chosen by a seed of its own.</summary>
    /// <value>At least 1; default 5.</value>
    public int Repeats
    {
        get;
        init => field = Guard.Positive(value, nameof(Repeats));
    } = 5;

    /// <summary>What chooses the support sets of a repeat, given its seed. A set of each size is the beginning of the largest.</summary>
    /// <value>Default <see cref="UniformSupport"/>.</value>
    public Func<ulong, ISupportSelector> Selector
    {
        get;
        init => field = Guard.NotNull(value, nameof(Selector));
    } = seed => new UniformSupport { Seed = seed };

    /// <summary>How maps are fitted.</summary>
    /// <value>Default <see cref="RidgePathFitter"/>.</value>
    public ILatentMapFitter Fitter
    {
        get;
        init => field = Guard.NotNull(value, nameof(Fitter));
    } = new RidgePathFitter();

    /// <summary>Which images support sets are chosen from (map-train), and which judge.</summary>
    /// <value>Null by default: four fifths and a fifth, by <see cref="Seed"/>.</value>
    public DataSplit? Split { get; init; }

    /// <summary>Seed of the split, the choices and the intervals.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
