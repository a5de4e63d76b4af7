using System.Globalization;

namespace LatentStitching.Checkpoints;

/// <summary>Reads the few Python literals that a .npy header is made of: texts, True and False, tuples of whole numbers.</summary>
internal sealed class PythonLiteral(string text, string owner)
{
    private const int MaxDimensions = 64;
    private int _at;

    public InvalidDataException Invalid(string message) => new($"{owner} {message}");

    /// <summary>The next character that is no white space; '\0' at the end.</summary>
    public char Peek()
    {
        while (_at < text.Length && text[_at] is ' ' or '\t' or '\n' or '\r') _at++;
        return _at < text.Length ? text[_at] : '\0';
    }

    public bool Take(char wanted)
    {
        if (Peek() != wanted || _at >= text.Length) return false;
        _at++;
        return true;
    }

    public void Require(char wanted)
    {
        if (!Take(wanted)) throw Unexpected($"'{wanted}'");
    }

    public void RequireEnd()
    {
        Peek();
        if (_at < text.Length) throw Unexpected("its end");
    }

    public string Text()
    {
        char quote = Peek();
        if (quote is not ('\'' or '"')) throw Unexpected("a text");
        int end = text.IndexOf(quote, _at + 1);
        if (end < 0) throw Unexpected("a whole text");
        string value = text[(_at + 1)..end];
        if (value.Contains('\\', StringComparison.Ordinal)) throw Unexpected("a text without escapes");
        _at = end + 1;
        return value;
    }

    public bool Flag()
    {
        Peek();
        foreach ((string word, bool value) in (ReadOnlySpan<(string, bool)>)[("True", true), ("False", false)])
        {
            if (string.CompareOrdinal(text, _at, word, 0, word.Length) != 0) continue;
            _at += word.Length;
            return value;
        }
        throw Unexpected("True or False");
    }

    /// <summary>A tuple of numbers from 0: "()", "(3,)", "(3, 4)".</summary>
    public long[] Numbers()
    {
        Require('(');
        List<long> numbers = [];
        while (!Take(')'))
        {
            Peek();
            int start = _at;
            while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
            if (!long.TryParse(text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                _at = start;
                throw Unexpected("a whole number from 0 to 2^63 - 1");
            }
            // Python 2 wrote long numbers so.
            Take('L');
            if (numbers.Count == MaxDimensions) throw Invalid($"must have at most {MaxDimensions} dimensions, but it has more.");
            numbers.Add(number);
            if (Take(',')) continue;
            if (numbers.Count == 1) throw Unexpected("',' (of a tuple)");
            Require(')');
            break;
        }
        return [.. numbers];
    }

    private InvalidDataException Unexpected(string wanted)
    {
        string found = _at < text.Length ? $"'{PickleText.Safe(text.Substring(_at, Math.Min(12, text.Length - _at)))}'" : "the end";
        return Invalid($"must have a header as NumPy writes it, but at character {_at} {wanted} is wanted and {found} is there.");
    }
}
