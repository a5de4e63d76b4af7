namespace LatentStitching.Data;

/// <summary>Names for an error text: all of a few, the first of many.</summary>
internal static class NameList
{
    private const int Shown = 3;

    /// <summary>For example "5 images (a.jpg, b.jpg, c.jpg, …) are".</summary>
    public static string Of(IEnumerable<string> names, int count)
    {
        string some = string.Join(", ", names.Take(Shown));
        return count == 1 ? $"1 image ({some}) is" : $"{count} images ({some}{(count > Shown ? ", …" : "")}) are";
    }
}
