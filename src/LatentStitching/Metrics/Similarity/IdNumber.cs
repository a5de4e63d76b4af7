using System.Globalization;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Numbers as they stand in ids: without an exponent, whose minus would read as the next part.</summary>
internal static class IdNumber
{
    public static string Of(double value) => value.ToString("0.#################", CultureInfo.InvariantCulture);
}
