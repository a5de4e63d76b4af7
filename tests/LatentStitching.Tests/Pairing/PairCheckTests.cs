using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Pairing;

/// <summary>Pairs are told from shuffled rows, and shuffled rows are not taken for pairs more often than promised.</summary>
[NoTensorLeaks]
public sealed class PairCheckTests
{
    [Theory]
    [InlineData(60, 8, 3, 0.5)]
    [InlineData(40, 100, 30, 0.5)]
    [InlineData(1500, 20, 20, 3)]
    public void CheckPairing_PairedRows_LookPaired(long rows, long columns, long targets, double noise)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Paired(rows, columns, targets, noise, seed: 1);
        using LatentPairs pairs = new(x, y);
        PairCheck check = pairs.CheckPairing();
        check.LooksPaired.Should().BeTrue(check.ToString());
        check.Should().Match<PairCheck>(found => found.Shuffles == 99 && found.Rows == Math.Min(rows, 1000) && found.PValue == 0.01);
        check.LeaveOneOutR2.Should().BeGreaterThan(check.LargestShuffledR2);
        pairs.CheckPairing().Should().Be(check, "the seed fixes all");
        // Not by half the rows: two rows that only exchange their partners are related twice.
        using LatentPairs wrong = new(x, y.roll(3, 0));
        PairCheck off = wrong.CheckPairing();
        off.LooksPaired.Should().BeFalse(off.ToString());
        off.ToString().Should().MatchRegex(@"^These rows do not look paired: leave-one-out R² -?\d\.\d{3}, and up to -?\d\.\d{3} over 99 shuffles of \d+ rows \(p \d\.\d\d\)\.$");
    }

    [Fact]
    public void CheckPairing_UnrelatedRows_AreTakenForPairsOnceInTwentyTimes()
    {
        using var scope = NewDisposeScope();
        int wrong = 0;
        double sum = 0;
        for (ulong seed = 0; seed < 200; seed++)
        {
            using var step = NewDisposeScope();
            using Generator generator = new(seed);
            using LatentPairs pairs = new(randn([25, 3], ScalarType.Float64, generator: generator), randn([25, 2], ScalarType.Float64, generator: generator));
            PairCheck check = pairs.CheckPairing(seed);
            sum += check.PValue;
            if (check.LooksPaired) wrong++;
        }
        // Binomial(200, 0.05): more than 20 has a chance of 0.1 %.
        wrong.Should().BeLessThanOrEqualTo(20);
        (sum / 200).Should().BeApproximately(0.505, 0.08, "p is uniform on 0.01, 0.02, …, 1");
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void CheckPairing_NothingVaries_DoesNotLookPaired(double sourceScale, double targetScale)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor x = randn([30, 4], ScalarType.Float64, generator: generator);
        using LatentPairs pairs = new(x * sourceScale, x * targetScale);
        PairCheck check = pairs.CheckPairing();
        check.LooksPaired.Should().BeFalse();
        check.PValue.Should().Be(1);
    }

    [Fact]
    public void CheckPairing_LeaveOneOutR2_IsThatOfTheFit()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Paired(80, 6, 4, 0.5, seed: 2);
        using LatentPairs pairs = new(x, y);
        double mean = x.sub(x.mean([0])).square().sum().ToDouble() / 6;
        using var fit = new LatentStitching.Fitting.RidgePathFitter(new() { Alphas = [1e-4 * mean, 1e-2 * mean, mean, 100 * mean] }).Fit(pairs);
        pairs.CheckPairing().LeaveOneOutR2.Should().BeApproximately(fit.Report.LeaveOneOutR2!.Value, 1e-12);
    }

    [Fact]
    public void CheckPairing_TwoRowsOrCancelled_Throws()
    {
        using var scope = NewDisposeScope();
        using LatentPairs two = new(ones(2, 3), ones(2, 3)), three = new(ones(3, 3), ones(3, 3));
        Action few = () => two.CheckPairing();
        few.ShouldRefuse("pairs", "pairs must hold at least three rows to leave one out, but it holds 2.");
        Action cancelled = () => three.CheckPairing(0, new CancellationToken(canceled: true));
        cancelled.Should().Throw<OperationCanceledException>();
    }

    private static (Tensor X, Tensor Y) Paired(long rows, long columns, long targets, double noise, ulong seed)
    {
        using Generator generator = new(seed);
        // A falling spectrum, so that more columns than rows can be paired too.
        Tensor x = randn([rows, columns], ScalarType.Float64, generator: generator).div(arange(1, columns + 1, dtype: ScalarType.Float64));
        Tensor signal = x.mm(randn([columns, targets], ScalarType.Float64, generator: generator));
        return (x.add(5), signal + randn([rows, targets], ScalarType.Float64, generator: generator).mul(noise));
    }
}
