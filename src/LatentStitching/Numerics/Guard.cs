using System.Globalization;
using System.Runtime.CompilerServices;

namespace LatentStitching.Numerics;

/// <summary>Argument checks on plain values. Every text reads "{parameter} must {rule}, but {what came}. {How to put it right.}".</summary>
internal static class Guard
{
    public static long Positive(long value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value > 0 ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be positive, but it is {value}.");

    public static int Positive(int value, [CallerArgumentExpression(nameof(value))] string name = "") => (int)Positive((long)value, name);

    public static double Positive(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value > 0 && double.IsFinite(value)
            ? value
            : throw new ArgumentOutOfRangeException(name, string.Create(CultureInfo.InvariantCulture, $"{name} must be positive and finite, but it is {value}."));

    public static double NotNegative(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= 0 && double.IsFinite(value)
            ? value
            : throw new ArgumentOutOfRangeException(name, string.Create(CultureInfo.InvariantCulture, $"{name} must be zero or more and finite, but it is {value}."));

    public static long NotNegative(long value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= 0 ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be zero or more, but it is {value}.");

    public static int AtLeast(int value, int least, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= least ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be at least {least}, but it is {value}.");

    public static T NotNull<T>(T value, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : class =>
        value ?? throw new ArgumentNullException(name);

    /// <summary>A floating-point type, or null.</summary>
    public static ScalarType FloatingPoint(ScalarType value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64
            ? value
            : throw new ArgumentOutOfRangeException(name, $"{name} must be a floating-point type, but it is {value}.");

    public static int Odd(int value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value > 0 && value % 2 == 1
            ? value
            : throw new ArgumentOutOfRangeException(name, $"{name} must be odd and positive, but it is {value}.");

    public static double Fraction(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value is > 0 and < 1
            ? value
            : throw new ArgumentOutOfRangeException(name, string.Create(CultureInfo.InvariantCulture, $"{name} must lie strictly between 0 and 1, but it is {value}."));

    public static double Share(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value is >= 0 and < 1
            ? value
            : throw new ArgumentOutOfRangeException(name, string.Create(CultureInfo.InvariantCulture, $"{name} must lie from 0 to below 1, but it is {value}."));

    public static void NotEmpty<T>(IReadOnlyCollection<T> value, string cure, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(value, name);
        if (value.Count == 0) throw new ArgumentException($"{name} must hold at least one entry, but it is empty. {cure}", name);
    }

    public static void NotAlike<T>(IReadOnlyCollection<T> value, string what, string cure, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        int count = value.Distinct().Count();
        if (count < 2) throw new ArgumentException($"{name} must name at least two {what}, but it names {count}. {cure}", name);
    }

    public static string NotBlank(string value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(value, name);
        return string.IsNullOrWhiteSpace(value) ? throw new ArgumentException($"{name} must not be blank.", name) : value;
    }
}
