namespace LatentStitching.Checkpoints;

/// <summary>Finds the names that a mistyped one may stand for.</summary>
internal static class NearNames
{
    private const int Shown = 5;
    private const int Compared = 256;
    private const int Searched = 10_000;

    /// <summary>Up to five names, nearest first, by the number of letters to change; of very many, the first are searched.</summary>
    public static string Of(string name, IReadOnlyList<string> names) => names.Count == 0
        ? "there are none"
        : string.Join(", ", names.Take(Searched).OrderBy(other => Distance(name, other)).Take(Shown).Select(other => $"'{PickleText.Safe(other)}'")) + (names.Count > Shown ? ", …" : "");

    // Levenshtein's distance, row by row.
    private static int Distance(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        a = a[..Math.Min(a.Length, Compared)];
        b = b[..Math.Min(b.Length, Compared)];
        Span<int> row = stackalloc int[Compared + 1];
        for (int j = 0; j <= b.Length; j++) row[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, 1 + Math.Min(row[j], row[j - 1]));
            }
        }
        return row[b.Length];
    }
}
