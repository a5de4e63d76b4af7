using System.Globalization;

namespace LatentStitching.Data;

/// <summary>Reads CelebA's text tables.</summary>
internal static class CelebATables
{
    private static readonly char[] _blanks = [' ', '\t'];

    /// <summary>The attributes of the given images, from the official list or from CSV.</summary>
    public static AttributeTable Attributes(string path, IReadOnlyList<string> ids)
    {
        Lines lines = Lines.Open(path, "attributes");
        bool official = lines.TryNext(out string first) && int.TryParse(first.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out _);
        char[] separators = official ? _blanks : [','];
        string[] header;
        int declared = -1;
        if (official)
        {
            declared = int.Parse(first.Trim(), NumberStyles.None, CultureInfo.InvariantCulture);
            header = ["image_id", .. lines.TryNext(out string second)
                ? Split(second, separators)
                : throw lines.Damaged("a line of attribute names below it", "the end of the file")];
        }
        else
        {
            header = Split(first, separators);
            if (header.Length < 2 || !string.Equals(header[0], "image_id", StringComparison.OrdinalIgnoreCase))
            {
                throw lines.Damaged("a count of images (list_attr_celeba.txt) or a CSV header that begins with image_id", $"'{Shorten(first)}'");
            }
        }

        int[] columns = [.. Enumerable.Range(1, header.Length - 1).Where(i => !string.Equals(header[i], "identity", StringComparison.OrdinalIgnoreCase))];
        Dictionary<string, bool[]> rows = new(StringComparer.Ordinal);
        HashSet<string> wanted = new(ids, StringComparer.Ordinal);
        int count = 0;
        while (lines.TryNext(out string line))
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            count++;
            string[] cells = Split(line, separators);
            if (cells.Length != header.Length) throw lines.Damaged($"{header.Length} cells", $"{cells.Length}");
            if (!wanted.Contains(cells[0])) continue;
            if (!rows.TryAdd(cells[0], Array.ConvertAll(columns, column => Value(cells[column], header[column], lines)))) throw lines.Damaged("an image of its own", $"'{cells[0]}' again");
        }
        if (official && count != declared)
        {
            throw new InvalidDataException($"'{path}' must hold the {declared} images that its first line declares, but it holds {count}.");
        }
        RequireAll(ids, rows.ContainsKey, path, "attributes");
        return new AttributeTable([.. columns.Select(column => header[column])], [.. ids.Select(id => rows[id])]);
    }

    /// <summary>The official part of each of the given images.</summary>
    public static CelebAPartition[] Partitions(string path, IReadOnlyList<string> ids)
    {
        Lines lines = Lines.Open(path, "path");
        Dictionary<string, CelebAPartition> parts = new(StringComparer.Ordinal);
        while (lines.TryNext(out string line))
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            string[] cells = Split(line, _blanks);
            if (cells.Length != 2 || cells[1] is not ("0" or "1" or "2")) throw lines.Damaged("a file name and 0, 1 or 2", $"'{Shorten(line)}'");
            if (!parts.TryAdd(cells[0], (CelebAPartition)(cells[1][0] - '0'))) throw lines.Damaged("an image of its own", $"'{cells[0]}' again");
        }
        RequireAll(ids, parts.ContainsKey, path, "path");
        return [.. ids.Select(id => parts[id])];
    }

    private static bool Value(string cell, string column, Lines lines) => cell switch
    {
        "1" => true,
        "0" or "-1" => false,
        _ => throw lines.Damaged($"0 or 1 (or -1 or 1) in the column '{column}'", $"'{Shorten(cell)}'", " Only binary columns and 'identity' are understood: remove the others."),
    };

    private static void RequireAll(IReadOnlyList<string> ids, Func<string, bool> has, string path, string parameter)
    {
        string[] missing = [.. ids.Where(id => !has(id))];
        if (missing.Length == 0) return;
        throw new ArgumentException(
            $"{parameter} must have a row for each of the {ids.Count} images, but {NameList.Of(missing, missing.Length)} not in '{path}'. Take the table that belongs to these images.",
            parameter);
    }

    private static string[] Split(string line, char[] separators) =>
        line.Split(separators, separators.Length == 1 ? StringSplitOptions.TrimEntries : StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "…";

    /// <summary>The lines of a file, counted.</summary>
    private sealed class Lines(string path, string[] lines)
    {
        private int _number;

        public static Lines Open(string path, string parameter) =>
            File.Exists(path)
                ? new Lines(path, File.ReadAllLines(path))
                : throw new FileNotFoundException($"{parameter} must be a table, but there is no file '{path}'.", path);

        public bool TryNext(out string line)
        {
            bool more = _number < lines.Length;
            line = more ? lines[_number++] : "";
            return more;
        }

        public InvalidDataException Damaged(string rule, string came, string cure = "") =>
            new($"Line {Math.Max(1, _number)} of '{path}' must hold {rule}, but it holds {came}.{cure}");
    }
}
