using System.Globalization;

namespace LatentStitching.Reporting;

/// <summary>Colours of numbers that people with any colour vision tell apart, and the ink that is read on them.</summary>
internal static class ColourScale
{
    /// <summary>A cell without a number.</summary>
    public const string Missing = "#8c8c8c";

    // Nine even steps of viridis, which is even to the eye and in grey: Smith and van der Walt, "A Better Default Colormap for Matplotlib" (SciPy 2015); dedicated to the public domain (CC0).
    private static readonly uint[] _sequential = [0x440154, 0x472D7B, 0x3B528B, 0x2C728E, 0x21918C, 0x28AE80, 0x5EC962, 0xADDC30, 0xFDE725];

    // Blue below, white at zero, orange above: a pair that no common colour blindness confounds.
    private static readonly uint[] _diverging = [0x2D5FA3, 0x6F9BCB, 0xB9D0E6, 0xF5F5F5, 0xF3CFA5, 0xDF9A52, 0xA9590E];

    /// <summary>The colour at a place of viridis, from 0 (dark) to 1 (bright).</summary>
    public static string Sequential(double place) => Between(_sequential, place);

    /// <summary>The colour at a place of the diverging scale: 0 blue, 0.5 white, 1 orange.</summary>
    public static string Diverging(double place) => Between(_diverging, place);

    /// <summary>Black or white, whichever is read better on the colour.</summary>
    public static string Ink(string colour) => Contrast(colour, "#ffffff") > Contrast(colour, "#000000") ? "#ffffff" : "#000000";

    /// <summary>Contrast ratio of two colours, from 1 to 21: Web Content Accessibility Guidelines 2.1, "contrast ratio" and "relative luminance".</summary>
    public static double Contrast(string one, string other)
    {
        (double a, double b) = (Luminance(one), Luminance(other));
        return (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
    }

    private static string Between(uint[] steps, double place)
    {
        double position = Math.Clamp(place, 0, 1) * (steps.Length - 1);
        int low = Math.Min((int)position, steps.Length - 2);
        double share = position - low;
        return string.Concat("#", Channel(16), Channel(8), Channel(0));

        string Channel(int shift)
        {
            double from = (steps[low] >> shift) & 0xFF, to = (steps[low + 1] >> shift) & 0xFF;
            return ((int)Math.Round(from + (share * (to - from)))).ToString("x2", CultureInfo.InvariantCulture);
        }
    }

    private static double Luminance(string colour)
    {
        uint rgb = uint.Parse(colour.AsSpan(1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (0.2126 * Linear((rgb >> 16) & 0xFF)) + (0.7152 * Linear((rgb >> 8) & 0xFF)) + (0.0722 * Linear(rgb & 0xFF));
    }

    private static double Linear(uint channel)
    {
        double share = channel / 255.0;
        return share <= 0.03928 ? share / 12.92 : Math.Pow((share + 0.055) / 1.055, 2.4);
    }
}
