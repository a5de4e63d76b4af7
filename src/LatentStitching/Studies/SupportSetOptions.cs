using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Numerics;

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

    /// <summary>Chooses a support set: source latents [n, d], size and seed → that many different rows.</summary>
    /// <value>Null by default: rows drawn uniformly, each at most once. Of one seed, a small set is the beginning of a larger one.</value>
    public Func<Tensor, int, ulong, IReadOnlyList<int>>? Select { get; init; }

    /// <summary>The name of the choice, for the result.</summary>
    /// <value>Default "uniform"; to be given with <see cref="Select"/>.</value>
    public string Selection
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Selection));
    } = "uniform";

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
