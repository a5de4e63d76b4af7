using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>The texts that tell features apart: part of a metric's signature, so without its separators.</summary>
internal static partial class FeatureSignature
{
    public static string Require(string value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        Guard.NotBlank(value, name);
        return Pattern().IsMatch(value)
            ? value
            : throw new ArgumentException($"{name} must be of lower-case letters, digits, '-', '.', '+' and ',', but it is '{value}'.", name);
    }

    [GeneratedRegex(@"^[a-z0-9.+,-]+$", RegexOptions.None, 1000)]
    private static partial Regex Pattern();
}
