using LatentStitching.Data;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Reconstruction;

[NoTensorLeaks]
public sealed class LaplacianVarianceTests
{
    private static Tensor Plane(Func<int, int, int> value) =>
        tensor([.. Enumerable.Range(0, 24 * 24).Select(i => value(i / 24, i % 24) % 256 / 255.0)], [1, 1, 24, 24]);

    [Fact]
    public void Measure_GoldenValues()
    {
        // Exact fractions in Python 3: the nine-line definition over the inner 22 × 22 places.
        using var scope = NewDisposeScope();
        Tensor red = Plane((r, c) => (7 * r * r) + (3 * c * c) + (5 * r * c) + 11), green = Plane((r, c) => (13 * r) + (29 * c)), blue = Plane((r, c) => r * c);
        LaplacianVariance.Measure(red)[0].Should().BeApproximately(2.0837979056407328, 1e-12);
        LaplacianVariance.Measure(cat([red, green, blue], 1))[0].Should().BeApproximately(0.371584019286632, 1e-12);
    }

    [Fact]
    public void Measure_WhatIsKnown()
    {
        using var scope = NewDisposeScope();
        LaplacianVariance.Measure(full([1, 3, 5, 5], 0.3))[0].Should().BeApproximately(0, 1e-28, "flat");
        LaplacianVariance.Measure(linspace(0, 1, 49, ScalarType.Float64).reshape(1, 1, 7, 7))[0].Should().BeApproximately(0, 1e-28, "a ramp");
        Tensor board = arange(64, ScalarType.Float64).reshape(8, 8).div(8).floor().add(arange(8, ScalarType.Float64)).remainder(2).reshape(1, 1, 8, 8);
        LaplacianVariance.Measure(board)[0].Should().BeApproximately(16, 1e-12, "nothing is sharper than a chessboard");
        LaplacianVariance.Measure(board.mul(0.5))[0].Should().BeApproximately(4, 1e-12, "it goes with the square of the contrast");
        LaplacianVariance.Measure(board.expand(1, 3, 8, 8))[0].Should().BeApproximately(16, 1e-12, "grey is grey in three channels too");
        LaplacianVariance.Measure(board.flip(2))[0].Should().BeApproximately(16, 1e-12);
    }

    [Fact]
    public void Measure_FallsWithEveryBlur()
    {
        using var scope = NewDisposeScope();
        Tensor images = new ProceduralFaces(6, size: 32).LoadAll();
        double[] before = [.. LaplacianVariance.Measure(images)];
        for (int blur = 0; blur < 4; blur++)
        {
            images = nn.functional.avg_pool2d(nn.functional.pad(images, [1, 1, 1, 1], PaddingModes.Replicate), 3, 1);
            double[] after = [.. LaplacianVariance.Measure(images)];
            after.Zip(before).Should().OnlyContain(pair => pair.First < pair.Second);
            before = after;
        }
    }

    [Fact]
    public void Evaluate_IsTheMeanOfTheImages_AndOneImageDoesNotFeelTheOthers()
    {
        using var scope = NewDisposeScope();
        Tensor images = new ProceduralFaces(8, size: 16).LoadAll();
        MetricValue value = LaplacianVariance.Evaluate(images, seed: 3);
        value.Value.Should().BeApproximately(value.PerImage.Average(), 1e-15);
        value.Lower.Should().BeLessThan(value.Value);
        value.Upper.Should().BeGreaterThan(value.Value);
        for (int i = 0; i < 8; i++) LaplacianVariance.Measure(images.narrow(0, i, 1))[0].Should().BeApproximately(value.PerImage[i], 1e-15);
        value.Signature.Should().Be("laplacian-variance|kernel:4-neighbours|luma:bt601|border:none|range:0-1|n:8|ci:bca-bootstrap-2000");
    }

    [Fact]
    public void Measure_Refuses()
    {
        using var scope = NewDisposeScope();
        Action narrow = () => LaplacianVariance.Measure(zeros(1, 3, 2, 8));
        narrow.ShouldRefuse("images", "images must have 1 or 3 channels and at least 3 × 3 pixels to have a sharpness, but their shape is [1, 3, 2, 8].");
        Action channels = () => LaplacianVariance.Measure(zeros(1, 2, 8, 8));
        channels.ShouldRefuse("images", "images must have 1 or 3 channels and at least 3 × 3 pixels to have a sharpness, but their shape is [1, 2, 8, 8].");
        Action range = () => LaplacianVariance.Measure(full([1, 1, 4, 4], 2f));
        range.Should().Throw<ArgumentException>().WithMessage("images must hold pixels in [0, 1], but image 0 holds values from 2 to 2.*");
    }
}
