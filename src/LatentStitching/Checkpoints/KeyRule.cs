using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace LatentStitching.Checkpoints;

/// <summary>How one kind of name in a checkpoint becomes another: a step of a <see cref="KeyMap"/>.</summary>
public sealed class KeyRule
{
    // A pattern comes from whoever writes the map, but the names come from a file.
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(1);
    private readonly Regex _pattern;
    private readonly string? _replacement;
    private readonly Func<Tensor, Tensor>? _convert;

    private KeyRule(string pattern, string? replacement, Func<Tensor, Tensor>? convert)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        _pattern = new Regex($@"^(?:{pattern})\z", RegexOptions.CultureInvariant, _limit);
        _replacement = replacement;
        _convert = convert;
    }

    /// <summary>Makes a rule that renames.</summary>
    /// <param name="pattern">A regular expression that a name must match as a whole.</param>
    /// <param name="replacement">The new name, with $1, $2 … for the pattern's groups.</param>
    /// <param name="convert">What to do with the tensor, for example a reshape; null leaves it. May return a view; must not change its input.</param>
    /// <returns>The rule.</returns>
    /// <exception cref="ArgumentException">The pattern is empty or no regular expression.</exception>
    public static KeyRule Rename([StringSyntax(StringSyntaxAttribute.Regex)] string pattern, string replacement, Func<Tensor, Tensor>? convert = null)
    {
        ArgumentNullException.ThrowIfNull(replacement);
        return new KeyRule(pattern, replacement, convert);
    }

    /// <summary>Makes a rule that leaves a tensor out, such as a buffer that is computed anew.</summary>
    /// <param name="pattern">A regular expression that a name must match as a whole.</param>
    /// <returns>The rule.</returns>
    /// <exception cref="ArgumentException">The pattern is empty or no regular expression.</exception>
    public static KeyRule Drop([StringSyntax(StringSyntaxAttribute.Regex)] string pattern) => new(pattern, null, null);

    /// <summary>Says the rule.</summary>
    /// <returns>For example "^(?:module\.(.*))\z → $1".</returns>
    public override string ToString() => $"{_pattern} → {_replacement ?? "left out"}";

    /// <summary>Applies the rule to one name.</summary>
    /// <returns>Whether the name matched; if so its new name, null where it is left out.</returns>
    internal bool TryApply(string name, out string? renamed)
    {
        Match match = _pattern.Match(name);
        renamed = match.Success && _replacement is not null ? match.Result(_replacement) : null;
        return match.Success;
    }

    internal Tensor Convert(Tensor tensor) => _convert is null ? tensor : _convert(tensor);
}
