using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LatentStitching.Numerics.Products;

/// <summary>Four float64 numbers.</summary>
internal readonly unsafe struct DoubleQuads : IQuads<Vector256<double>, double>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Load(double* numbers) => Vector256.Load(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Convert<TStored>(TStored* numbers)
        where TStored : unmanaged
    {
        if (typeof(TStored) == typeof(double)) return Vector256.Load((double*)numbers);
        Vector128<float> narrow = Vector128.Load((float*)numbers);
        return Avx.IsSupported ? Avx.ConvertToVector256Double(narrow) : Vector256.Create(Vector128.WidenLower(narrow), Vector128.WidenUpper(narrow));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Repeat(double number) => Vector256.Create(number);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> MultiplyAdd(Vector256<double> a, Vector256<double> b, Vector256<double> c) => Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<double> vector, double* numbers) => vector.Store(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(ref Vector256<double> a, ref Vector256<double> b, ref Vector256<double> c, ref Vector256<double> d)
    {
        Vector256<double> even = Avx.UnpackLow(a, b), odd = Avx.UnpackHigh(a, b), evenLast = Avx.UnpackLow(c, d), oddLast = Avx.UnpackHigh(c, d);
        a = Avx.Permute2x128(even, evenLast, 0x20);
        b = Avx.Permute2x128(odd, oddLast, 0x20);
        c = Avx.Permute2x128(even, evenLast, 0x31);
        d = Avx.Permute2x128(odd, oddLast, 0x31);
    }
}

/// <summary>Four float32 numbers.</summary>
internal readonly unsafe struct SingleQuads : IQuads<Vector128<float>, float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* numbers) => Vector128.Load(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Convert<TStored>(TStored* numbers)
        where TStored : unmanaged
    {
        if (typeof(TStored) == typeof(float)) return Vector128.Load((float*)numbers);
        double* wide = (double*)numbers;
        return Avx.IsSupported ? Avx.ConvertToVector128Single(Vector256.Load(wide)) : Vector128.Narrow(Vector128.Load(wide), Vector128.Load(wide + 2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Repeat(float number) => Vector128.Create(number);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> vector, float* numbers) => vector.Store(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transpose(ref Vector128<float> a, ref Vector128<float> b, ref Vector128<float> c, ref Vector128<float> d)
    {
        Vector128<float> low = Sse.UnpackLow(a, b), high = Sse.UnpackHigh(a, b), lowLast = Sse.UnpackLow(c, d), highLast = Sse.UnpackHigh(c, d);
        a = Sse.MoveLowToHigh(low, lowLast);
        b = Sse.MoveHighToLow(lowLast, low);
        c = Sse.MoveLowToHigh(high, highLast);
        d = Sse.MoveHighToLow(highLast, high);
    }
}
