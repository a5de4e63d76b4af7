using LatentStitching.Data;

namespace LatentStitching.Probing;

/// <summary>Seeded stratified folds: each attribute's rows of either class dealt out in turn.</summary>
internal static class ProbeFolds
{
    public static void Require(ProbeLabels labels, int folds)
    {
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            (int rows, int positives) = labels.Size(attribute);
            int fewer = Math.Min(positives, rows - positives);
            if (fewer >= folds) continue;
            throw new ArgumentException($"labels must have at least {folds} rows of each class, one a fold, but '{labels.Names[attribute]}' has {fewer} of one. Use fewer folds, or leave the attribute out.", nameof(labels));
        }
    }

    /// <summary>For each fold [n, k], float64: 1 where an attribute's row is held out. Belongs to the open scope.</summary>
    public static Tensor[] Of(ProbeLabels labels, int folds, ulong seed, Device device)
    {
        int k = labels.Names.Count;
        double[][] held = [.. Enumerable.Range(0, folds).Select(_ => new double[labels.Count * k])];
        int[] order = new SplitMix64(seed).Permutation(labels.Count);
        for (int attribute = 0; attribute < k; attribute++)
        {
            // One class goes on where the other ended, so that folds differ by one row at most.
            int turn = 0;
            foreach (bool side in (bool[])[true, false])
            {
                foreach (int row in order.Where(row => labels.Uses(row, attribute) && labels[row, attribute] == side)) held[turn++ % folds][(row * k) + attribute] = 1;
            }
        }
        return [.. held.Select(values => tensor(values, [labels.Count, k], device: device))];
    }
}
