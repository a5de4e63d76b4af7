using LatentStitching.Numerics;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

[NoTensorLeaks]
public class TensorGuardTests
{
    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void Finite_NumbersWhoseSumOverflows_AreTaken(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        double largest = dtype == ScalarType.Float16 ? 65504 : dtype == ScalarType.Float32 ? float.MaxValue : double.MaxValue;
        Tensor matrix = full([4, 64], largest, dtype);
        double.IsFinite(matrix.sum().ToDouble()).Should().BeFalse();
        TensorGuard.FiniteMatrix(matrix);
        TensorGuard.IsFinite(matrix).Should().BeTrue();
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void Finite_OneBadEntry_NamesItsRow_WhereverItLies(double bad)
    {
        using var scope = NewDisposeScope();
        for (long place = 0; place < 5 * 67; place++)
        {
            Tensor matrix = rand(5, 67);
            matrix[place / 67, place % 67] = bad;
            TensorGuard.IsFinite(matrix).Should().BeFalse();
            Action act = () => TensorGuard.FiniteMatrix(matrix);
            act.ShouldRefuse("matrix", $"matrix must be finite, but 1 of its entries are NaN or infinite, the first in row {place / 67}.");
        }
    }

    [Fact]
    public void Finite_InfinitiesThatCancel_AreRefused()
    {
        using var scope = NewDisposeScope();
        Tensor matrix = zeros(3, 2);
        matrix[1, 0] = double.PositiveInfinity;
        matrix[2, 1] = double.NegativeInfinity;
        Action act = () => TensorGuard.FiniteMatrix(matrix);
        act.ShouldRefuse("matrix", "matrix must be finite, but 2 of its entries are NaN or infinite, the first in row 1.");
    }

    [Theory]
    [InlineData(-1e-7f, "0", "-1e-07", "0.5")]
    [InlineData(1.0000001f, "1", "0.5", "1")]
    [InlineData(float.NaN, "2", "NaN", "NaN")]
    public void Images_OnePixelOutside_NamesItsImage(float pixel, string image, string low, string high)
    {
        using var scope = NewDisposeScope();
        for (long place = 0; place < 35; place++)
        {
            Tensor images = full([3, 1, 5, 7], 0.5f);
            images[long.Parse(image, System.Globalization.CultureInfo.InvariantCulture), 0, place / 7, place % 7] = pixel;
            Action act = () => TensorGuard.Images(images);
            act.ShouldRefuse("images", $"images must hold pixels in [0, 1], but image {image} holds values from {low} to {high}. Map [-1, 1] by (x + 1) / 2 and [0, 255] by x / 255.");
        }
    }
}
