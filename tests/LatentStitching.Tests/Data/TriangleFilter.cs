namespace LatentStitching.Tests.Data;

/// <summary>Bilinear resizing written out from its definition in float64: output pixel i is the mean of the input under a triangle around (i + 1/2) · scale.</summary>
internal static class TriangleFilter
{
    public static Tensor Resize(Tensor plane, int height, int width)
    {
        (int h, int w) = ((int)plane.size(0), (int)plane.size(1));
        using Tensor wide = plane.to_type(ScalarType.Float64).contiguous();
        double[] input = wide.data<double>().ToArray();
        double[] output = new double[height * width];
        for (int y = 0; y < height; y++)
        {
            double[] rows = Weights(y, h, height);
            for (int x = 0; x < width; x++)
            {
                double[] columns = Weights(x, w, width);
                double sum = 0;
                for (int r = 0; r < h; r++)
                {
                    for (int c = 0; c < w; c++) sum += rows[r] * columns[c] * input[(r * w) + c];
                }
                output[(y * width) + x] = sum;
            }
        }
        return tensor(output, [height, width]);
    }

    private static double[] Weights(int place, int from, int to)
    {
        double scale = (double)from / to;
        double support = Math.Max(scale, 1);
        double centre = (place + 0.5) * scale;
        double[] weights = new double[from];
        for (int i = 0; i < from; i++) weights[i] = Math.Max(0, 1 - Math.Abs((i + 0.5 - centre) / support));
        double sum = weights.Sum();
        return Array.ConvertAll(weights, weight => weight / sum);
    }
}
