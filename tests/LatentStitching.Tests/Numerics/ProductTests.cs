using System.Numerics;
using System.Runtime.Intrinsics;
using LatentStitching.Numerics.Products;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

/// <summary>Products against libtorch's: whole numbers, of which every sum is exact, and real ones.</summary>
[NoTensorLeaks]
public sealed class ProductTests
{
    private delegate void Run(Tensor sum, Operand left, Operand right, bool negative, bool lower, int threads);

    // Each width of registers serves on any processor, if slowly.
    private static readonly Dictionary<string, (ScalarType Numbers, ScalarType Sums, Run Run)> Kernels = new()
    {
        ["float64, 512 bits"] = (ScalarType.Float64, ScalarType.Float64, Blocked<DoubleLanes512, Vector512<double>, double, double>),
        ["float64, 256 bits"] = (ScalarType.Float64, ScalarType.Float64, Blocked<DoubleLanes256, Vector256<double>, double, double>),
        ["float32, 512 bits"] = (ScalarType.Float32, ScalarType.Float32, Blocked<SingleLanes512, Vector512<float>, float, float>),
        ["float32, 256 bits"] = (ScalarType.Float32, ScalarType.Float32, Blocked<SingleLanes256, Vector256<float>, float, float>),
        ["float32 summed in float64, 512 bits"] = (ScalarType.Float32, ScalarType.Float64, Blocked<SingleLanes512, Vector512<float>, float, double>),
        ["float32 summed in float64, 256 bits"] = (ScalarType.Float32, ScalarType.Float64, Blocked<SingleLanes256, Vector256<float>, float, double>),
        ["as the library chooses, float64"] = (ScalarType.Float64, ScalarType.Float64, Chosen),
        ["as the library chooses, float32"] = (ScalarType.Float32, ScalarType.Float32, Chosen),
        ["as the library chooses, float32 summed in float64"] = (ScalarType.Float32, ScalarType.Float64, Chosen),
    };

    public static TheoryData<string> Names => [.. Kernels.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Product_OfWholeNumbers_IsExact_WhateverTheShapeAndTheStrides(string name)
    {
        (ScalarType numbers, ScalarType sums, Run run) = Kernels[name];
        Random random = new(name.Length);
        using Generator generator = new(7);
        for (int trial = 0; trial < 40; trial++)
        {
            using var scope = NewDisposeScope();
            bool lower = trial % 4 == 3, negative = trial % 3 == 2;
            // Every seventh is larger than a block of each kind.
            bool large = trial % 7 == 6;
            long m = random.Next(1, large ? 1200 : 230), n = lower ? m : random.Next(1, large ? 1100 : 230), k = random.Next(1, large ? 300 : 600);
            Tensor left = Integers(m, k, trial % 2 == 0, generator).to_type(numbers), right = lower ? left.t() : Integers(k, n, trial % 5 < 3, generator).to_type(numbers);
            // Columns of a larger matrix, whose neighbours must be left alone.
            Tensor whole = Integers(m + 2, n + 3, transposed: !lower && trial % 6 == 5, generator).to_type(sums), sum = whole.narrow(0, 1, m).narrow(1, 2, n);
            Tensor before = whole.clone(), product = left.to_type(ScalarType.Float64).mm(right.to_type(ScalarType.Float64)), expected = whole.to_type(ScalarType.Float64);
            expected.narrow(0, 1, m).narrow(1, 2, n).add_(negative ? product.neg() : product);

            run(sum, left, right, negative, lower, 1);

            if (lower)
            {
                Tensor wanted = ones(m, n).tril(), changed = ones(m + 2, n + 3);
                changed.narrow(0, 1, m).narrow(1, 2, n).zero_();
                sum.mul(wanted).ShouldBeCloseTo(expected.narrow(0, 1, m).narrow(1, 2, n).mul(wanted), 0);
                whole.mul(changed).ShouldBeCloseTo(before.mul(changed), 0, "only the sum is written to");
            }
            else
            {
                whole.ShouldBeCloseTo(expected, 0);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Product_OfCentredMatrices_IsThatOfTheirCopies_WhateverIsStored(string name)
    {
        (ScalarType numbers, ScalarType sums, Run run) = Kernels[name];
        Random random = new(name.Length);
        using Generator generator = new(9);
        for (int trial = 0; trial < 48; trial++)
        {
            using var scope = NewDisposeScope();
            // Whole numbers, stored as either type, less whole numbers: every digit is kept.
            ScalarType stored = trial % 2 == 0 ? ScalarType.Float32 : ScalarType.Float64;
            bool large = trial % 12 == 11, negative = trial % 5 == 1;
            long m = random.Next(1, large ? 1100 : 150), n = random.Next(1, large ? 1100 : 150), k = random.Next(1, 600);
            (Operand left, Tensor leftMade) = Centred(m, k, stored, numbers, trial / 2 % 2 == 0, trial / 4 % 3, generator);
            (Operand right, Tensor rightMade) = Centred(k, n, stored, numbers, trial / 3 % 2 == 0, trial / 5 % 3, generator);
            if (trial % 3 == 0) right = rightMade;
            left.Made().ShouldBeCloseTo(leftMade, 0);
            right.Made().ShouldBeCloseTo(rightMade, 0);
            Tensor sum = zeros(m, n, sums), product = leftMade.to_type(ScalarType.Float64).mm(rightMade.to_type(ScalarType.Float64));

            run(sum, left, right, negative, false, 1 + (trial % 2));

            sum.ShouldBeCloseTo((negative ? product.neg() : product).to_type(sums), 0);

            Tensor gram = zeros(k, k, sums), inner = leftMade.to_type(ScalarType.Float64).t().mm(leftMade.to_type(ScalarType.Float64)).tril();
            run(gram, left.T, left, negative, true, 1);
            gram.tril().ShouldBeCloseTo((negative ? inner.neg() : inner).to_type(sums), 0);
        }
    }

    [Fact]
    public void Operand_PartsAndTransposes_AreThoseOfTheMatrix()
    {
        using var scope = NewDisposeScope();
        Tensor values = arange(12, ScalarType.Float32).reshape(3, 4), centre = tensor((double[])[1, 2, 3, 4]).unsqueeze(0), made = values.to_type(ScalarType.Float64) - centre;
        var operand = Operand.Centred(values, centre);
        operand.Type.Should().Be(ScalarType.Float64);
        operand.SomeRows(1, 2).Made().ShouldBeCloseTo(made.narrow(0, 1, 2), 0);
        operand.SomeColumns(1, 2).Made().ShouldBeCloseTo(made.narrow(1, 1, 2), 0);
        operand.T.Made().ShouldBeCloseTo(made.t(), 0);
        operand.T.SomeRows(1, 2).Made().ShouldBeCloseTo(made.t().narrow(0, 1, 2), 0);
        operand.T.SomeColumns(1, 2).Made().ShouldBeCloseTo(made.t().narrow(1, 1, 2), 0);
        (operand.T.Rows, operand.T.Columns).Should().Be((4, 3));
        values.ShouldBeCloseTo(arange(12, ScalarType.Float32).reshape(3, 4), 0, "what is stored is left alone");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Product_OfRealNumbers_HasTheDigitsOfItsSums_AndTheSameOnesOnAnyNumberOfThreads(string name)
    {
        (ScalarType numbers, ScalarType sums, Run run) = Kernels[name];
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        Tensor left = randn([300, 2000], numbers, generator: generator), right = randn([2000, 1100], numbers, generator: generator);
        Tensor one = zeros(300, 1100, sums), four = zeros(300, 1100, sums), exact = left.to_type(ScalarType.Float64).mm(right.to_type(ScalarType.Float64));
        run(one, left, right, false, false, 1);
        run(four, left, right, false, false, 4);
        four.ShouldBeCloseTo(one, 0);
        one.ShouldBeCloseTo(exact, numbers == ScalarType.Float64 ? 1e-14 : sums == ScalarType.Float64 ? 4e-7 : 2e-6);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Product_OfNumbersThatAreNotFinite_SpoilsTheirOwnRowsAlone(string name)
    {
        (ScalarType numbers, ScalarType sums, Run run) = Kernels[name];
        using var scope = NewDisposeScope();
        Tensor left = ones(70, 300, numbers), right = ones(300, 101, numbers), sum = zeros(70, 101, sums);
        left[69, 299] = tensor(double.NaN, numbers);
        left[13, 0] = tensor(double.PositiveInfinity, numbers);
        run(sum, left, right, false, false, 1);
        sum.isfinite().sum().ToInt64().Should().Be(68 * 101);
        sum[13].eq(double.PositiveInfinity).all().ToBoolean().Should().BeTrue();
        sum[69].isnan().all().ToBoolean().Should().BeTrue();
    }

    [Fact]
    public void Forms_AreThoseOfTheSum()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5);
        Tensor left = Integers(130, 140, false, generator).to_type(ScalarType.Float64), right = Integers(140, 150, false, generator).to_type(ScalarType.Float64), product = left.mm(right);
        Product.Of(left, right).ShouldBeCloseTo(product, 0);
        Tensor matrix = ones_like(product);
        Product.Set(matrix, left, right);
        matrix.ShouldBeCloseTo(product, 0);
        Product.From(matrix, left, right).ShouldBeCloseTo(zeros_like(product), 0);
        Tensor symmetric = zeros(130, 130, ScalarType.Float64);
        Product.AddLower(symmetric, left, left.t());
        symmetric.tril().ShouldBeCloseTo(left.mm(left.t()).tril(), 0);
        Product.SubtractLower(symmetric, left, left.t());
        symmetric.tril().abs().max().ToDouble().Should().Be(0);
        // Too small for blocks: libtorch's.
        Product.Of(left.narrow(0, 0, 2), right).ShouldBeCloseTo(product.narrow(0, 0, 2), 0);
        Product.Of(left.narrow(1, 0, 0), right.narrow(0, 0, 0)).ShouldBeCloseTo(zeros_like(product), 0);
    }

    // Of any size alike: a large product must not read or write numbers as what they are not.
    [Theory]
    [InlineData(10)]
    [InlineData(200)]
    public void Products_OfTypesThatDiffer_AreRefused_AndNarrowSumsAreRounded(long side)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5);
        Tensor wide = Integers(side, side, false, generator).to_type(ScalarType.Float64), narrow = wide.to_type(ScalarType.Float32), sum = ones(side, side, ScalarType.Float32);
        Action mixed = () => Product.Of(wide, narrow);
        mixed.Should().Throw<System.Runtime.InteropServices.ExternalException>();
        Product.Add(sum, wide, wide);
        sum.to_type(ScalarType.Float64).ShouldBeCloseTo(wide.mm(wide) + 1, 1e-6);
    }

    [Fact]
    public void Gradients_PassThrough()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5);
        Tensor left = randn([130, 140], ScalarType.Float64, generator: generator).requires_grad_(), right = randn([140, 150], ScalarType.Float64, generator: generator);
        Product.Of(left, right).sum().backward();
        left.grad!.ShouldBeCloseTo(right.sum([1]).unsqueeze(0).expand(130, 140), 1e-12);
        using (no_grad()) Product.Of(left, right).ShouldBeCloseTo(left.detach().mm(right), 1e-14);
    }

    // A matrix stored row by row, column by column, or with gaps.
    private static (Operand Operand, Tensor Made) Centred(long rows, long columns, ScalarType stored, ScalarType numbers, bool transposed, int layout, Generator generator)
    {
        if (transposed)
        {
            (Operand own, Tensor made) = Centred(columns, rows, stored, numbers, false, layout, generator);
            return (own.T, made.t());
        }
        Tensor values = Integers(rows, columns, layout == 1, generator).to_type(stored), centre = Integers(1, columns, false, generator).to_type(numbers);
        if (layout == 2) values = stack([values, values], 2).select(2, 1);
        return (Operand.Centred(values, centre), values.to_type(numbers) - centre);
    }

    private static Tensor Integers(long rows, long columns, bool transposed, Generator generator) =>
        transposed ? randint(-8, 9, [columns, rows], ScalarType.Float32, generator: generator).t() : randint(-8, 9, [rows, columns], ScalarType.Float32, generator: generator);

    private static void Blocked<TLanes, TVector, TNumber, TSum>(Tensor sum, Operand left, Operand right, bool negative, bool lower, int threads)
        where TLanes : struct, ILanes<TVector, TNumber>
        where TNumber : unmanaged, INumber<TNumber>
        where TSum : unmanaged, INumber<TSum>
    {
        bool turned = sum.stride(1) != 1;
        if (turned) (left, right, lower) = (right, left, false);
        Product.Run<TLanes, TVector, TNumber, TSum>(sum, Lines<TNumber>(left, turned, negative), Lines<TNumber>(right, !turned, false), lower, threads);
    }

    private static Panels<TNumber> Lines<TNumber>(Operand operand, bool columns, bool negative)
        where TNumber : unmanaged =>
        typeof(TNumber) == typeof(double) ? (Panels<TNumber>)(object)operand.DoubleLines(columns, negative) : (Panels<TNumber>)(object)operand.SingleLines(columns, negative);

    private static void Chosen(Tensor sum, Operand left, Operand right, bool negative, bool lower, int threads)
    {
        int own = get_num_threads();
        set_num_threads(threads);
        try
        {
            if (lower && negative) Product.SubtractLower(sum, left, right);
            else if (lower) Product.AddLower(sum, left, right);
            else if (negative) Product.Subtract(sum, left, right);
            else Product.Add(sum, left, right);
        }
        finally
        {
            set_num_threads(own);
        }
    }
}
