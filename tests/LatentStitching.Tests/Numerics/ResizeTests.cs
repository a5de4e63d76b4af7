using LatentStitching.Numerics;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

[NoTensorLeaks]
public sealed class ResizeTests
{
    // Expected bytes of the top left quarter, from Pillow's own tests (Tests/test_image_resample.py): squares of 0xE1 and 0x1E, the rest by symmetry.
    [Theory]
    [InlineData(12, 6, "e1e3d4 e3e5d6 d4d6c9")]
    [InlineData(4, 8, "e1e5eeb9 e5e9f3bc eef3fdc1 b9bcc1a2")]
    public void PillowBytes_OfPillowsOwnExamples(int size, int wanted, string quarter)
    {
        using var scope = NewDisposeScope();
        Tensor image = Golden.Matrix(size, size, (r, c) => (r < size / 2) == (c < size / 2) ? 0xE1 : 0x1E).reshape(1, 1, size, size);
        int[] rows = [.. Convert.FromHexString(quarter.Replace(" ", "", StringComparison.Ordinal)).Select(value => (int)value)];
        int half = wanted / 2;
        Tensor expected = Golden.Matrix(wanted, wanted, (r, c) =>
        {
            int value = rows[(Math.Min(r, wanted - 1 - r) * half) + Math.Min(c, wanted - 1 - c)];
            return (r < half) == (c < half) ? value : 255 - value;
        });
        PillowResize.Bytes(image, wanted, wanted)[0, 0].to_type(ScalarType.Float64).sub(expected).abs().max().ToDouble().Should().Be(0);
    }

    // Whole-number arithmetic as in a byte image: pixel by pixel, coefficient by coefficient.
    [Theory]
    [InlineData(64, 64, 299, 299)]
    [InlineData(218, 178, 64, 48)]
    [InlineData(31, 17, 31, 29)]
    [InlineData(5, 7, 3, 7)]
    [InlineData(3, 2, 1, 1)]
    public void PillowBytes_EqualALoopInWholeNumbers(int height, int width, int toHeight, int toWidth)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        // Mostly black and white, so that the overshoot is cut at both ends.
        Tensor image = randn([1, 1, height, width], generator: generator).mul(200).add(128).round().clamp(0, 255);
        float[] pixels = image.data<float>().ToArray();
        long[,] source = new long[height, width];
        for (int i = 0; i < pixels.Length; i++) source[i / width, i % width] = (long)pixels[i];
        long[,] across = Transposed(Pass(Transposed(source), toWidth));
        long[,] expected = Pass(across, toHeight);
        float[] actual = PillowResize.Bytes(image, toHeight, toWidth).data<float>().ToArray();
        for (int i = 0; i < actual.Length; i++) actual[i].Should().Be(expected[i / toWidth, i % toWidth]);
    }

    [Fact]
    public void PillowFloats_AreTheBytesBeforeRounding()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(4);
        Tensor image = rand([2, 3, 20, 24], generator: generator).mul(255).round();
        Tensor floats = PillowResize.Floats(image, 33, 11), bytes = PillowResize.Bytes(image, 33, 11);
        floats.dtype.Should().Be(ScalarType.Float32);
        // The bytes are rounded twice, the second time after a cubic of gain at most 1.25 or so.
        floats.clamp(0, 255).sub(bytes).abs().max().ToDouble().Should().BeInRange(0.1, 1.3);
        Tensor ramp = arange(40).to_type(ScalarType.Float32).reshape(1, 1, 1, 40).expand(1, 1, 4, 40);
        // Keys' cubic keeps a straight line straight, away from the ends.
        PillowResize.Floats(ramp, 4, 80)[0, 0, 0].narrow(0, 8, 64).ShouldBeCloseTo(arange(8, 72).to_type(ScalarType.Float32).mul(0.5).sub(0.25), 1e-6);
    }

    [Fact]
    public void PillowFloats_OfAFlatImage_StayFlat()
    {
        using var scope = NewDisposeScope();
        PillowResize.Floats(full([1, 1, 9, 13], 77f), 299, 5).sub(77).abs().max().ToDouble().Should().BeLessThan(1e-4);
        PillowResize.Bytes(full([1, 1, 9, 13], 77f), 299, 5).sub(77).abs().max().ToDouble().Should().Be(0);
    }

    [Theory]
    [InlineData(64, 299)]
    [InlineData(299, 299)]
    [InlineData(320, 299)]
    [InlineData(2, 5)]
    public void TensorFlowBilinear_EqualsALoop(int size, int wanted)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5);
        Tensor image = rand([1, 1, size, size + 1], generator: generator).mul(255).round();
        float[] pixels = image.data<float>().ToArray();
        float[] actual = TensorFlowResize.Bilinear(image, wanted, wanted).data<float>().ToArray();
        int width = size + 1;
        float down = (float)size / wanted, right = (float)width / wanted;
        for (int r = 0; r < wanted; r += 7)
        {
            for (int c = 0; c < wanted; c++)
            {
                (int top, float v) = ((int)(r * down), r * down - (int)(r * down));
                (int left, float u) = ((int)(c * right), c * right - (int)(c * right));
                int below = Math.Min(top + 1, size - 1), beside = Math.Min(left + 1, width - 1);
                float above = pixels[(top * width) + left] + ((pixels[(top * width) + beside] - pixels[(top * width) + left]) * u);
                float under = pixels[(below * width) + left] + ((pixels[(below * width) + beside] - pixels[(below * width) + left]) * u);
                actual[(r * wanted) + c].Should().BeApproximately(above + ((under - above) * v), 2e-5f);
            }
        }
    }

    [Fact]
    public void TensorFlowBilinear_ByHand_StartsAtTheCorner()
    {
        using var scope = NewDisposeScope();
        // tf.image.resize_bilinear of 2 to 4: places 0, 0.5, 1 and 1.5, the last of which has no right neighbour.
        TensorFlowResize.Bilinear(tensor(new float[] { 10, 20 }).reshape(1, 1, 1, 2), 1, 4).data<float>().ToArray().Should().Equal(10, 15, 20, 20);
    }

    private static long[,] Transposed(long[,] image)
    {
        long[,] result = new long[image.GetLength(1), image.GetLength(0)];
        for (int i = 0; i < image.GetLength(0); i++)
        {
            for (int j = 0; j < image.GetLength(1); j++) result[j, i] = image[i, j];
        }
        return result;
    }

    /// <summary>Resizes the first axis; a size that stays is left alone.</summary>
    private static long[,] Pass(long[,] image, int wanted)
    {
        int size = image.GetLength(0), columns = image.GetLength(1);
        if (size == wanted) return image;
        long[,] result = new long[wanted, columns];
        double scale = (double)size / wanted, stretch = Math.Max(1, scale);
        for (int j = 0; j < wanted; j++)
        {
            double centre = (j + 0.5) * scale;
            int first = Math.Max(0, (int)(centre - (2 * stretch) + 0.5)), end = Math.Min(size, (int)(centre + (2 * stretch) + 0.5));
            double[] weights = [.. Enumerable.Range(first, end - first).Select(i => Cubic((i - centre + 0.5) / stretch))];
            long[] whole = [.. weights.Select(weight => (long)Math.Round(weight / weights.Sum() * 4194304, MidpointRounding.AwayFromZero))];
            for (int c = 0; c < columns; c++)
            {
                long sum = 1L << 21;
                for (int i = first; i < end; i++) sum += whole[i - first] * image[i, c];
                result[j, c] = Math.Clamp(sum >> 22, 0, 255);
            }
        }
        return result;
    }

    // Keys' cubic with a = -1/2, in the textbook's form.
    private static double Cubic(double x)
    {
        x = Math.Abs(x);
        if (x <= 1) return (1.5 * x * x * x) - (2.5 * x * x) + 1;
        return x < 2 ? (-0.5 * x * x * x) + (2.5 * x * x) - (4 * x) + 2 : 0;
    }
}
