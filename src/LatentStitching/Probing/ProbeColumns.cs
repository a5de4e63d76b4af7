namespace LatentStitching.Probing;

/// <summary>Labels and used rows of several columns as numbers: what the batched solvers take.</summary>
internal static class ProbeColumns
{
    /// <summary>Labels 0 and 1, [n, k], float64.</summary>
    public static Tensor Labels(ProbeLabels labels, Device device) => Of(labels, (row, attribute) => labels[row, attribute], device);

    /// <summary>1 where an attribute uses a row, else 0, [n, k], float64.</summary>
    public static Tensor Mask(ProbeLabels labels, Device device) => Of(labels, labels.Uses, device);

    /// <summary>Places as an index, int64.</summary>
    public static Tensor Places(IEnumerable<int> places, Device device) => tensor(places.Select(place => (long)place).ToArray(), device: device);

    private static Tensor Of(ProbeLabels labels, Func<int, int, bool> entry, Device device)
    {
        int k = labels.Names.Count;
        double[] values = new double[labels.Count * k];
        for (int row = 0; row < labels.Count; row++)
        {
            for (int attribute = 0; attribute < k; attribute++) values[(row * k) + attribute] = entry(row, attribute) ? 1 : 0;
        }
        return tensor(values, [labels.Count, k], device: device);
    }
}
