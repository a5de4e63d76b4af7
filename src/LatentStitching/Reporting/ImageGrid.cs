namespace LatentStitching.Reporting;

/// <summary>Draws labelled grids of images to PNG files.</summary>
public static class ImageGrid
{
    /// <summary>Draws image batches side by side, one labelled column (or row) each, image i of all of them in one line.</summary>
    public static void Save(string path, IReadOnlyList<(string Label, Tensor Images)> entries, ImageGridOptions? options = null) => throw new NotSupportedException(path);

    /// <summary>Writes one image as it is, pixel for pixel, no label and no margin.</summary>
    public static void SaveImage(string path, Tensor image) => throw new NotSupportedException(path);
}
