namespace LatentStitching.Mapping;
internal static class AffineMapFile
{
    public static void Save(AffineMap map, string path, IReadOnlyDictionary<string, string>? provenance) => throw new InvalidOperationException();
    public static AffineMap Load(string path) => throw new InvalidOperationException();
}
