using LatentStitching.Mapping;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Mapping;

[NoTensorLeaks]
public sealed class AffineMapTests
{
    private static Tensor Normal(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed);
        return randn(shape, ScalarType.Float64, generator: generator);
    }

    [Fact]
    public void Apply_ByHand()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = new(tensor(new double[,] { { 1, 2 }, { 3, 4 }, { 5, 6 } }), tensor([0.5, -1, 0]));
        (map.SourceDimension, map.TargetDimension).Should().Be((2, 3));
        map.Apply(tensor(new double[,] { { 1, 0 }, { 0, 1 }, { 2, -1 } })).data<double>().ToArray().Should().Equal(1.5, 2, 5, 2.5, 3, 6, 0.5, 1, 4);
        map.ToString().Should().Be("affine map 2 → 3 (Float64)");
    }

    [Fact]
    public void Apply_NoBias_IsLinear()
    {
        using var scope = NewDisposeScope();
        Tensor weight = Normal(1, 3, 4), z = Normal(2, 5, 4);
        using AffineMap map = new(weight);
        map.Bias.data<double>().ToArray().Should().Equal(0, 0, 0);
        map.Apply(z).ShouldBeCloseTo(z.mm(weight.t()), 1e-15);
        map.Apply(z * 3).ShouldBeCloseTo(map.Apply(z) * 3, 1e-14);
    }

    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.Float32, ScalarType.Float64, 1e-6)]
    [InlineData(ScalarType.Float64, ScalarType.Float64, 1e-14)]
    [InlineData(ScalarType.Float64, ScalarType.Float32, 1e-14)]
    [InlineData(ScalarType.Float16, ScalarType.Float64, 1e-3)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, 8e-3)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, 1e-6)]
    public void Apply_MultipliesInTheWiderType_ReturnsTheLatents(ScalarType latentType, ScalarType mapType, double tolerance)
    {
        using var scope = NewDisposeScope();
        Tensor weight = Normal(1, 3, 40).to_type(mapType), bias = Normal(2, 3).to_type(mapType), z = Normal(3, 5, 40).to_type(latentType);
        using AffineMap map = new(weight, bias);
        Tensor mapped = map.Apply(z);
        mapped.dtype.Should().Be(latentType);
        Tensor exact = z.to_type(ScalarType.Float64).mm(weight.to_type(ScalarType.Float64).t()) + bias.to_type(ScalarType.Float64);
        mapped.ShouldBeCloseTo(exact, tolerance);
        map.Transport(z).dtype.Should().Be(latentType);
        map.PullBack(z.narrow(1, 0, 3)).dtype.Should().Be(latentType);
    }

    [Fact]
    public void Then_IsOneMapAfterTheOther()
    {
        using var scope = NewDisposeScope();
        using AffineMap first = new(Normal(1, 3, 4), Normal(2, 3)), second = new(Normal(3, 5, 3), Normal(4, 5));
        using AffineMap both = first.Then(second);
        Tensor z = Normal(5, 7, 4);
        (both.SourceDimension, both.TargetDimension).Should().Be((4, 5));
        both.Apply(z).ShouldBeCloseTo(second.Apply(first.Apply(z)), 1e-14);
        first.IsDisposed().Should().BeFalse();
        second.IsDisposed().Should().BeFalse();
    }

    [Fact]
    public void Then_OtherType_KeepsThisMaps()
    {
        using var scope = NewDisposeScope();
        using AffineMap first = new(Normal(1, 3, 4).to_type(ScalarType.Float32)), second = new(Normal(3, 5, 3));
        using AffineMap both = first.Then(second);
        both.Weight.dtype.Should().Be(ScalarType.Float32);
        both.Bias.dtype.Should().Be(ScalarType.Float32);
    }

    [Fact]
    public void TransportAndPullBack_AreAdjoint_AndLeaveTheOffsetOut()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = new(Normal(1, 3, 4), Normal(2, 3));
        Tensor v = Normal(3, 6, 4), w = Normal(4, 6, 3);
        Tensor left = (map.Transport(v) * w).sum([1]), right = (v * map.PullBack(w)).sum([1]);
        left.ShouldBeCloseTo(right, 1e-14);
        map.Transport(v).ShouldBeCloseTo(map.Apply(v) - map.Bias, 1e-14);
        map.Transport(zeros_like(v)).abs().max().ToDouble().Should().Be(0);
        // A probe on the mapped latents is the pulled-back probe on the source, up to one offset a probe.
        Tensor gap = map.Apply(v).mm(w.t()) - v.mm(map.PullBack(w).t());
        (gap - gap.narrow(0, 0, 1)).abs().max().ToDouble().Should().BeLessThan(1e-13);
    }

    [Fact]
    public void Constructor_KeepsCopies()
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(2, 2), bias = ones(2);
        using AffineMap map = new(weight, bias);
        weight.zero_();
        bias.zero_();
        map.Weight.sum().ToDouble().Should().Be(4);
        map.Bias.sum().ToDouble().Should().Be(2);
    }

    [Fact]
    public void Constructor_OtherBiasType_IsKeptInTheWeights()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = new(ones(2, 2), ones(2, ScalarType.Float64));
        map.Bias.dtype.Should().Be(ScalarType.Float32);
    }

    [Fact]
    public void Constructor_InsideAScope_TheMapOutlivesIt()
    {
        AffineMap map;
        using (NewDisposeScope()) map = new AffineMap(ones(2, 2));
        using (map) map.Weight.IsInvalid.Should().BeFalse();
    }

    [Fact]
    public void Calls_WithoutAScope_LeaveOnlyTheirResults()
    {
        using Tensor weight = ones(3, 3), z = ones(2, 3);
        long before = NoTensorLeaksAttribute.Live();
        using AffineMap map = new(weight);
        using AffineMap both = map.Then(map);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(4);
        using Tensor applied = map.Apply(z), transported = map.Transport(z), pulled = map.PullBack(z);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(7);
    }

    [Fact]
    public void Apply_LatentsAskForGradients_TheyFlow()
    {
        using var scope = NewDisposeScope();
        Tensor weight = Normal(1, 3, 4);
        using AffineMap map = new(weight, Normal(2, 3));
        Tensor z = Normal(3, 2, 4).requires_grad_();
        map.Apply(z).sum().backward();
        z.grad!.ShouldBeCloseTo(weight.sum([0]).expand(2, 4), 1e-14);
        map.Weight.requires_grad.Should().BeFalse();
        map.Apply(z.detach()).requires_grad.Should().BeFalse();
    }

    [Fact]
    public void Constructor_BadParts_Throws()
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(2, 3), holed = ones(2, 3);
        holed[1, 1] = float.NaN;
        Refuses(() => _ = new AffineMap(ones(3)), "weight", "weight must be a matrix [n, d], but its shape is [3]. Flatten each sample: tensor.reshape(n, -1).");
        Refuses(() => _ = new AffineMap(ones(2, 3, ScalarType.Int64)), "weight", "weight must be floating point, but its dtype is Int64. Convert it: tensor.to_type(ScalarType.Float32).");
        Refuses(() => _ = new AffineMap(holed), "weight", "weight must be finite, but 1 of its entries are NaN or infinite, the first in row 1.");
        Refuses(() => _ = new AffineMap(weight, ones(3)), "bias", "bias must have one entry a row of weight, [2], but its shape is [3].");
        Refuses(() => _ = new AffineMap(weight, ones(1, 2)), "bias", "bias must have one entry a row of weight, [2], but its shape is [1, 2].");
        Refuses(() => _ = new AffineMap(weight, ones(2, ScalarType.Int32)), "bias", "bias must be floating point, but its dtype is Int32.");
        Refuses(() => _ = new AffineMap(weight, tensor([0f, float.PositiveInfinity])), "bias", "bias must be finite, but 1 of its entries are NaN or infinite, the first in row 1.");
        // Finite in the type it comes in, not in the one it is kept in.
        Refuses(() => _ = new AffineMap(weight.to_type(ScalarType.Float16), tensor([0f, 1e6f])), "bias", "bias must be finite, but 1 of its entries are NaN or infinite, the first in row 1.");
        Action nothing = () => _ = new AffineMap(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("weight");
    }

    [Fact]
    public void Calls_BadArguments_Throw()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = new(ones(2, 3)), wide = new(ones(4, 5));
        Refuses(() => map.Apply(ones(2, 2)), "latents", "latents must have 3 columns, the latent width of the map's source, but its shape is [2, 2].");
        Refuses(() => map.Apply(full([2, 3], float.NaN)), "latents", "latents must be finite, but 6 of its entries are NaN or infinite, the first in row 0.");
        Refuses(() => map.Apply(ones(0, 3)), "latents", "latents must hold at least one row, but its shape is [0, 3].");
        Refuses(() => map.Transport(ones(2, 2)), "directions", "directions must have 3 columns, the latent width of the map's source, but its shape is [2, 2].");
        Refuses(() => map.PullBack(ones(2, 3)), "normals", "normals must have 2 columns, the latent width of the map's target, but its shape is [2, 3].");
        Refuses(() => map.Transport(ones(3)), "directions", "directions must be a matrix [n, d], but its shape is [3]. Flatten each sample: tensor.reshape(n, -1).");
        Refuses(() => map.Then(wide), "next", "next must take the 2 columns that this map gives, but it takes 5.");
        Action nothing = () => map.Then(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("next");
    }

    [Fact]
    public void Disposed_RefusesUse_AndDisposesTwice()
    {
        using var scope = NewDisposeScope();
        AffineMap map = new(ones(2, 2));
        Tensor z = ones(1, 2);
        map.Dispose();
        map.Dispose();
        using AffineMap live = new(ones(2, 2));
        Action[] uses =
        [
            () => map.Apply(z), () => map.Transport(z), () => map.PullBack(z), () => map.Then(live), () => live.Then(map), () => _ = map.Weight, () => _ = map.Bias,
            () => _ = map.SourceDimension, () => _ = map.TargetDimension,
        ];
        foreach (Action use in uses) use.Should().Throw<ObjectDisposedException>();
        map.ToString().Should().Be("affine map (disposed)");
    }

    private static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
}

internal static class AffineMapTestsExtensions
{
    public static bool IsDisposed(this AffineMap map) => map.ToString() == "affine map (disposed)";
}
