namespace LatentStitching.Tests.Support;

/// <summary>Small integer-made matrices whose measures are known to 15 digits from independent implementations (NumPy, SciPy, scikit-learn).</summary>
internal static class Golden
{
    /// <summary>12 × 4.</summary>
    public static Tensor X() => Matrix(12, 4, XAt);

    /// <summary>12 × 3.</summary>
    public static Tensor Y() => Matrix(12, 3, (i, j) => ((XAt(i, j) + XAt(i, j + 1)) / 2) + ((((5 * i) + (3 * j) + (i * j * j) + (i * i)) % 11) / 22.0));

    public static Tensor Matrix(int rows, int columns, Func<int, int, double> value)
    {
        double[] values = new double[rows * columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) values[(i * columns) + j] = value(i, j);
        }
        using var scope = NewDisposeScope();
        return tensor(values).reshape(rows, columns).MoveToOuterDisposeScope();
    }

    private static double XAt(int i, int j) => (((3 * i * i) + (7 * i * j) + (5 * j * j) + (2 * i) + (11 * j) + 1) % 23) / 23.0;
}
