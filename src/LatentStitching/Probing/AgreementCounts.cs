namespace LatentStitching.Probing;

/// <summary>What two predictions of one attribute have in common, from how often each combination with the label occurs.</summary>
/// <remarks>A prediction is 1, 0, or −1 for neither; the cell of a row is 9·label + 3·(first + 1) + second + 1, of 18.</remarks>
internal static class AgreementCounts
{
    public const int Cells = 18;
    public const byte Unused = byte.MaxValue;

    public static byte Cell(bool label, sbyte first, sbyte second) => (byte)((label ? 9 : 0) + (3 * (first + 1)) + second + 1);

    public static bool FirstRight(int cell) => (cell % 9 / 3) - 1 == cell / 9;

    public static bool SecondRight(int cell) => (cell % 3) - 1 == cell / 9;

    public static bool Equal(int cell) => cell % 9 / 3 == cell % 3;

    /// <summary>Counts the cells of rows drawn so many times each.</summary>
    public static void Count(ReadOnlySpan<byte> cells, ReadOnlySpan<int> times, Span<int> counts)
    {
        counts.Clear();
        for (int row = 0; row < cells.Length; row++)
        {
            if (cells[row] != Unused) counts[cells[row]] += times[row];
        }
    }

    public static double Share(ReadOnlySpan<int> counts, Func<int, bool> which)
    {
        (int all, int some) = (0, 0);
        for (int cell = 0; cell < Cells; cell++)
        {
            all += counts[cell];
            if (which(cell)) some += counts[cell];
        }
        return some / (double)all;
    }

    /// <summary>Cohen's κ between the two predictions; NaN where both always say the same one thing.</summary>
    public static double Kappa(ReadOnlySpan<int> counts)
    {
        Span<double> first = stackalloc double[3], second = stackalloc double[3];
        first.Clear();
        second.Clear();
        (double all, double equal, double chance) = (0, 0, 0);
        for (int cell = 0; cell < Cells; cell++)
        {
            all += counts[cell];
            first[cell % 9 / 3] += counts[cell];
            second[cell % 3] += counts[cell];
            if (Equal(cell)) equal += counts[cell];
        }
        for (int value = 0; value < 3; value++) chance += first[value] / all * (second[value] / all);
        return Corrected(equal / all, chance);
    }

    /// <summary>κ between being right on the one and being right on the other: agreement beyond what the two accuracies alone bring.</summary>
    public static double ErrorConsistency(ReadOnlySpan<int> counts)
    {
        double first = Share(counts, FirstRight), second = Share(counts, SecondRight);
        double alike = Share(counts, cell => FirstRight(cell) == SecondRight(cell));
        return Corrected(alike, (first * second) + ((1 - first) * (1 - second)));
    }

    // Chance agreement within rounding of 1 leaves nothing to correct.
    private static double Corrected(double observed, double chance) => 1 - chance < 1e-12 ? double.NaN : (observed - chance) / (1 - chance);
}
