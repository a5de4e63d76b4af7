namespace LatentStitching.Data;

/// <summary>Checks that all image sources share.</summary>
internal static class ImageSourceGuard
{
    public static void Indices(IReadOnlyList<int> indices, int count, string name = "indices")
    {
        ArgumentNullException.ThrowIfNull(indices, name);
        if (indices.Count == 0) throw new ArgumentException($"{name} must hold at least one index, but it is empty.", name);
        for (int i = 0; i < indices.Count; i++)
        {
            if ((uint)indices[i] >= (uint)count)
            {
                throw new ArgumentOutOfRangeException(name, $"{name} must lie from 0 to {count - 1}, but entry {i} is {indices[i]}.");
            }
        }
    }
}
