using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LatentStitching.Numerics.Products;

/// <summary>Eight float64 numbers: AVX-512.</summary>
internal readonly unsafe struct DoubleLanes512 : ILanes<Vector512<double>, double>
{
    public static int Count => 8;

    public static Vector512<double> Zero => Vector512<double>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Load(double* numbers) => Vector512.Load(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Repeat(double* number) => Vector512.Create(*number);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> MultiplyAdd(Vector512<double> a, Vector512<double> b, Vector512<double> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo<TSum>(TSum* sums, Vector512<double> vector)
        where TSum : unmanaged => (Vector512.Load((double*)sums) + vector).Store((double*)sums);
}

/// <summary>Four float64 numbers: AVX2.</summary>
internal readonly unsafe struct DoubleLanes256 : ILanes<Vector256<double>, double>
{
    public static int Count => 4;

    public static Vector256<double> Zero => Vector256<double>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Load(double* numbers) => Vector256.Load(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Repeat(double* number) => Vector256.Create(*number);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> MultiplyAdd(Vector256<double> a, Vector256<double> b, Vector256<double> c) => Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo<TSum>(TSum* sums, Vector256<double> vector)
        where TSum : unmanaged => (Vector256.Load((double*)sums) + vector).Store((double*)sums);
}

/// <summary>Sixteen float32 numbers: AVX-512.</summary>
internal readonly unsafe struct SingleLanes512 : ILanes<Vector512<float>, float>
{
    public static int Count => 16;

    public static Vector512<float> Zero => Vector512<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* numbers) => Vector512.Load(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Repeat(float* number) => Vector512.Create(*number);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo<TSum>(TSum* sums, Vector512<float> vector)
        where TSum : unmanaged
    {
        if (typeof(TSum) == typeof(float))
        {
            (Vector512.Load((float*)sums) + vector).Store((float*)sums);
            return;
        }
        (Vector512<double> low, Vector512<double> high) = Vector512.Widen(vector);
        double* wide = (double*)sums;
        (Vector512.Load(wide) + low).Store(wide);
        (Vector512.Load(wide + 8) + high).Store(wide + 8);
    }
}

/// <summary>Eight float32 numbers: AVX2.</summary>
internal readonly unsafe struct SingleLanes256 : ILanes<Vector256<float>, float>
{
    public static int Count => 8;

    public static Vector256<float> Zero => Vector256<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* numbers) => Vector256.Load(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Repeat(float* number) => Vector256.Create(*number);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo<TSum>(TSum* sums, Vector256<float> vector)
        where TSum : unmanaged
    {
        if (typeof(TSum) == typeof(float))
        {
            (Vector256.Load((float*)sums) + vector).Store((float*)sums);
            return;
        }
        (Vector256<double> low, Vector256<double> high) = Vector256.Widen(vector);
        double* wide = (double*)sums;
        (Vector256.Load(wide) + low).Store(wide);
        (Vector256.Load(wide + 4) + high).Store(wide + 4);
    }
}
