namespace LatentStitching.Numerics;

/// <summary>Arithmetic of tensors with numbers where two managed threads may run, and numbers out of tensors.</summary>
/// <remarks>
/// In TorchSharp 0.107 a number becomes a Scalar that nothing holds while libtorch reads it: a collection that another thread starts meanwhile lets the finaliser free it, and an error or another number comes out. The using holds it until the call
/// is over. On Linux x64 <see cref="LatentStitching.Native.TorchNative"/> cures that for the whole process; this serves the other systems. docs/native-loading.md tells more.
/// </remarks>
internal static class HeldNumbers
{
    public static Tensor Plus(this Tensor x, double number)
    {
        using Scalar held = number;
        return x.add(held);
    }

    public static Tensor Minus(this Tensor x, double number)
    {
        using Scalar held = number;
        return x.sub(held);
    }

    public static Tensor Times(this Tensor x, double number)
    {
        using Scalar held = number;
        return x.mul(held);
    }

    public static Tensor Over(this Tensor x, double number)
    {
        using Scalar held = number;
        return x.div(held);
    }

    /// <summary>Squares in place and gives the tensor itself: the bits of pow_(2), without a number that libtorch reads late.</summary>
    public static Tensor Squared(this Tensor x) => x.mul_(x);

    /// <summary>Clamped to [low, high].</summary>
    public static Tensor Within(this Tensor x, double low, double high)
    {
        using Scalar least = low, most = high;
        return x.clamp(least, most);
    }

    /// <summary>n equal numbers.</summary>
    public static Tensor Repeated(double number, long count, ScalarType dtype, Device device)
    {
        using Scalar held = number;
        return full([count], held, dtype, device);
    }

    /// <summary>0, 1, … count − 1.</summary>
    public static Tensor Counted(long count, ScalarType dtype, Device device)
    {
        using Scalar first = 0, end = count, step = 1;
        return arange(first, end, step, dtype, device);
    }

    /// <summary>The only entry of a tensor.</summary>
    public static double Number(this Tensor x)
    {
        using Scalar held = x.ToScalar();
        return held.ToDouble();
    }

    /// <summary>The only entry of a Boolean tensor.</summary>
    public static bool Holds(this Tensor x)
    {
        using Scalar held = x.ToScalar();
        return held.ToBoolean();
    }
}
