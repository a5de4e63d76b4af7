using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>Maps whose rank is below their widths: what float64 rounding leaves of the absent directions is not inverted.</summary>
[NoTensorLeaks]
public sealed class RankDeficientMapTests
{
    public static TheoryData<string, ILatentMapFitter, long, long> Deficient() => new()
    {
        // The source has rank 12 of 40, exactly so in float32: small whole numbers.
        { "singular value decomposition", new LeastSquaresFitter(), 400, 12 },
        { "primal eigendecomposition", new RidgePathFitter(), 400, 12 },
        { "singular value decomposition, rank 11", new ReducedRankFitter(new ReducedRankOptions { Rank = 11 }), 400, 11 },
        { "primal Cholesky, rank 20", new ReducedRankFitter(new ReducedRankOptions { Rank = 20, Alpha = 5 }), 0, 20 },
        { "primal Cholesky, rank 3", new ReducedRankFitter(new ReducedRankOptions { Rank = 3, Alpha = 5 }), 400, 3 },
        // Fewer rows than columns: the centred rows span one dimension less.
        { "dual Cholesky", new LeastSquaresFitter(), 25, 24 },
        { "dual Cholesky, factored", new LeastSquaresFitter(), 10, 9 },
        { "dual Cholesky", new RidgeFitter(5), 25, 24 },
        { "dual eigendecompositions, rank 7", new ReducedRankFitter(new ReducedRankOptions { Rank = 7 }), 10, 7 },
    };

    [Theory]
    [MemberData(nameof(Deficient))]
    public void Inverse_OfAFit_InvertsNoRounding(string solver, ILatentMapFitter fitter, long rows, long rank)
    {
        using var scope = NewDisposeScope();
        // Zero rows: 400 of a source of full rank.
        Tensor x = rows == 400 ? Draws.Matrix(400, 12, 1).mul(8).round().mm(Draws.Matrix(12, 40, 2).mul(8).round()) : Draws.Matrix(rows == 0 ? 400 : rows, 40, 1);
        Tensor y = Draws.Matrix(x.size(0), 30, 3);
        using LatentPairs pairs = new(x.to_type(ScalarType.Float32), y.to_type(ScalarType.Float32));
        using LatentMapFit fit = fitter.Fit(pairs);
        fit.Report.Solver.Should().Be(solver);
        using AffineMap back = fit.Affine.Inverse(out InverseReport how), there = back.Inverse();
        (how.Method, how.Rank, fit.Affine.RankCurve().Rank).Should().Be(("pseudo-inverse", rank, rank));
        how.ConditionNumber.Should().BeLessThan(1e4);
        Tensor w = fit.Affine.Weight, inverse = back.Weight;
        w.mm(inverse).mm(w).ShouldBeCloseTo(w, 1e-12);
        inverse.ShouldBeCloseTo(linalg.pinv(w, rtol: 1e-8), 1e-10);
        there.Weight.ShouldBeCloseTo(w, 1e-10);
    }

    /// <summary>A small penalty on a source without full rank leaves rounding of ε·λ₁/α, which the map's dtype does not tell: the documented cut-off does.</summary>
    [Fact]
    public void Inverse_OfRidgeByCholesky_TakesACutOff()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(400, 12, 1).mm(Draws.Matrix(12, 40, 2));
        using LatentPairs pairs = new(x, Draws.Matrix(400, 30, 3));
        using LatentMapFit fit = new RidgeFitter(1e-3).Fit(pairs);
        using AffineMap back = fit.Affine.Inverse(out InverseReport how, 1e-6);
        (how.Rank, how.ConditionNumber < 100).Should().Be((12, true));
        using AffineMap narrow = fit.Affine.To(ScalarType.Float32), narrowBack = narrow.Inverse(out InverseReport of);
        of.Rank.Should().Be(12);
        narrowBack.Weight.ShouldBeCloseTo(back.Weight, 1e-5);
    }
}
