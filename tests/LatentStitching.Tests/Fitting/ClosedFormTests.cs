using FsCheck.Xunit;
using LatentStitching.Fitting;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;
using MathNet.Numerics.LinearAlgebra;

namespace LatentStitching.Tests.Fitting;

/// <summary>Identities of least squares and ridge, and a second implementation in MathNet.</summary>
[NoTensorLeaks]
public sealed class ClosedFormTests
{
    [Theory]
    [InlineData(1e0)]
    [InlineData(1e3)]
    [InlineData(1e6)]
    public void LeastSquares_ExactlyLinearPairs_RecoversTheMap(double condition)
    {
        using var scope = NewDisposeScope();
        Tensor x = Conditioned(200, 12, condition, seed: 1).add(3), w = Random(7, 12, 2), b = Random(1, 7, 3);
        Tensor y = x.mm(w.t()).add(b);
        using LatentMapFit fit = Stitcher.Fit(x, y, new LeastSquaresFitter());
        fit.Affine.Weight.ShouldBeCloseTo(w, 1e-14 * condition);
        using LatentPairs held = new(Conditioned(50, 12, condition, seed: 9).add(3), zeros(50, 7, ScalarType.Float64));
        fit.Map.Apply(held.Source).ShouldBeCloseTo(held.Source.mm(w.t()).add(b), 1e-10);
        fit.Report.TrainingR2.Should().BeApproximately(1, 1e-12);
        fit.Report.ConditionNumber.Should().BeGreaterThanOrEqualTo(condition * 0.3).And.BeLessThan(condition * 30);
    }

    [Fact]
    public void LeastSquares_IllConditioned_AgreesWithQrInMathNet()
    {
        using var scope = NewDisposeScope();
        Tensor x = Conditioned(300, 20, 1e6, seed: 4), y = Random(300, 3, 5);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new LeastSquaresFitter(new LeastSquaresOptions { FitIntercept = false }).Fit(pairs);
        Matrix<double> reference = ToMathNet(x).QR().Solve(ToMathNet(y)).Transpose();
        fit.Affine.Weight.ShouldBeCloseTo(tensor(reference.ToArray()), 1e-9);
    }

    [Property(MaxTest = 40)]
    public void Ridge_PrimalAndDual_AreOneMap(byte rows, byte columns, byte targets, ushort seed)
    {
        using var scope = NewDisposeScope();
        long n = 2 + (rows % 40), d = 1 + (columns % 40), t = 1 + (targets % 5);
        double alpha = Math.Pow(10, (seed % 7) - 3);
        Tensor x = Random(n, d, seed), y = Random(n, t, seed + 1u);
        using LatentMapFit fit = Stitcher.Fit(x, y, new RidgeFitter(alpha));
        Tensor xc = x - x.mean([0]), yc = y - y.mean([0]);
        Tensor primal = linalg.solve(xc.t().mm(xc) + eye(d, dtype: ScalarType.Float64) * alpha, xc.t().mm(yc)).t();
        Tensor dual = xc.t().mm(linalg.solve(xc.mm(xc.t()) + eye(n, dtype: ScalarType.Float64) * alpha, yc)).t();
        fit.Affine.Weight.ShouldBeCloseTo(primal, 1e-10);
        fit.Affine.Weight.ShouldBeCloseTo(dual, 1e-10);
    }

    [Theory]
    [InlineData(60, 8)]
    [InlineData(8, 60)]
    [InlineData(20, 20)]
    public void Ridge_AlphaZero_IsLeastSquares(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(rows, columns, 1), y = Random(rows, 4, 2);
        using LatentMapFit ridge = Stitcher.Fit(x, y, new RidgeFitter(0));
        using LatentMapFit plain = Stitcher.Fit(x, y, new LeastSquaresFitter());
        ridge.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 0);
        using LatentMapFit near = Stitcher.Fit(x, y, new RidgeFitter(1e-9));
        near.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-5);
    }

    [Fact]
    public void LeastSquares_MorePixelsThanRows_InterpolatesWithLeastNorm()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(15, 50, 1), y = Random(15, 4, 2);
        using LatentMapFit fit = Stitcher.Fit(x, y, new LeastSquaresFitter());
        fit.Map.Apply(x).ShouldBeCloseTo(y, 1e-12);
        fit.Report.Should().Match<FitReport>(report => report.Rank == 14 && report.Status == FitStatus.RankDeficient && report.Solver == "dual Cholesky");
        Tensor pinv = linalg.pinv(x - x.mean([0])).mm(y - y.mean([0])).t();
        fit.Affine.Weight.ShouldBeCloseTo(pinv, 1e-11);
    }

    [Fact]
    public void RidgePath_LeaveOneOut_IsTheErrorOfLeavingEachRowOut()
    {
        foreach ((long rows, long columns) in new (long, long)[] { (20, 5), (12, 30) })
        {
            using var scope = NewDisposeScope();
            Tensor x = Random(rows, columns, 6), y = Random(rows, 3, 7);
            foreach (bool intercept in (bool[])[true, false])
            {
                RidgePathOptions options = new() { Alphas = [0.01, 1, 100], FitIntercept = intercept };
                using LatentMapFit fit = Stitcher.Fit(x, y, new RidgePathFitter(options));
                foreach (RidgePathPoint point in fit.Report.Path)
                {
                    double sum = 0, total = 0;
                    for (long left = 0; left < rows; left++)
                    {
                        using var step = NewDisposeScope();
                        Tensor others = tensor(Enumerable.Range(0, (int)rows).Where(i => i != left).Select(i => (long)i).ToArray());
                        using LatentMapFit without = Stitcher.Fit(
                            x.index_select(0, others), y.index_select(0, others), new RidgeFitter(new RidgeOptions { Alpha = point.Alpha, FitIntercept = intercept }));
                        sum += (without.Map.Apply(x.narrow(0, left, 1)) - y.narrow(0, left, 1)).square().sum().ToDouble();
                        Tensor baseline = intercept ? y.index_select(0, others).mean([0]) : zeros(3, ScalarType.Float64);
                        total += (y[left] - baseline).square().sum().ToDouble();
                    }
                    point.Error.Should().BeApproximately(sum / (rows * 3), 1e-11);
                    if (point.Alpha == fit.Report.Alpha) fit.Report.LeaveOneOutR2.Should().BeApproximately(1 - (sum / total), 1e-11);
                }
            }
        }
    }

    [Fact]
    public void RidgePath_PredictableTarget_ChoosesAWeakPenalty_NoiseAStrongOne()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(100, 10, 1), w = Random(3, 10, 2);
        using LatentMapFit exact = Stitcher.Fit(x, x.mm(w.t()));
        using LatentMapFit noise = Stitcher.Fit(x, Random(100, 3, 3));
        exact.Report.Alpha.Should().BeLessThan(1e-4);
        exact.Report.LeaveOneOutR2.Should().BeApproximately(1, 1e-9);
        noise.Report.Alpha.Should().BeGreaterThan(100);
        noise.Report.LeaveOneOutR2.Should().BeLessThan(0.1);
    }

    [Fact]
    public void RidgePath_DefaultPath_DoesNotDependOnTheSourcesScale()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(80, 10, 1), y = x.mm(Random(3, 10, 2).t()) + Random(80, 3, 3);
        using LatentMapFit one = Stitcher.Fit(x, y);
        using LatentMapFit other = Stitcher.Fit(x * 1e4, y);
        other.Affine.Weight.mul(1e4).ShouldBeCloseTo(one.Affine.Weight, 1e-9);
        (other.Report.Alpha / one.Report.Alpha).Should().BeApproximately(1e8, 1);
    }

    [Fact]
    public void Fit_OneRowWithIntercept_Throws()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(ones(1, 3), ones(1, 2));
        Action least = () => new LeastSquaresFitter().Fit(pairs);
        least.Should().Throw<ArgumentException>().WithMessage("pairs must hold at least two rows for a map with an intercept, but it holds 1.*");
        Action path = () => new RidgePathFitter().Fit(pairs);
        path.Should().Throw<ArgumentException>().WithMessage("pairs must hold at least 3 rows to leave one out, but it holds 1. Use RidgeFitter with a strength of your own.*");
    }

    [Fact]
    public void RidgePath_ZeroAloneOnAnInterpolatingFit_Throws()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Random(5, 8, 1), Random(5, 2, 2));
        Action act = () => new RidgePathFitter(new RidgePathOptions { Alphas = [0] }).Fit(pairs);
        act.Should().Throw<ArgumentException>().WithMessage("pairs must determine the map where 0 is the only strength, but the source has rank 4 with 8 columns and 5 rows. Add a positive strength to Alphas.*");
    }

    [Fact]
    public void Options_OutOfRange_Throw()
    {
        Action negative = () => _ = new RidgeFitter(-1);
        negative.Should().Throw<ArgumentOutOfRangeException>().WithMessage("Alpha must be zero or more and finite, but it is -1.*");
        Action notANumber = () => _ = new RidgePathOptions { Alphas = [1, double.NaN] };
        notANumber.Should().Throw<ArgumentOutOfRangeException>().WithMessage("Alphas must be zero or more and finite, but it is NaN.*");
        Action empty = () => _ = new RidgePathOptions { Alphas = [] };
        empty.Should().Throw<ArgumentException>().WithMessage("Alphas must hold at least one entry, but it is empty. Leave it null for the default path.*");
    }

    [Fact]
    public void Fit_OverflowingMapType_IsReportedNotReturned()
    {
        using var scope = NewDisposeScope();
        // Slopes of 1e9 do not fit a half.
        Tensor x = Random(20, 2, 1).mul(1e-3).to_type(ScalarType.Float16), y = x.to_type(ScalarType.Float64).mul(1e9);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit plain = new LeastSquaresFitter().Fit(pairs), fit = new LeastSquaresFitter(new LeastSquaresOptions { MapType = ScalarType.Float16 }).Fit(pairs);
        plain.Report.Status.Should().Be(FitStatus.Succeeded, "the latents' dtype is not the map's");
        fit.Report.Status.Should().Be(FitStatus.NonFiniteResult);
        Action act = () => fit.EnsureSucceeded();
        act.Should().Throw<FitFailedException>().WithMessage("The fit gave no usable map: NonFiniteResult: 2 → 2 from 20 pairs*rescale them.").Which.Report.Should().Be(fit.Report);
    }

    private static Tensor Random(long rows, long columns, ulong seed)
    {
        using Generator generator = new(seed);
        return randn([rows, columns], ScalarType.Float64, generator: generator);
    }

    /// <summary>Singular values from 1 down to 1/condition in equal ratios, times √rows.</summary>
    private static Tensor Conditioned(long rows, long columns, double condition, ulong seed)
    {
        using var scope = NewDisposeScope();
        Tensor left = linalg.qr(Random(rows, columns, seed)).Q, right = linalg.qr(Random(columns, columns, 77)).Q;
        Tensor values = logspace(0, -Math.Log10(condition), columns, dtype: ScalarType.Float64).mul(Math.Sqrt(rows));
        return left.mul(values).mm(right).MoveToOuterDisposeScope();
    }

    private static Matrix<double> ToMathNet(Tensor matrix) =>
        Matrix<double>.Build.DenseOfRowMajor((int)matrix.size(0), (int)matrix.size(1), matrix.data<double>().ToArray());
}
