using System.Globalization;

namespace LatentStitching.Reporting;

/// <summary>Numbers as they are shown: the same text in every format, in every culture.</summary>
internal static class NumberText
{
    private const double Largest = 1e6;
    private const double Smallest = 1e-3;
    private const int MostDigits = 15;

    /// <summary>A number without uncertainty: whole ones as they are, others with four significant digits.</summary>
    public static string Of(double value) => Of(value, Digits(value, 4), Math.Abs(value));

    /// <summary>The number and its interval, all with as many decimals as give the interval's width two significant digits; without an interval (NaN), the number alone.</summary>
    public static string Of(double value, double lower, double upper) =>
        double.IsNaN(lower) ? Of(value) : $"{Value(value, lower, upper)} {Interval(value, lower, upper)}";

    public static string Value(double value, double lower, double upper) =>
        double.IsNaN(lower) ? Of(value) : Of(value, Decimals(value, lower, upper), Size(value, lower, upper));

    /// <summary>"[lower, upper]", or nothing where there is none.</summary>
    public static string Interval(double value, double lower, double upper)
    {
        if (double.IsNaN(lower)) return "";
        (int decimals, double size) = (Decimals(value, lower, upper), Size(value, lower, upper));
        return $"[{Of(lower, decimals, size)}, {Of(upper, decimals, size)}]";
    }

    private static int Decimals(double value, double lower, double upper) => upper > lower ? Digits(upper - lower, 2) : Digits(value, 4);

    private static double Size(double value, double lower, double upper) => Math.Max(Math.Abs(value), Math.Max(Math.Abs(lower), Math.Abs(upper)));

    private static int Digits(double value, int significant) =>
        value == Math.Round(value) && Math.Abs(value) < 1e15 && significant > 2 ? 0
        : double.IsFinite(value) ? significant - 1 - Exponent(value)
        : 0;

    // A hair above, so that a width of 0.1 that came out as 0.09999… still has its decimals.
    private static int Exponent(double value) => (int)Math.Floor(Math.Log10(Math.Abs(value)) + 1e-9);

    private static string Of(double value, int decimals, double size)
    {
        if (!double.IsFinite(value)) return value.ToString(CultureInfo.InvariantCulture);
        bool plain = size == 0 || (size >= Smallest && (size < Largest || decimals == 0 && size < 1e15));
        if (plain)
        {
            string text = value.ToString($"F{Math.Clamp(decimals, 0, MostDigits)}", CultureInfo.InvariantCulture);
            return text.StartsWith('-') && text.All(sign => sign is '-' or '0' or '.') ? text[1..] : text;
        }
        int mantissa = Math.Clamp(decimals + Exponent(size), 0, MostDigits);
        return value.ToString(mantissa == 0 ? "0e-0" : $"0.{new string('0', mantissa)}e-0", CultureInfo.InvariantCulture);
    }
}
