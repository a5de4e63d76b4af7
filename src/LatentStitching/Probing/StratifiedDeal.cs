namespace LatentStitching.Probing;

/// <summary>Deals rows out to sets so that every attribute's two values are as frequent in each as in all.</summary>
/// <remarks>Source: Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-label Data" (ECML PKDD 2011), algorithm 1, with both values of an attribute as labels.</remarks>
internal static class StratifiedDeal
{
    /// <summary>The set of each row of <paramref name="rows"/>.</summary>
    public static int[] Of(ProbeLabels labels, int[] rows, double[] shares)
    {
        int k = labels.Names.Count, sets = shares.Length;
        int[] place = new int[rows.Length], remaining = new int[2 * k];
        Array.Fill(place, -1);
        List<int>[] holders = [.. Enumerable.Range(0, 2 * k).Select(_ => new List<int>())];
        for (int i = 0; i < rows.Length; i++)
        {
            foreach (int label in Of(labels, rows[i])) holders[label].Add(i);
        }
        for (int label = 0; label < 2 * k; label++) remaining[label] = holders[label].Count;
        double[] room = [.. shares.Select(share => share * rows.Length)];
        double[][] lack = [.. Enumerable.Range(0, 2 * k).Select(label => shares.Select(share => share * remaining[label]).ToArray())];

        while (true)
        {
            int rarest = -1;
            for (int label = 0; label < 2 * k; label++)
            {
                if (remaining[label] > 0 && (rarest < 0 || remaining[label] < remaining[rarest])) rarest = label;
            }
            if (rarest < 0) break;
            foreach (int i in holders[rarest].Where(i => place[i] < 0)) Put(i, Best(lack[rarest]));
        }
        for (int i = 0; i < rows.Length; i++) if (place[i] < 0) Put(i, Best(room));
        return place;

        void Put(int i, int set)
        {
            place[i] = set;
            room[set]--;
            foreach (int label in Of(labels, rows[i]))
            {
                lack[label][set]--;
                remaining[label]--;
            }
        }

        // The set that lacks it most, among equals the one with the most room.
        int Best(double[] wanted)
        {
            int best = -1;
            for (int set = 0; set < sets; set++)
            {
                if (shares[set] <= 0) continue;
                if (best < 0 || wanted[set] > wanted[best] + 1e-9 || (wanted[set] > wanted[best] - 1e-9 && room[set] > room[best])) best = set;
            }
            return best;
        }
    }

    private static IEnumerable<int> Of(ProbeLabels labels, int row) =>
        Enumerable.Range(0, labels.Names.Count).Where(attribute => labels.Uses(row, attribute)).Select(attribute => (2 * attribute) + (labels[row, attribute] ? 1 : 0));
}
