namespace LatentStitching.Adapters.Flows;

/// <summary>Checks on the options of a Glow.</summary>
internal static class GlowGuard
{
    public static int Bits(int value, string name) =>
        value is >= 1 and <= 8 ? value : throw new ArgumentOutOfRangeException(name, $"{name} must lie from 1 to 8, but it is {value}.");

    public static ScalarType Dtype(ScalarType value, string name) =>
        value is ScalarType.Float32 or ScalarType.Float64 ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be Float32 or Float64, but it is {value}.");

    public static T Defined<T>(T value, string name)
        where T : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be one of {string.Join(", ", Enum.GetNames<T>())}, but it is {value}.");

    public static int? Class(int? value, int classes, string owner, string name) => value is null || (value >= 0 && value < classes)
        ? value
        : throw new ArgumentOutOfRangeException(name, $"{name} must be null or one of the {classes} classes of {owner}, counted from 0, but it is {value}.");

    public static void Permutation(GlowPermutation value, GlowLayout layout, string name)
    {
        if (value != GlowPermutation.Shuffle || layout != GlowLayout.Rosinality) return;
        throw new ArgumentException($"{name} must be a 1×1 convolution in the layout of rosinality, but it is Shuffle. Take Layout = GlowLayout.Y0ast.", name);
    }
}
