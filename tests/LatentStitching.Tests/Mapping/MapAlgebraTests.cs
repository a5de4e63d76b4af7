using LatentStitching.Mapping;
using LatentStitching.Tests.Support;
using MathNet.Numerics.LinearAlgebra.Double;

namespace LatentStitching.Tests.Mapping;

[NoTensorLeaks]
public sealed class MapAlgebraTests
{
    public static TheoryData<string> Forms() => [.. MapForms.All];

    public static TheoryData<string, string> Pairs()
    {
        TheoryData<string, string> pairs = [];
        foreach (string first in MapForms.All)
        {
            foreach (string second in MapForms.All) pairs.Add(first, second);
        }
        return pairs;
    }

    private static Tensor Normal(ulong seed, params long[] shape) => MapForms.Normal(seed, shape);

    private static Tensor Orthogonal(ulong seed, long size) => linalg.qr(Normal(seed, size, size)).Q;

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Then_OfAnyTwoForms_IsOneAfterTheOther(string one, string two)
    {
        using var scope = NewDisposeScope();
        using AffineMap first = MapForms.Make(one, 1, 3, 2), second = MapForms.Make(two, 2, 2, 3), both = first.Then(second);
        Tensor z = Normal(5, 7, 60), w = Normal(6, 2, 60);
        both.Apply(z).ShouldBeCloseTo(second.Apply(first.Apply(z)), 1e-13);
        both.PullBack(w).ShouldBeCloseTo(first.PullBack(second.PullBack(w)), 1e-13);
    }

    [Theory]
    [InlineData("factored", "3×3", "factored, rank at most 3")]
    [InlineData("dense", "factored", "factored, rank at most 3")]
    [InlineData("factored", "factored", "factored, rank at most 3")]
    [InlineData("1×1", "1×1", "1×1 convolution over 4×5, 3 → 3 channels")]
    [InlineData("1×1", "3×3", "3×3 convolution over 4×5, 3 → 3 channels")]
    [InlineData("5×5", "1×1", "5×5 convolution over 4×5, 3 → 3 channels")]
    [InlineData("kronecker", "1×1", "Kronecker, 20 → 20 places ⊗ 3 → 3 channels")]
    [InlineData("1×1", "kronecker", "Kronecker, 20 → 20 places ⊗ 3 → 3 channels")]
    [InlineData("kronecker", "kronecker", "Kronecker, 20 → 20 places ⊗ 3 → 3 channels")]
    [InlineData("3×3", "3×3", "dense")]
    [InlineData("blocks", "blocks", "2 blocks: 20 → 20 dense; 40 → 40 1×1 convolution over 4×5, 2 → 2 channels")]
    public void Then_KeepsTheForm(string one, string two, string form)
    {
        using AffineMap first = MapForms.Make(one, 1, 3, 2), second = MapForms.Make(two, 2, 2, 3), both = first.Then(second);
        both.Form.Should().Be(form);
    }

    [Fact]
    public void Then_TwoFactored_TakesTheLowerRank()
    {
        using var scope = NewDisposeScope();
        using AffineMap thin = AffineMap.Factored(Normal(1, 6, 1), Normal(2, 1, 5)), thick = AffineMap.Factored(Normal(3, 4, 3), Normal(4, 3, 6));
        using AffineMap both = thin.Then(thick);
        both.Form.Should().Be("factored, rank at most 1");
        both.Weight.ShouldBeCloseTo(thick.Weight.mm(thin.Weight), 1e-14);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Inverse_AnyForm_FulfilsPenroses4Conditions(string form)
    {
        foreach ((long channels, long outputs) in ((long, long)[])[(3, 2), (2, 3), (2, 2)])
        {
            using var scope = NewDisposeScope();
            using AffineMap map = MapForms.Make(form, 4, channels, outputs), back = map.Inverse(out InverseReport how);
            Tensor w = map.Weight, p = back.Weight;
            double tolerance = 1e-14 * how.ConditionNumber;
            w.mm(p).mm(w).ShouldBeCloseTo(w, tolerance);
            p.mm(w).mm(p).ShouldBeCloseTo(p, tolerance);
            w.mm(p).ShouldBeCloseTo(w.mm(p).t(), tolerance);
            p.mm(w).ShouldBeCloseTo(p.mm(w).t(), tolerance);
            how.Rank.Should().Be(map.RankCurve().Rank);
            how.ConditionNumber.Should().BeApproximately(map.RankCurve().ConditionNumber, 1e-8 * how.ConditionNumber);
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Inverse_ThereAndBack_IsTheProjectionOntoTheRowSpace(string form)
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make(form, 4), back = map.Inverse(out InverseReport how);
        Tensor z = Normal(5, 6, 60), y = Normal(6, 6, 40);
        Tensor once = back.Apply(map.Apply(z));
        double tolerance = 1e-13 * how.ConditionNumber;
        back.Apply(map.Apply(once)).ShouldBeCloseTo(once, tolerance);
        // What is lost is orthogonal to every row of W, and the map cannot tell the two apart.
        map.Transport(z - once).abs().max().ToDouble().Should().BeLessThan(tolerance * 100);
        map.Apply(once).ShouldBeCloseTo(map.Apply(z), tolerance);
        Tensor reached = map.Apply(back.Apply(y));
        map.Apply(back.Apply(reached)).ShouldBeCloseTo(reached, tolerance);
    }

    [Theory]
    [InlineData("dense")]
    [InlineData("1×1")]
    [InlineData("kronecker")]
    [InlineData("blocks")]
    public void Inverse_OfTheInverse_IsTheMap(string form)
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make(form, 4, 2, 2), back = map.Inverse(out InverseReport how), again = back.Inverse();
        how.Method.Should().Be("inverse");
        again.Weight.ShouldBeCloseTo(map.Weight, 1e-14 * how.ConditionNumber);
        again.Bias.ShouldBeCloseTo(map.Bias, 1e-13 * how.ConditionNumber);
        again.Form.Should().Be(map.Form);
        back.Form.Should().Be(map.Form);
        map.CycleError(back, Normal(5, 6, 40)).Should().BeLessThan(1e-25 * how.ConditionNumber * how.ConditionNumber);
    }

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float32)]
    public void Inverse_Orthogonal_IsTheTransposeBitByBit(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Tensor q = Orthogonal(1, 64).to_type(dtype), bias = Normal(2, 64).to_type(dtype);
        using AffineMap map = new(q, bias), back = map.Inverse(out InverseReport how);
        back.Weight.eq(q.t()).all().ToBoolean().Should().BeTrue();
        (how.Method, how.Rank, how.ConditionNumber).Should().Be(("transpose", 64, 1));
        Tensor z = Normal(3, 5, 64);
        back.Apply(map.Apply(z)).ShouldBeCloseTo(z, dtype == ScalarType.Float64 ? 1e-14 : 1e-6);
        how.ToString().Should().Be("transpose of rank 64, condition number 1");
    }

    /// <summary>A rotation rounded to half precision is still one; a matrix a tenth off is not, and its transpose would be a tenth off as its inverse.</summary>
    [Theory]
    [InlineData(ScalarType.Float16, 0.02)]
    [InlineData(ScalarType.BFloat16, 0.1)]
    public void Inverse_HalfPrecision_IsTheTransposeOfRotationsOnly(ScalarType dtype, double off)
    {
        using var scope = NewDisposeScope();
        foreach (long size in (long[])[2, 16, 64])
        {
            using AffineMap map = new(Orthogonal(1, size).to_type(dtype)), back = map.Inverse(out InverseReport how);
            how.Method.Should().Be("transpose");
            Tensor stretch = ones(size, ScalarType.Float64);
            stretch[0] = 1 + off;
            using AffineMap other = new(Orthogonal(1, size).mul(stretch).to_type(dtype)), inverse = other.Inverse(out how, 0.01);
            how.Method.Should().Be("inverse");
            other.Weight.to_type(ScalarType.Float64).mm(inverse.Weight.to_type(ScalarType.Float64)).ShouldBeCloseTo(eye(size, dtype: ScalarType.Float64), off / 4);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float16, 2e-2)]
    [InlineData(ScalarType.BFloat16, 2e-1)]
    [InlineData(ScalarType.Float32, 1e-5)]
    public void Algebra_EveryType_KeepsTheMaps(ScalarType dtype, double tolerance)
    {
        foreach (string form in MapForms.OfAnyType)
        {
            using var scope = NewDisposeScope();
            using AffineMap map = MapForms.Make(form, 4, dtype: dtype), back = map.Inverse(out InverseReport how, 0.02), both = map.Then(back);
            (back.Bias.dtype, both.Bias.dtype, both.Weight.dtype).Should().Be((dtype, dtype, dtype));
            how.Rank.Should().BePositive();
            how.ConditionNumber.Should().BeLessThan(50);
            map.RankCurve().SingularValues.Should().HaveCount(40);
            Tensor p = both.Weight.to_type(ScalarType.Float64);
            p.mm(p).ShouldBeCloseTo(p, tolerance, $"{form} gives a projection");
        }
    }

    [Fact]
    public void Inverse_ScaledOrSemiOrthogonal_IsTheScaledTranspose()
    {
        using var scope = NewDisposeScope();
        Tensor q = Orthogonal(1, 6), r = Orthogonal(2, 5);
        foreach (Tensor weight in (Tensor[])[q * 3, q.narrow(0, 0, 4) * 0.01, q.narrow(1, 0, 4) * 1e6])
        {
            using AffineMap map = new(weight), back = map.Inverse(out InverseReport how);
            how.Method.Should().Be("transpose");
            how.Rank.Should().Be(weight.shape.Min());
            back.Weight.ShouldBeCloseTo(linalg.pinv(weight), 1e-14);
        }
        using AffineMap product = AffineMap.Kronecker(q.narrow(0, 0, 4), r.narrow(1, 0, 2) * 2), undone = product.Inverse(out InverseReport of);
        (of.Method, of.Rank).Should().Be(("transpose", 8));
        undone.Weight.ShouldBeCloseTo(linalg.pinv(product.Weight), 1e-14);
        using AffineMap mixing = AffineMap.Convolution(q.reshape(6, 6, 1, 1), 3, 3), unmixed = mixing.Inverse(out of);
        (of.Method, of.Rank, unmixed.Form).Should().Be(("transpose", 54, "1×1 convolution over 3×3, 6 → 6 channels"));
        using AffineMap first = new(q), second = new(r), blocks = AffineMap.Blocks(first, second), apart = blocks.Inverse(out of);
        (of.Method, of.Rank).Should().Be(("transpose", 11));
        apart.Weight.ShouldBeCloseTo(blocks.Weight.t(), 0);
        // Orthogonal up to 1e-6 is orthogonal in float32, and not in float64.
        using AffineMap near = new(q + (Normal(3, 6, 6) * 1e-7)), rounded = near.Inverse(out of);
        of.Method.Should().Be("inverse");
        using AffineMap single = new((q + (Normal(3, 6, 6) * 1e-7)).to_type(ScalarType.Float32)), back32 = single.Inverse(out of);
        of.Method.Should().Be("transpose");
    }

    /// <summary>Rounding in a rotation grows with its width, and so does what is taken for rounding.</summary>
    [Fact]
    public void Inverse_WideRotation_MayBeOffBySqrtOfItsWidth()
    {
        using var scope = NewDisposeScope();
        const double Epsilon = 2.220446049250313e-16;
        foreach ((long width, double off, string method) in ((long, double, string)[])[(4096, 50, "transpose"), (4096, 100, "pseudo-inverse"), (64, 50, "pseudo-inverse")])
        {
            Tensor rows = linalg.qr(Normal(1, width, 2)).Q.t().mul(tensor(new[] { 1 + (off / 2 * Epsilon), 1 - (off / 2 * Epsilon) }).unsqueeze(1));
            using AffineMap map = new(rows), back = map.Inverse(out InverseReport how);
            how.Method.Should().Be(method, "width {0}, off by {1}", width, off);
        }
    }

    [Fact]
    public void Inverse_LowRank_CutsWhatIsRounding()
    {
        using var scope = NewDisposeScope();
        Tensor low = Normal(1, 8, 3).mm(Normal(2, 3, 8));
        using AffineMap map = new(low, Normal(3, 8)), back = map.Inverse(out InverseReport how);
        (how.Method, how.Rank).Should().Be(("pseudo-inverse", 3));
        back.Weight.ShouldBeCloseTo(linalg.pinv(low), 1e-12);
        how.CutOff.Should().BeApproximately(8 * 2.220446049250313e-16 * map.RankCurve().SingularValues[0], 1e-25);
        using AffineMap two = map.Inverse(out how, map.RankCurve().SingularValues[2] / map.RankCurve().SingularValues[0] * 1.0000001);
        how.Rank.Should().Be(2);
        using AffineMap nothing = new(zeros(3, 4)), still = nothing.Inverse(out how);
        (how.Rank, how.ConditionNumber).Should().Be((0, double.PositiveInfinity));
        still.Weight.abs().max().ToDouble().Should().Be(0);
        still.WeightShape.Should().Equal(4, 3);
        using AffineMap none = AffineMap.Factored(zeros(3, 1), zeros(1, 4)), back0 = none.Inverse(out how);
        how.Rank.Should().Be(0);
        back0.Weight.abs().max().ToDouble().Should().Be(0);
    }

    // Two singular values that stay in their factors, with a product that falls below the cut-off: no Kronecker product is the pseudo-inverse then.
    [Fact]
    public void Inverse_KroneckerPartedByTheCutOff_IsTheMatrixs()
    {
        using var scope = NewDisposeScope();
        Tensor thin = tensor(new double[,] { { 1, 0 }, { 0, 0.1 } });
        using AffineMap map = AffineMap.Kronecker(thin, thin), back = map.Inverse(out InverseReport how, 0.05);
        (how.Rank, back.Form).Should().Be((3, "dense"));
        back.Weight.ShouldBeCloseTo(diag(tensor([1, 10, 10, 0.0])), 1e-14);
        using AffineMap first = new(thin), second = new(thin * 0.01), blocks = AffineMap.Blocks(first, second), apart = blocks.Inverse(out how, 0.005);
        how.Rank.Should().Be(3);
        apart.Weight.ShouldBeCloseTo(diag(tensor([1, 10, 100, 0.0])), 1e-14);
    }

    [Fact]
    public void CycleError_IsTheShareOfTheVarianceThatIsLost()
    {
        using var scope = NewDisposeScope();
        Tensor z = Normal(1, 50, 4) + 7;
        using AffineMap drop = new(eye(4, dtype: ScalarType.Float64).narrow(0, 0, 3)), back = drop.Inverse();
        double lost = z.narrow(1, 3, 1).square().sum().ToDouble(), all = (z - z.mean([0], keepdim: true)).square().sum().ToDouble();
        drop.CycleError(back, z).Should().BeApproximately(lost / all, 1e-13);
        drop.CycleError(back, z.to_type(ScalarType.Float32)).Should().BeApproximately(lost / all, 1e-5);
        double.IsNaN(drop.CycleError(back, ones(3, 4, ScalarType.Float64))).Should().BeTrue();
        // A return to the latents' mean is as good as none.
        using AffineMap mean = new(zeros(4, 3, ScalarType.Float64), z.mean([0]));
        drop.CycleError(mean, z).Should().BeApproximately(1, 1e-12);
        ((Action)(() => drop.CycleError(drop, z))).ShouldRefuse("back", "back must map 3 columns to 4, the other way round from this map, but it maps 4 to 3.");
        ((Action)(() => drop.CycleError(back, z.narrow(0, 0, 1)))).ShouldRefuse("latents", "latents must hold at least two rows, for their variance is what the error is measured by, but it holds 1.");
        ((Action)(() => drop.CycleError(back, Normal(1, 3, 5)))).ShouldRefuse("latents", "latents must have 4 columns, the latent width of the map's source, but its shape is [3, 5].");
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void RankCurve_AnyForm_HasTheSingularValuesOfMathNet(string form)
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make(form, 3);
        double[] values = map.Weight.contiguous().data<double>().ToArray();
        double[] expected = [.. DenseMatrix.Build.DenseOfRowMajor(40, 60, values).Svd(computeVectors: false).S];
        MapSpectrum spectrum = map.RankCurve();
        spectrum.SingularValues.Should().HaveCount(40).And.BeInDescendingOrder();
        for (int i = 0; i < 40; i++) spectrum.SingularValues[i].Should().BeApproximately(expected[i], 1e-13 * expected[0]);
        double squares = expected.Sum(value => value * value);
        spectrum.CumulativeShare[4].Should().BeApproximately(expected.Take(5).Sum(value => value * value) / squares, 1e-13);
        spectrum.CumulativeShare[^1].Should().BeApproximately(1, 1e-14);
        spectrum.StableRank.Should().BeApproximately(map.Weight.square().sum().ToDouble() / (expected[0] * expected[0]), 1e-12);
        spectrum.Rank.Should().Be(expected.Count(value => value > 60 * 2.220446049250313e-16 * expected[0]));
    }

    // σ = 4, 3, 2, 1: Σσ = 10, Σσ² = 30. Entropy of (.4, .3, .2, .1) = 1.2798542258336676 nat, its exponential 3.5961155042.
    [Fact]
    public void RankCurve_KnownSpectrum_HasTheRanksByHand()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = new(Orthogonal(1, 5).narrow(1, 0, 4).mm(diag(tensor([4.0, 3, 2, 1]))).mm(Orthogonal(2, 4)));
        MapSpectrum spectrum = map.RankCurve();
        spectrum.EffectiveRank.Should().BeApproximately(Math.Exp(1.2798542258336676), 1e-12);
        spectrum.StableRank.Should().BeApproximately(30.0 / 16, 1e-12);
        spectrum.CumulativeShare.Should().HaveCount(4);
        spectrum.CumulativeShare[1].Should().BeApproximately(25.0 / 30, 1e-13);
        (spectrum.Rank, spectrum.Rank90, spectrum.Rank95, spectrum.Rank99).Should().Be((4, 3, 3, 4));
        spectrum.RankFor(0.5).Should().Be(1);
        spectrum.RankFor(0.54).Should().Be(2);
        spectrum.ConditionNumber.Should().BeApproximately(4, 1e-12);
        spectrum.ToString().Should().Be("rank 4 (90 %: 3, 99 %: 4), effective 3.6, stable 1.9, condition number 4");
        ((Action)(() => spectrum.RankFor(1))).ShouldRefuse("share", "share must lie strictly between 0 and 1, but it is 1.");
        using AffineMap identity = new(eye(7)), zero = new(zeros(2, 3)), one = AffineMap.Factored(ones(9, 1), ones(1, 4)), huge = new(eye(3, dtype: ScalarType.Float64) * 1e300);
        identity.RankCurve().Should().Match<MapSpectrum>(of => of.Rank == 7 && Math.Abs(of.EffectiveRank - 7) < 1e-12 && Math.Abs(of.StableRank - 7) < 1e-12);
        zero.RankCurve().Should().Match<MapSpectrum>(of => of.Rank == 0 && of.EffectiveRank == 0 && of.StableRank == 0 && of.Rank90 == 0 && double.IsInfinity(of.ConditionNumber));
        one.RankCurve().Should().Match<MapSpectrum>(of => of.Rank == 1 && Math.Abs(of.EffectiveRank - 1) < 1e-12 && Math.Abs(of.StableRank - 1) < 1e-12 && of.SingularValues.Count == 4);
        huge.RankCurve().StableRank.Should().BeApproximately(3, 1e-12);
    }

    [Fact]
    public void Calls_BadArguments_Throw()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = new(ones(2, 2)), small = new(full([2, 2], 1e-30f)), half = new(full([1, 1], 6e4f).to_type(ScalarType.Float16));
        ((Action)(() => map.Inverse(out _, 1))).ShouldRefuse("cutOff", "cutOff must lie from 0 to below 1, but it is 1.");
        ((Action)(() => map.Inverse(out _, double.NaN))).ShouldRefuse("cutOff", "cutOff must lie from 0 to below 1, but it is NaN.");
        ((Action)(() => half.Then(half))).ShouldRefuse("next", "next must give numbers that Float16 can hold, but some are not finite. Use maps of a wider dtype.");
        small.Inverse().Dispose();
    }
}
