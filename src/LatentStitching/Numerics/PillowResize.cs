namespace LatentStitching.Numerics;

/// <summary>Pillow's BICUBIC resize with its antialiasing kernel, to the last bit: of bytes ("L", "RGB") and of floats ("F").</summary>
/// <remarks>
/// Keys' cubic with a = −0.5, widened by the scale where the image shrinks, columns before rows. Bytes: coefficients in fixed point of 22 bits, each pass rounded to bytes. Floats: each pass summed in
/// float64 and rounded to float32. Both are matrix products in float64; those of bytes are whole numbers below 2⁵³ and so exact in any order of summation.
/// Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 29(6) (1981), 1153–1160; the kernel's support and rounding as in Pillow's Resample.c.
/// </remarks>
internal static class PillowResize
{
    private const double Support = 2;
    private const double Fixed = 1 << 22;

    /// <summary>Whole numbers 0 to 255 of any dtype, [n, c, h, w] → float32 of whole numbers 0 to 255, [n, c, height, width].</summary>
    public static Tensor Bytes(Tensor images, long height, long width) => Resize(
        images,
        height,
        width,
        static weight => weight < 0 ? Math.Ceiling((weight * Fixed) - 0.5) : Math.Floor((weight * Fixed) + 0.5),
        static sums => sums.add_(Fixed / 2).div_(Fixed).floor_().clamp_(0, 255));

    /// <summary>Floats [n, c, h, w] → float32 [n, c, height, width]; may leave the input's range.</summary>
    public static Tensor Floats(Tensor images, long height, long width) => Resize(
        images,
        height,
        width,
        static weight => weight,
        static sums => sums.to_type(ScalarType.Float32).to_type(ScalarType.Float64));

    private static Tensor Resize(Tensor images, long height, long width, Func<double, double> coefficient, Func<Tensor, Tensor> round)
    {
        using var scope = NewDisposeScope();
        Tensor x = images.to(ScalarType.Float64, images.device, copy: true);
        if (width != images.size(3)) x = round(x.matmul(Coefficients(images.size(3), width, coefficient).t().to(images.device)));
        if (height != images.size(2)) x = round(Coefficients(images.size(2), height, coefficient).to(images.device).matmul(x));
        return x.to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Row j weighs the inputs of output j. [outputs, inputs].</summary>
    private static Tensor Coefficients(long inputs, long outputs, Func<double, double> coefficient)
    {
        double scale = (double)inputs / outputs, stretch = Math.Max(scale, 1), support = Support * stretch;
        double[] matrix = new double[outputs * inputs];
        for (long j = 0; j < outputs; j++)
        {
            double centre = (j + 0.5) * scale;
            long first = Math.Max(0, (long)(centre - support + 0.5)), end = Math.Min(inputs, (long)(centre + support + 0.5));
            Span<double> row = matrix.AsSpan((int)(j * inputs), (int)inputs)[(int)first..(int)end];
            double total = 0;
            for (int i = 0; i < row.Length; i++)
            {
                row[i] = Cubic((i + first - centre + 0.5) * (1 / stretch));
                total += row[i];
            }
            for (int i = 0; i < row.Length; i++) row[i] = coefficient(total == 0 ? row[i] : row[i] / total);
        }
        return tensor(matrix).reshape(outputs, inputs);
    }

    private static double Cubic(double x)
    {
        const double a = -0.5;
        x = Math.Abs(x);
        if (x < 1) return (((a + 2) * x - (a + 3)) * x * x) + 1;
        return x < 2 ? ((((x - 5) * x) + 8) * x - 4) * a : 0;
    }
}
