using LatentStitching.Fitting;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Pairing;
using LatentStitching.Supports;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Supports;

[NoTensorLeaks]
public sealed class SupportSetCurveTests
{
    private static LatentPairs Pairs(int rows, ulong seed, string id, int columns = 6)
    {
        using var scope = NewDisposeScope();
        using Generator matrix = new(1), generator = new(seed);
        Tensor weight = randn([columns, 4], ScalarType.Float64, generator: matrix), source = randn([rows, columns], ScalarType.Float64, generator: generator);
        Tensor target = source.mm(weight) + 0.3 * randn([rows, 4], ScalarType.Float64, generator: generator);
        return new LatentPairs(source, target, [.. Enumerable.Range(0, rows).Select(row => $"{id}-{row}")]);
    }

    [Fact]
    public void Curve_FallsToTheFullFit_AndSaysHowManyPairsAreNeeded()
    {
        using LatentPairs train = Pairs(300, 2, "train"), test = Pairs(150, 3, "test");
        Steps<double> steps = new();
        var curve = SupportSetCurve.Measure(train, test, seed => new UniformSupport { Seed = seed }, [4, 12, 40, 120, 300], new RidgeFitter(1e-3), draws: 3, progress: steps);
        curve.Points.Select(point => point.Error.Value).Should().BeInDescendingOrder();
        SupportSetPoint last = curve.Points[^1];
        last.Excess.Value.Should().BeApproximately(0, 1e-9);
        last.Excess.Upper.Should().BeApproximately(0, 1e-9);
        using (LatentMapFit fit = new RidgeFitter(1e-3).Fit(train))
        {
            using Tensor mapped = fit.Map.Apply(test.Source);
            curve.Full.Value.Should().BeApproximately(new NormalisedLatentMse().Evaluate(mapped, test.Target).Value, 1e-12);
        }
        // One draw is the error of a map on the rows that its selector gives.
        using (LatentPairs twelve = train.Select([.. new UniformSupport { Seed = 1 }.Select(train.Source, 12)]))
        using (LatentMapFit fit = new RidgeFitter(1e-3).Fit(twelve))
        {
            using Tensor mapped = fit.Map.Apply(test.Source);
            curve.Points[1].PerDraw[1].Should().BeApproximately(new NormalisedLatentMse().Evaluate(mapped, test.Target).Value, 1e-12);
        }
        curve.Points[1].Error.Value.Should().BeApproximately(curve.Points[1].PerDraw.Average(), 1e-12);
        curve.Points.Should().OnlyContain(point => point.Error.Lower <= point.Error.Value && point.Error.Value <= point.Error.Upper);
        curve.PairsNeeded(0.2).Should().BeOneOf(40, 120);
        curve.PairsNeeded(1e-6).Should().Be(300);
        curve.PairsNeeded(1e6).Should().Be(4);
        curve.Selector.Should().Be("support|by:uniform|seed:0");
        curve.Points[0].Error.Signature.Should().Be("nmse|space:latent|variance:reference,pooled|fitted-on:support|n:150|ci:percentile-bootstrap-2000-images-and-draws");
        curve.ToString().Should().StartWith("4 pairs: ");
        steps.All.Should().HaveCount(16).And.BeInAscendingOrder();
        steps.All[^1].Should().Be(1);
        SupportSetCurve.Measure(train, test, seed => new UniformSupport { Seed = seed }, [4, 12], new RidgeFitter(1e-3), draws: 3).Points[0].Error.Should().BeEquivalentTo(curve.Points[0].Error);
    }

    [Fact]
    public void PairsNeeded_IsNull_WhereNoSizeIsEnough()
    {
        using LatentPairs train = Pairs(200, 2, "train"), test = Pairs(50, 3, "test");
        SupportSetCurve.Measure(train, test, _ => new DOptimalSupport(), [4, 5], draws: 1).PairsNeeded(0.01).Should().BeNull();
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using LatentPairs train = Pairs(30, 2, "train"), test = Pairs(10, 3, "test"), wide = Pairs(10, 3, "wide", columns: 7), one = Pairs(1, 3, "one");
        Refused(() => Measure(test: train, sizes: [3]), "test", "test must hold other images than train, but 'train-0' is in both.");
        Refused(() => Measure(wide, [3]), "test", "test must have the widths of train, but they are 10 pairs, 7 → 4 and 30 pairs, 6 → 4.");
        Refused(() => Measure(one, [3]), "test", "test must hold at least two pairs, but it holds 1.");
        Refused(() => Measure(test, []), "sizes", "sizes must hold at least one entry, but it is empty. Pass the numbers of pairs to try.");
        Refused(() => Measure(test, [3, 31]), "sizes", "sizes must lie from 1 to the 30 pairs of train, but entry 1 is 31.");
        Refused(() => Measure(test, [3, 3]), "sizes", "sizes must ascend, but 3 follows 3.");
        Refused(() => Measure(test, [3], draws: 0), "draws", "draws must be positive, but it is 0.");
        Action selector = () => SupportSetCurve.Measure(train, test, _ => null!, [3]);
        selector.ShouldRefuse("selector", "selector must give a selector for every seed, but it gave null.");
        using LatentPairs same = test.Select([0, 1]);
        using Tensor flat = ones(2, 4, ScalarType.Float64);
        using LatentPairs constant = new(same.Source, flat);
        Refused(() => Measure(constant, [3]), "test", "test must vary in the target's latent, but all of its rows are the same.");
        Action tolerance = () => Measure(test, [20]).PairsNeeded(0);
        tolerance.ShouldRefuse("tolerance", "tolerance must be positive and finite, but it is 0.");
        Action cancelled = () => SupportSetCurve.Measure(train, test, _ => new UniformSupport(), [3], cancellationToken: new CancellationToken(canceled: true));
        cancelled.Should().Throw<OperationCanceledException>();

        SupportSetCurve Measure(LatentPairs test, IReadOnlyList<int> sizes, int draws = 1) => SupportSetCurve.Measure(train, test, _ => new UniformSupport(), sizes, draws: draws);
        static void Refused(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }
}
