using System.Numerics;
using System.Runtime.CompilerServices;
using LatentStitching.Numerics.Products;

namespace LatentStitching.Numerics;

/// <summary>Column means of a matrix and what is left about them, in one pass and float64, without a copy of a single row.</summary>
/// <remarks>Differences to the first row are added up: exact for a constant column, and an offset costs no digits.</remarks>
internal static unsafe class ColumnMoments
{
    private const int ColumnBlock = 1024; // whose sums stay in the first-level cache

    /// <summary>Whether the numbers can be read where they are.</summary>
    public static bool Serves(Tensor values) =>
        values.device_type == DeviceType.CPU && values.dtype is ScalarType.Float32 or ScalarType.Float64 && values.stride(1) == 1 && values.size(1) <= int.MaxValue;

    /// <summary>The means [d], float64, and Σ(x − mean)² over all entries.</summary>
    /// <param name="values">[n, d], float32 or float64, rows in one piece.</param>
    public static (Tensor Mean, double SumOfSquares) Of(Tensor values)
    {
        double[] first = new double[values.size(1)], sums = new double[first.Length];
        double squares = values.dtype == ScalarType.Float32 ? Add(new Strided<float>(values), first, sums) : Add(new Strided<double>(values), first, sums);
        GC.KeepAlive(values);
        double rows = values.size(0), moved = 0;
        for (int i = 0; i < sums.Length; i++)
        {
            double step = sums[i] / rows;
            moved += step * step;
            sums[i] = first[i] + step;
        }
        // Σ(x − f)² about the first row f is Σ(x − mean)² + n‖mean − f‖².
        return (torch.tensor(sums), Math.Max(0, squares - (rows * moved)));
    }

    private static double Add<T>(Strided<T> values, double[] first, double[] sums)
        where T : unmanaged, INumber<T>
    {
        double squares = 0;
        for (int i = 0; i < first.Length; i++) first[i] = double.CreateTruncating(*values.At(0, i));
        fixed (double* origin = first, sum = sums)
        {
            for (int column = 0; column < first.Length; column += ColumnBlock)
            {
                int width = Math.Min(ColumnBlock, first.Length - column);
                for (long row = 0; row < values.Rows; row++)
                {
                    T* numbers = values.At(row, column);
                    squares += typeof(T) == typeof(float) ? AddRow((float*)numbers, origin + column, sum + column, width) : AddRow((double*)numbers, origin + column, sum + column, width);
                }
            }
        }
        return squares;
    }

    private static double AddRow(float* row, double* origin, double* sums, int width)
    {
        Vector<double> squares = default;
        int i = 0, half = Vector<double>.Count;
        for (; i <= width - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(Vector.Load(row + i), out Vector<double> low, out Vector<double> high);
            squares += Add(low, origin + i, sums + i) + Add(high, origin + i + half, sums + i + half);
        }
        double rest = Vector.Sum(squares);
        for (; i < width; i++) rest += Add(row[i], origin + i, sums + i);
        return rest;
    }

    private static double AddRow(double* row, double* origin, double* sums, int width)
    {
        Vector<double> squares = default;
        int i = 0;
        for (; i <= width - Vector<double>.Count; i += Vector<double>.Count) squares += Add(Vector.Load(row + i), origin + i, sums + i);
        double rest = Vector.Sum(squares);
        for (; i < width; i++) rest += Add(row[i], origin + i, sums + i);
        return rest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<double> Add(Vector<double> numbers, double* origin, double* sums)
    {
        Vector<double> difference = numbers - Vector.Load(origin);
        (Vector.Load(sums) + difference).Store(sums);
        return difference * difference;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Add(double number, double* origin, double* sum)
    {
        double difference = number - *origin;
        *sum += difference;
        return difference * difference;
    }
}
