using LatentStitching.Fitting;
using LatentStitching.Numerics;
using LatentStitching.Pairing;
using LatentStitching.Tests.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

/// <summary>The least leave-one-out error is found, and what was not evaluated lies within its bound, against residuals of every strength.</summary>
[NoTensorLeaks]
public sealed class LeaveOneOutSearchTests
{
    private static readonly double[] Strengths = [.. Enumerable.Range(0, 30).Select(i => Math.Pow(10, -5 + (i / 4.0)))];

    // Rows, columns, targets, decades of the source's spectrum, share of noise.
    public static TheoryData<long, long, long, double, double> Cases() => new()
    {
        { 300, 20, 5, 2, 1 },
        { 300, 20, 5, 2, 1e-6 },
        { 300, 20, 1, 0, 3 },
        { 200, 6, 40, 1, 0.5 },
        { 200, 6, 40, 1, 1e-7 },
        { 42, 40, 7, 1, 0.3 },
        { 120, 30, 4, 8, 1 },
        { 120, 30, 90, 8, 1e-3 },
        { 30, 60, 10, 1, 0.3 },
        { 20, 50, 90, 3, 0.3 },
        { 24, 24, 1, 2, 1 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Search_FindsTheLeastAndBoundsTheRest(long rows, long columns, long targets, double decades, double noise)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(rows, columns, 1).mul(logspace(0, -decades, columns, dtype: ScalarType.Float64)).mm(Draws.Orthogonal(columns, 4));
        Compare(x, x.mm(Draws.Matrix(columns, targets, 3)).add(Draws.Matrix(rows, targets, 2).mul(noise)));
    }

    [Fact]
    public void Search_UnequalLeveragesAndConstantColumns_StillFindsTheLeast()
    {
        using var scope = NewDisposeScope();
        Tensor heavy = Draws.Matrix(200, 15, 1).mul(Draws.Matrix(200, 1, 5).mul(1.5).exp()), awkward = Draws.Awkward(80, 12, 2);
        Compare(heavy, heavy.mm(Draws.Matrix(15, 6, 3)).add(Draws.Matrix(200, 6, 4).mul(5)));
        Compare(awkward, Draws.Matrix(80, 6, 4));
        Compare(Draws.Lonely(60, 4, 6), Draws.Matrix(60, 3, 8));
    }

    /// <summary>Against maps fitted without each row: what least squares says of a row of leverage one is noise, and must not be taken for an error.</summary>
    [Theory]
    [InlineData(1UL)]
    [InlineData(2UL)]
    [InlineData(3UL)]
    public void Search_RowOfLeverageOne_FindsTheLeastOfTheRefits(ulong seed)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Lonely(60, 4, seed), y = x.mm(Draws.Matrix(4, 3, seed + 10)).add(Draws.Matrix(60, 3, seed + 20).mul(0.1));
        foreach (bool intercept in (bool[])[true, false])
        {
            double[] alphas = [0, 1e-12, .. Strengths];
            RidgePath path = Path(x, y, intercept);
            var search = LeaveOneOutSearch.Run(path, alphas, CancellationToken.None);
            double[] refits = [.. alphas.Select(alpha => Draws.LeftOutError(x, y, alpha, intercept))];
            (search.Errors[0], search.Errors[1], path.Errors(0)[0, 0].ToDouble(), path.Totals(0)[0, 0].ToDouble())
                .Should().Be((double.PositiveInfinity, double.PositiveInfinity, double.PositiveInfinity, double.PositiveInfinity));
            (search.Bounds[0], search.Bounds[1]).Should().Be((0, 0));
            int least = Array.IndexOf(search.Errors, search.Errors.Min());
            least.Should().Be(Array.IndexOf(refits, refits[2..].Min()));
            for (int i = 2; i < alphas.Length; i++) Math.Abs(search.Errors[i] - refits[i]).Should().BeLessThanOrEqualTo(search.Bounds[i] + (1e-6 * refits[i]), $"alpha {alphas[i]}");
        }
    }

    [Fact]
    public void Search_OfManyRows_EvaluatesFew()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(900, 60, 1).div(arange(1, 61, ScalarType.Float64)), y = x.mm(Draws.Matrix(60, 30, 2)).add(Draws.Matrix(900, 30, 3).mul(0.3));
        RidgePath path = Path(x, y, true);
        var search = LeaveOneOutSearch.Run(path, Strengths, CancellationToken.None);
        search.Bounds.Count(bound => bound == 0).Should().BeLessThanOrEqualTo(3);
        search.Bounds.Zip(search.Errors, (bound, error) => bound / error).Max().Should().BeLessThan(0.02);
    }

    [Fact]
    public void Search_Cancelled_Stops()
    {
        using var scope = NewDisposeScope();
        RidgePath path = Path(Draws.Matrix(20, 3, 1), Draws.Matrix(20, 2, 2), true);
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        FluentActions.Invoking(() => LeaveOneOutSearch.Run(path, Strengths, cancelled.Token)).Should().Throw<OperationCanceledException>();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PathFitter_WithoutTheExactPath_GivesTheSameMapAndBounds(bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(600, 50, 1).div(arange(1, 51, ScalarType.Float64)), y = x.mm(Draws.Matrix(50, 1300, 2)).add(Draws.Matrix(600, 1300, 3).mul(0.2));
        using LatentPairs pairs = new(x, y);
        RidgePathOptions options = new() { Alphas = Strengths, FitIntercept = intercept };
        using LatentMapFit quick = new RidgePathFitter(options).Fit(pairs), exact = new RidgePathFitter(options with { ExactPath = true }).Fit(pairs);
        quick.Report.Alpha.Should().Be(exact.Report.Alpha);
        quick.Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, 0);
        quick.Report.LeaveOneOutR2.Should().BeApproximately(exact.Report.LeaveOneOutR2!.Value, 1e-12);
        quick.Report.TrainingR2.Should().BeApproximately(exact.Report.TrainingR2, 1e-12);
        quick.Report.Path.Single(point => point.Alpha == quick.Report.Alpha).ErrorBound.Should().Be(0);
        quick.Report.Path.Count(point => point.ErrorBound > 0).Should().BeGreaterThan(20);
        exact.Report.Path.Should().OnlyContain(point => point.ErrorBound == 0);
        foreach ((RidgePathPoint one, RidgePathPoint other) in quick.Report.Path.Zip(exact.Report.Path))
        {
            Math.Abs(one.Error - other.Error).Should().BeLessThanOrEqualTo(one.ErrorBound + (1e-12 * other.Error));
            one.DegreesOfFreedom.Should().Be(other.DegreesOfFreedom);
        }
    }

    private static void Compare(Tensor x, Tensor y)
    {
        foreach (bool intercept in (bool[])[true, false])
        {
            RidgePath path = Path(x, y, intercept);
            double[] alphas = path.IsDetermined ? [0, .. Strengths] : Strengths;
            double[][] expected = [.. alphas.Select(alpha => path.Errors(alpha).sum([1]).data<double>().ToArray())];
            var search = LeaveOneOutSearch.Run(path, alphas, CancellationToken.None);
            int least = 0;
            for (int i = 1; i < alphas.Length; i++)
            {
                if (expected[i][0] < expected[least][0]) least = i;
            }
            search.Bounds[least].Should().Be(0);
            for (int i = 0; i < alphas.Length; i++)
            {
                if (double.IsFinite(expected[i][0]))
                {
                    // The direct way, too, has its rounding.
                    Math.Abs(search.Errors[i] - expected[i][0]).Should().BeLessThanOrEqualTo(search.Bounds[i] + (1e-9 * expected[i][0]), $"alpha {alphas[i]}");
                    (search.Errors[i] + (1e-9 * expected[i][0])).Should().BeGreaterThanOrEqualTo(expected[least][0]);
                }
                search.Training[i].Should().BeApproximately(expected[i][1], (search.Bounds[i] == 0 ? 1e-9 : 1e-6) * expected[i][1]);
            }
        }
    }

    private static RidgePath Path(Tensor x, Tensor y, bool intercept) => RidgePath.Of(CentredMatrix.Of(x, intercept), CentredMatrix.Of(y, intercept), intercept, CancellationToken.None);
}
