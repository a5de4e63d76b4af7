using LatentStitching.Numerics;

namespace LatentStitching.Data;

/// <summary>Which images fit the map, which fit the probes, and which judge both: three sets of places in an image source. Immutable.</summary>
/// <remarks>
/// <para>An image in two sets makes a result look better than it is, so sets that share images are refused unless asked for.</para>
/// <para>The sets are disjoint by image. Where one person has several pictures (CelebA), the same person may stand in two sets.</para>
/// </remarks>
public sealed class DataSplit
{
    private readonly string _origin;

    private DataSplit(int imageCount, int[] mapTrain, int[] probeTrain, int[] test, bool disjoint, string origin)
    {
        ImageCount = imageCount;
        MapTrain = Array.AsReadOnly(mapTrain);
        ProbeTrain = Array.AsReadOnly(probeTrain);
        Test = Array.AsReadOnly(test);
        IsDisjoint = disjoint;
        _origin = origin;
    }

    /// <summary>Number of images of the source that was split; some may be in no set.</summary>
    public int ImageCount { get; }

    /// <summary>Places of the images that fit the map.</summary>
    public IReadOnlyList<int> MapTrain { get; }

    /// <summary>Places of the images that fit the probes.</summary>
    public IReadOnlyList<int> ProbeTrain { get; }

    /// <summary>Places of the images on which maps and probes are judged.</summary>
    public IReadOnlyList<int> Test { get; }

    /// <summary>Whether no image is in two sets. False only where <see cref="FromIds"/> was told to allow it.</summary>
    public bool IsDisjoint { get; }

    /// <summary>Splits by numbers of images.</summary>
    /// <remarks>
    /// <para>The places 0 to imageCount − 1 are shuffled; the first mapTrain of them are the first set, and so on. The same numbers and seed give the same sets
    /// on every machine, and growing <paramref name="test"/> leaves the other two sets as they are.</para>
    /// <para>Shuffle: Fisher and Yates from the last place down; each draw is the upper half of SplitMix64 × range, with rejection, so that all orders are equally likely
    /// (<see href="https://doi.org/10.1145/2660193.2660195">Steele, Lea and Flood 2014</see>, <see href="https://doi.org/10.1145/3230636">Lemire 2019</see>).</para>
    /// </remarks>
    /// <param name="imageCount">Number of images of the source, at least 1: <c>source.Ids.Count</c>.</param>
    /// <param name="mapTrain">Number of images that fit the map, 0 or more.</param>
    /// <param name="probeTrain">Number of images that fit the probes, 0 or more.</param>
    /// <param name="test">Number of images that judge, 0 or more.</param>
    /// <param name="seed">Fixes the shuffle.</param>
    /// <returns>Three disjoint sets.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative, or there are no images.</exception>
    /// <exception cref="ArgumentException">The sets hold more images than there are, or none at all.</exception>
    public static DataSplit Create(int imageCount, int mapTrain, int probeTrain, int test, ulong seed)
    {
        Guard.Positive(imageCount);
        Guard.NotNegative(mapTrain);
        Guard.NotNegative(probeTrain);
        Guard.NotNegative(test);
        long wanted = (long)mapTrain + probeTrain + test;
        if (wanted > imageCount)
        {
            throw new ArgumentException(
                $"mapTrain + probeTrain + test must be at most the {imageCount} images, but {mapTrain} + {probeTrain} + {test} is {wanted}. Ask for fewer images, or add some.",
                nameof(imageCount));
        }
        if (wanted == 0) throw new ArgumentException("mapTrain + probeTrain + test must hold at least one image, but all three are 0.", nameof(mapTrain));

        int[] order = new SplitMix64(seed).Permutation(imageCount);
        return new DataSplit(
            imageCount,
            order[..mapTrain],
            order[mapTrain..(mapTrain + probeTrain)],
            order[(mapTrain + probeTrain)..(int)wanted],
            disjoint: true,
            $"seed {seed}");
    }

    /// <summary>Splits by shares of the images; otherwise as <see cref="Create"/>.</summary>
    /// <param name="imageCount">Number of images of the source, at least 1.</param>
    /// <param name="mapTrain">Share of the images that fit the map, from 0 to 1. Each set's size is rounded down.</param>
    /// <param name="probeTrain">Share of the images that fit the probes, from 0 to 1.</param>
    /// <param name="test">Share of the images that judge, from 0 to 1.</param>
    /// <param name="seed">Fixes the shuffle.</param>
    /// <returns>Three disjoint sets.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A share lies outside [0, 1], or there are no images.</exception>
    /// <exception cref="ArgumentException">The shares sum to more than 1, or no set holds an image.</exception>
    public static DataSplit CreateByShare(int imageCount, double mapTrain, double probeTrain, double test, ulong seed)
    {
        Share(mapTrain, nameof(mapTrain));
        Share(probeTrain, nameof(probeTrain));
        Share(test, nameof(test));
        double sum = mapTrain + probeTrain + test;
        if (sum > 1 + 1e-9)
        {
            throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"mapTrain + probeTrain + test must be at most 1, but {mapTrain} + {probeTrain} + {test} is {sum:g6}."), nameof(mapTrain));
        }
        return Create(imageCount, Size(mapTrain), Size(probeTrain), Size(test), seed);

        // 0.29 × 100 is 28.999…96 in binary.
        int Size(double share) => (int)Math.Floor((share * imageCount) + 1e-6);
    }

    /// <summary>Splits as published lists of ids say.</summary>
    /// <param name="ids">The ids of all images: <c>source.Ids</c>.</param>
    /// <param name="mapTrain">Ids of the images that fit the map, each at most once.</param>
    /// <param name="probeTrain">Ids of the images that fit the probes, each at most once.</param>
    /// <param name="test">Ids of the images that judge, each at most once.</param>
    /// <param name="allowOverlap">Whether an image may be in several sets; then <see cref="IsDisjoint"/> tells the truth. Default: no.</param>
    /// <returns>The sets, in the order of the lists.</returns>
    /// <exception cref="ArgumentException">An id is not among the images, comes twice in a set, or, unless allowed, stands in two sets.</exception>
    public static DataSplit FromIds(
        IReadOnlyList<string> ids, IReadOnlyList<string> mapTrain, IReadOnlyList<string> probeTrain, IReadOnlyList<string> test, bool allowOverlap = false)
    {
        ArgumentNullException.ThrowIfNull(ids);
        Dictionary<string, int> places = new(ids.Count, StringComparer.Ordinal);
        for (int i = 0; i < ids.Count; i++)
        {
            if (!places.TryAdd(ids[i], i)) throw new ArgumentException($"ids must differ, but '{ids[i]}' comes twice.", nameof(ids));
        }
        int[] map = Places(places, mapTrain, nameof(mapTrain));
        int[] probe = Places(places, probeTrain, nameof(probeTrain));
        int[] judge = Places(places, test, nameof(test));

        (string First, string Second, int[] Shared)[] overlaps =
        [
            (nameof(mapTrain), nameof(probeTrain), [.. map.Intersect(probe)]),
            (nameof(mapTrain), nameof(test), [.. map.Intersect(judge)]),
            (nameof(probeTrain), nameof(test), [.. probe.Intersect(judge)]),
        ];
        bool disjoint = Array.TrueForAll(overlaps, overlap => overlap.Shared.Length == 0);
        if (!disjoint && !allowOverlap)
        {
            (string first, string second, int[] shared) = overlaps.First(overlap => overlap.Shared.Length > 0);
            throw new ArgumentException(
                $"{second} must share no image with {first}, but {NameList.Of(shared.Select(place => ids[place]), shared.Length)} in both. "
                + "Results on images that were fitted on flatter; pass allowOverlap: true only to repeat a published split.",
                second);
        }
        return new DataSplit(ids.Count, map, probe, judge, disjoint, disjoint ? "from ids" : "from ids, sets overlap");
    }

    /// <summary>Says the sizes for reports, for example "5000 images: 3000 map-train, 1000 probe-train, 1000 test (seed 0)".</summary>
    /// <returns>The sizes and where the split comes from.</returns>
    public override string ToString() =>
        $"{ImageCount} images: {MapTrain.Count} map-train, {ProbeTrain.Count} probe-train, {Test.Count} test ({_origin})";

    private static int[] Places(Dictionary<string, int> places, IReadOnlyList<string> wanted, string name)
    {
        ArgumentNullException.ThrowIfNull(wanted, name);
        string[] unknown = [.. wanted.Where(id => !places.ContainsKey(id))];
        if (unknown.Length > 0)
        {
            throw new ArgumentException($"{name} must name images of the source, but {NameList.Of(unknown, unknown.Length)} not among them.", name);
        }
        int[] found = [.. wanted.Select(id => places[id])];
        HashSet<int> seen = new(found.Length);
        foreach (int place in found)
        {
            if (!seen.Add(place))
            {
                throw new ArgumentException($"{name} must name each image once, but '{wanted[Array.IndexOf(found, place)]}' comes twice.", name);
            }
        }
        return found;
    }

    private static void Share(double value, string name)
    {
        if (value is >= 0 and <= 1) return;
        throw new ArgumentOutOfRangeException(name, $"{name} must lie from 0 to 1, but it is {value}.");
    }
}
