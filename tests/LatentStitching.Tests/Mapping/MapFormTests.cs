using FsCheck.Xunit;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Mapping;

/// <summary>Every form does what its matrix does.</summary>
[NoTensorLeaks]
public sealed class MapFormTests
{
    public static TheoryData<string> Forms() => [.. MapForms.All];

    private static Tensor Normal(ulong seed, params long[] shape) => MapForms.Normal(seed, shape);

    [Theory]
    [MemberData(nameof(Forms))]
    public void Members_EqualThoseOfTheMatrix(string form)
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make(form, 1), dense = MapForms.Dense(map);
        Tensor z = Normal(5, 6, 60), w = Normal(6, 6, 40);
        map.Weight.ShouldBeCloseTo(dense.Weight, 1e-14);
        map.Apply(z).ShouldBeCloseTo(dense.Apply(z), 1e-13);
        map.Transport(z).ShouldBeCloseTo(dense.Transport(z), 1e-13);
        map.PullBack(w).ShouldBeCloseTo(dense.PullBack(w), 1e-13);
        (map.SourceDimension, map.TargetDimension).Should().Be((60, 40));
        map.WeightShape.Should().Equal(40, 60);
        map.Weight.Should().BeSameAs(map.Weight, "it is formed once");
    }

    [Property(MaxTest = 40)]
    public void Members_AnyShape_EqualThoseOfTheMatrix(byte a, byte b, byte c, byte d, byte kind, ulong seed)
    {
        (long channels, long outputs, long height, long width) = (1 + (a % 4), 1 + (b % 4), 1 + (c % 5), 1 + (d % 5));
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make(MapForms.All[kind % MapForms.All.Length], seed % 1000, channels, outputs, height, width), dense = MapForms.Dense(map);
        Tensor z = Normal(5, 3, map.SourceDimension), w = Normal(6, 2, map.TargetDimension);
        map.Apply(z).ShouldBeCloseTo(dense.Apply(z), 1e-12);
        map.PullBack(w).ShouldBeCloseTo(dense.PullBack(w), 1e-12);
        map.Weight.ShouldBeCloseTo(dense.Weight, 1e-12);
        MapSpectrum actual = map.RankCurve(), expected = dense.RankCurve();
        actual.SingularValues.Should().HaveCount(expected.SingularValues.Count);
        for (int i = 0; i < actual.SingularValues.Count; i++) actual.SingularValues[i].Should().BeApproximately(expected.SingularValues[i], 1e-12 * expected.SingularValues[0]);
        using AffineMap back = map.Inverse(out InverseReport how), plain = dense.Inverse(out InverseReport same);
        how.Rank.Should().Be(same.Rank);
        back.Apply(w).ShouldBeCloseTo(plain.Apply(w), 1e-12 * same.ConditionNumber * same.ConditionNumber);
    }

    [Fact]
    public void Convolution_IsTheLoopOverPlaces()
    {
        using var scope = NewDisposeScope();
        const int channels = 2, outputs = 3, height = 3, width = 4, size = 3;
        Tensor kernel = Normal(1, outputs, channels, size, size), bias = Normal(2, outputs), z = Normal(3, 1, channels * height * width);
        using AffineMap map = AffineMap.Convolution(kernel, height, width, bias);
        double[,,,] k = new double[outputs, channels, size, size];
        double[] x = z.data<double>().ToArray(), y = map.Apply(z).data<double>().ToArray();
        for (int o = 0; o < outputs; o++)
        {
            for (int i = 0; i < height; i++)
            {
                for (int j = 0; j < width; j++)
                {
                    double sum = bias[o].ToDouble();
                    for (int m = 0; m < channels; m++)
                    {
                        for (int a = 0; a < size; a++)
                        {
                            for (int b = 0; b < size; b++)
                            {
                                int row = i + a - 1, column = j + b - 1;
                                if (row >= 0 && row < height && column >= 0 && column < width) sum += kernel[o, m, a, b].ToDouble() * x[(((m * height) + row) * width) + column];
                            }
                        }
                    }
                    y[(((o * height) + i) * width) + j].Should().BeApproximately(sum, 1e-13);
                }
            }
        }
    }

    [Fact]
    public void Kronecker_IsChannelTimesSpace()
    {
        using var scope = NewDisposeScope();
        Tensor space = Normal(1, 5, 4), channel = Normal(2, 2, 3);
        using AffineMap map = AffineMap.Kronecker(space, channel);
        map.Weight.ShouldBeCloseTo(kron(channel, space), 1e-15);
        map.ParameterCount.Should().Be(26);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Apply_LatentsAskForGradients_TheyFlow(string form)
    {
        using var scope = NewDisposeScope();
        using AffineMap map = MapForms.Make(form, 1), dense = MapForms.Dense(map);
        Tensor z = Normal(5, 2, 60).requires_grad_(), weights = Normal(6, 2, 40);
        (map.Apply(z) * weights).sum().backward();
        z.grad!.ShouldBeCloseTo(weights.mm(dense.Weight), 1e-12);
        map.Weight.requires_grad.Should().BeFalse();
        // Float32 latents and a float64 map, as fits give it.
        Tensor narrow = Normal(5, 2, 60).to_type(ScalarType.Float32).requires_grad_();
        (map.Apply(narrow) * weights.to_type(ScalarType.Float32)).sum().backward();
        narrow.grad!.dtype.Should().Be(ScalarType.Float32);
        narrow.grad!.ShouldBeCloseTo(weights.mm(dense.Weight), 1e-6);
    }

    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.Float64, 1e-6)]
    [InlineData(ScalarType.Float64, ScalarType.Float32, 1e-13)]
    [InlineData(ScalarType.Float16, ScalarType.Float32, 1e-3)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float64, 8e-3)]
    public void Apply_EveryForm_ReturnsTheLatentsType(ScalarType latentType, ScalarType mapType, double tolerance)
    {
        foreach (string form in MapForms.OfAnyType)
        {
            using var scope = NewDisposeScope();
            using AffineMap map = MapForms.Make(form, 1, dtype: mapType), dense = MapForms.Dense(map);
            Tensor z = Normal(5, 3, 60).to_type(latentType);
            Tensor mapped = map.Apply(z);
            mapped.dtype.Should().Be(latentType);
            mapped.ShouldBeCloseTo(dense.Apply(z.to_type(ScalarType.Float64)), tolerance, form);
            map.Bias.dtype.Should().Be(mapType);
            map.Weight.dtype.Should().Be(mapType);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float64, 0)]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.Float16, 1e-2)]
    [InlineData(ScalarType.BFloat16, 1e-1)]
    public void To_EveryForm_IsTheSameMapInTheType(ScalarType dtype, double tolerance)
    {
        foreach (string form in MapForms.All)
        {
            using var scope = NewDisposeScope();
            using AffineMap map = MapForms.Make(form, 1), other = map.To(dtype), back = other.To(ScalarType.Float64);
            Tensor z = Normal(5, 3, 60);
            (other.Weight.dtype, other.Bias.dtype, back.Bias.dtype, map.Bias.dtype).Should().Be((dtype, dtype, ScalarType.Float64, ScalarType.Float64));
            if (form != "kernel") (other.Form, other.ParameterCount).Should().Be((map.Form, map.ParameterCount));
            other.Apply(z).ShouldBeCloseTo(map.Apply(z), form == "kernel" ? Math.Max(tolerance, 1e-13) : tolerance, form);
            back.Apply(z).ShouldBeCloseTo(other.Apply(z), 0, form);
            other.Dispose();
            map.Apply(z).ShouldBeCloseTo(map.Apply(z), 0, "the map keeps its own tensors");
        }
    }

    // Wide enough for the library's own products, which take no gradients.
    [Theory]
    [InlineData(ScalarType.Float64, ScalarType.Float64, 1e-14)]
    [InlineData(ScalarType.Float32, ScalarType.Float64, 1e-7)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 1e-6)]
    public void Apply_ManyWideLatents_IsTheProduct_WithGradientsWhereTheyAreAskedFor(ScalarType latentType, ScalarType mapType, double tolerance)
    {
        using var scope = NewDisposeScope();
        Tensor latents = Normal(1, 200, 160).to_type(latentType), weight = Normal(2, 120, 160).to_type(mapType), left = Normal(3, 120, 70).to_type(mapType), right = Normal(4, 70, 160).to_type(mapType);
        using AffineMap dense = new(weight), factored = AffineMap.Factored(left, right);
        foreach ((AffineMap map, Tensor matrix) in ((AffineMap, Tensor)[])[(dense, weight.to_type(ScalarType.Float64)), (factored, left.to_type(ScalarType.Float64).mm(right.to_type(ScalarType.Float64)))])
        {
            Tensor expected = latents.to_type(ScalarType.Float64).mm(matrix.t()), asked = latents.detach().clone().requires_grad_();
            map.Apply(latents).to_type(ScalarType.Float64).ShouldBeCloseTo(expected, tolerance);
            map.Apply(asked).sum().backward();
            asked.grad!.to_type(ScalarType.Float64).ShouldBeCloseTo(matrix.sum([0]).expand(200, 160), tolerance);
            // Rows that are not next to each other.
            map.Apply(latents.t().contiguous().t()).to_type(ScalarType.Float64).ShouldBeCloseTo(expected, tolerance);
        }
    }

    [Fact]
    public void To_WhatCannotBe_IsRefused()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = new(ones(1, 2, ScalarType.Float64) * 1e5), offset = new(ones(1, 2), ones(1) * 1e5f);
        Refuses(() => map.To(ScalarType.Int32), "dtype", "dtype must be a floating-point type, but it is Int32.");
        Refuses(() => map.To(ScalarType.Float16), "dtype", "dtype must hold the map's numbers, but some are too large for Float16. Take a type of a wider range.");
        Refuses(() => offset.To(ScalarType.Float16), "dtype", "dtype must hold the map's numbers, but some are too large for Float16. Take a type of a wider range.");
        map.Dispose();
        FluentActions.Invoking(() => map.To(ScalarType.Float32)).Should().Throw<ObjectDisposedException>();
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Calls_WithoutAScope_LeaveOnlyTheirResults(string form)
    {
        using Tensor z = Normal(1, 2, 60), w = Normal(2, 2, 40);
        long before = NoTensorLeaksAttribute.Live();
        using (AffineMap map = MapForms.Make(form, 1))
        {
            long held = NoTensorLeaksAttribute.Live();
            using Tensor applied = map.Apply(z), transported = map.Transport(z), pulled = map.PullBack(w);
            (NoTensorLeaksAttribute.Live() - held).Should().Be(3);
            using (AffineMap back = map.Inverse())
            using (AffineMap both = map.Then(back))
            {
                _ = map.RankCurve();
                _ = map.CycleError(back, z);
                _ = both.Weight;
            }
            (NoTensorLeaksAttribute.Live() - held).Should().Be(3);
            using (AffineMap joined = AffineMap.Blocks(map, map), levels = AffineMap.Blocks(LatentSpace.Vector(60), LatentSpace.Vector(40), [("z", "z", map)]))
            {
                using Tensor twice = cat([z, z], 1), mapped = joined.Apply(twice);
                _ = levels.Weight;
            }
            (NoTensorLeaksAttribute.Live() - held).Should().Be(3);
            _ = map.Weight;
            (NoTensorLeaksAttribute.Live() - held).Should().Be(form == "dense" ? 3 : 4, "one matrix is kept");
        }
        NoTensorLeaksAttribute.Live().Should().Be(before);
    }

    [Theory]
    [InlineData("dense", 2400, "dense", "affine map 60 → 40 (Float64)")]
    [InlineData("factored", 300, "factored, rank at most 3", "affine map 60 → 40 (Float64, factored, rank at most 3)")]
    [InlineData("1×1", 6, "1×1 convolution over 4×5, 3 → 2 channels", "affine map 60 → 40 (Float64, 1×1 convolution over 4×5, 3 → 2 channels)")]
    [InlineData("3×3", 54, "3×3 convolution over 4×5, 3 → 2 channels", "affine map 60 → 40 (Float64, 3×3 convolution over 4×5, 3 → 2 channels)")]
    [InlineData("kronecker", 406, "Kronecker, 20 → 20 places ⊗ 3 → 2 channels", "affine map 60 → 40 (Float64, Kronecker, 20 → 20 places ⊗ 3 → 2 channels)")]
    [InlineData(
        "blocks", 402, "2 blocks: 20 → 20 dense; 40 → 20 1×1 convolution over 4×5, 2 → 1 channels", "affine map 60 → 40 (Float64, 2 blocks: 20 → 20 dense; 40 → 20 1×1 convolution over 4×5, 2 → 1 channels)")]
    public void Texts_NameTheForm(string form, long parameters, string text, string line)
    {
        using AffineMap map = MapForms.Make(form, 1);
        (map.ParameterCount, map.Form, map.ToString()).Should().Be((parameters, text, line));
        map.Dispose();
        map.ToString().Should().Be("affine map (disposed)");
        Action[] uses = [() => _ = map.Form, () => _ = map.ParameterCount, () => _ = map.WeightShape, () => _ = map.Weight, () => map.RankCurve(), () => map.Inverse()];
        foreach (Action use in uses) use.Should().Throw<ObjectDisposedException>();
    }

    // What a flow's 3×64×64 latents need: a dense map has 151 million weights.
    [Fact]
    public void Factored_OfALargeLatent_NeverFormsTheMatrix()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = AffineMap.Factored(ones(12288, 8), ones(8, 12288));
        map.Apply(ones(2, 12288)).shape.Should().Equal(2, 12288);
        map.PullBack(ones(1, 12288)).shape.Should().Equal(1, 12288);
        map.RankCurve().SingularValues[0].Should().BeApproximately(12288 * 8, 1e-6);
        using AffineMap back = map.Inverse(out InverseReport how), both = map.Then(back);
        (how.Rank, both.ParameterCount).Should().Be((1, 2 * 12288));
        map.ParameterCount.Should().Be(2 * 8 * 12288);
    }

    [Fact]
    public void Blocks_OfLevels_GoWhereTheLevelsLie()
    {
        using var scope = NewDisposeScope();
        var source = LatentSpace.Of(("a", [2]), ("b", [3]), ("c", [1, 2, 2]));
        var target = LatentSpace.Of(("x", [2, 2, 2]), ("y", [3]));
        using AffineMap toY = new(Normal(1, 3, 2), Normal(2, 3)), toX = AffineMap.Convolution(Normal(3, 2, 1, 3, 3), 2, 2, Normal(4, 2));
        using AffineMap map = AffineMap.Blocks(source, target, [("a", "y", toY), ("c", "x", toX)]);
        Tensor z = Normal(5, 4, 9);
        Tensor expected = cat([toX.Apply(z.narrow(1, 5, 4)), toY.Apply(z.narrow(1, 0, 2))], 1);
        map.Apply(z).ShouldBeCloseTo(expected, 1e-14);
        Tensor w = Normal(6, 4, 11);
        map.PullBack(w).ShouldBeCloseTo(w.mm(map.Weight), 1e-14);
        map.PullBack(w).narrow(1, 2, 3).abs().max().ToDouble().Should().Be(0, "level b goes nowhere");
        using AffineMap nested = AffineMap.Blocks(map, map);
        nested.Form.Should().StartWith("4 blocks: ");
        nested.Apply(cat([z, z], 1)).ShouldBeCloseTo(cat([expected, expected], 1), 1e-14);
    }

    [Fact]
    public void Factories_BadParts_Throw()
    {
        using var scope = NewDisposeScope();
        var two = LatentSpace.Of(("a", [2]), ("b", [3]));
        using AffineMap map = new(ones(2, 2)), other = new(ones(3, 3));
        Refuses(() => AffineMap.Factored(ones(2, 3), ones(4, 2)), "right", "right must have one row a column of left, but the shapes are [2, 3] and [4, 2].");
        Refuses(() => AffineMap.Factored(ones(2, 3), ones(3, 2), ones(3)), "bias", "bias must have one entry a column of the target, [2], but its shape is [3].");
        Refuses(() => AffineMap.Factored(full([2, 3], float.NaN), ones(3, 2)), "left", "left must be finite, but 6 of its entries are NaN or infinite, the first in row 0.");
        Refuses(() => AffineMap.Convolution(ones(2, 3, 2, 2), 4, 4), "kernel", "kernel must be [c', c, k, k] with odd k, but its shape is [2, 3, 2, 2].");
        Refuses(() => AffineMap.Convolution(ones(2, 3, 1, 1, ScalarType.Int64), 4, 4), "kernel", "kernel must be floating point, but its dtype is Int64. Convert it: tensor.to_type(ScalarType.Float32).");
        Refuses(() => AffineMap.Convolution(ones(2, 3, 1, 1), 0, 4), "height", "height must be positive, but it is 0.");
        Refuses(() => AffineMap.Convolution(ones(2, 3, 1, 1), 4, 4, ones(3)), "bias", "bias must have one entry a column of the target, [32], but its shape is [3].");
        Refuses(() => AffineMap.Kronecker(ones(2), ones(2, 2)), "space", "space must be a matrix [n, d], but its shape is [2]. Flatten each sample: tensor.reshape(n, -1).");
        Refuses(() => AffineMap.Blocks(), "blocks", "blocks must hold at least one entry, but it is empty. Pass one map a block.");
        Refuses(() => AffineMap.Blocks(two, two, [("a", "b", map)]), "levels", "levels must have maps that fit, but a [2] → b [3] has a map 2 → 2.");
        Refuses(() => AffineMap.Blocks(two, two, [("a", "a", map)]), "levels", "levels must give every level of the target, but 'b' is missing.");
        Refuses(() => AffineMap.Blocks(two, two, [("a", "a", map), ("a", "a", map)]), "levels", "levels must name each source level once, but 'a' comes twice.");
        Refuses(() => AffineMap.Blocks(two, two, [("c", "a", map)]), "name", "name must be one of the levels a, b, but it is 'c'.");
    }

    [Fact]
    public void Factories_KeepCopies_InTheFirstsType()
    {
        using var scope = NewDisposeScope();
        Tensor left = ones(2, 1), right = ones(1, 2, ScalarType.Float64);
        using AffineMap map = AffineMap.Factored(left, right);
        left.zero_();
        right.zero_();
        map.Weight.sum().ToDouble().Should().Be(4);
        map.Weight.dtype.Should().Be(ScalarType.Float32);
        using AffineMap wide = new(ones(1, 1, ScalarType.Float64)), mixed = AffineMap.Blocks(map, wide);
        mixed.Weight.dtype.Should().Be(ScalarType.Float32);
        mixed.Bias.dtype.Should().Be(ScalarType.Float32);
    }

    private static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
}
