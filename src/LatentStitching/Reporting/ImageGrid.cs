using LatentStitching.Numerics;
using SkiaSharp;

namespace LatentStitching.Reporting;

/// <summary>Draws labelled grids of images to PNG files.</summary>
/// <remarks>
/// <para>The font comes with the library (DejaVu Sans: Latin, Latin-1 and → × ± ≤ ≥ – … ² ³ α β σ μ), so a grid looks alike on every machine.
/// A character that it lacks is written as its code, "[U+65E5]". Labels are wrapped, and make their column or row larger where a word does not fit.</para>
/// <para>Thread safety: static; may be called from several threads at once.</para>
/// </remarks>
public static class ImageGrid
{
    private const double CellFont = 0.85;
    private const int LongestSide = 32767;
    private const long LargestPicture = 1L << 27;

    /// <summary>Draws image batches side by side: entry j is column j (or row j) under its label, and image i of every entry stands in line i.</summary>
    /// <param name="path">The PNG file. It is written beside and then renamed, over a file that is there; its folder must exist.</param>
    /// <param name="entries">
    /// Labels, which may be empty, and image batches [n, c, h, w] with one or three channels, floating point in [0, 1], any device. All have the same n;
    /// sizes and channels may differ. Not disposed.
    /// </param>
    /// <param name="options">Title, labels, sizes; null for the defaults.</param>
    /// <exception cref="ArgumentException">There is no entry, a batch is no image batch or has another length, labels do not fit, or the picture would be too large.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="IOException">The file cannot be written; no part of it is left.</exception>
    public static void Save(string path, IReadOnlyList<(string Label, Tensor Images)> entries, ImageGridOptions? options = null)
    {
        Guard.NotBlank(path);
        using SKImage whole = Draw(entries, options ?? new ImageGridOptions());
        Picture.Save(whole, path);
    }

    /// <summary>Writes one image pixel for pixel, without label or margin. Values are rounded to the nearest of 256.</summary>
    /// <param name="path">The PNG file. It is written beside and then renamed, over a file that is there; its folder must exist.</param>
    /// <param name="image">Image batch [1, c, h, w] with one or three channels, floating point in [0, 1], any device. Not disposed.</param>
    /// <exception cref="ArgumentException">The batch holds several images, or is no image batch.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="IOException">The file cannot be written; no part of it is left.</exception>
    public static void SaveImage(string path, Tensor image)
    {
        Guard.NotBlank(path);
        Drawable(image, nameof(image));
        if (image.size(0) != 1)
        {
            throw new ArgumentException($"image must hold one image, but its shape is {TensorGuard.Shape(image)}. Draw several with ImageGrid.Save.", nameof(image));
        }
        using SKImage picture = Picture.FromTensor(image)[0];
        Picture.Save(picture, path);
    }

    /// <summary>The picture that <see cref="Save"/> writes.</summary>
    internal static SKImage Draw(IReadOnlyList<(string Label, Tensor Images)> entries, ImageGridOptions options)
    {
        int count = Check(entries, options);

        string[] entryLabels = [.. entries.Select(entry => entry.Label)];
        string[] imageLabels = options.ImageLabels is { } given ? [.. given] : [.. Enumerable.Repeat("", count)];
        using GridFont font = new(options.FontSize);
        using GridFont titleFont = new(1.25 * options.FontSize);
        using GridFont cellFont = new(CellFont * options.FontSize);
        // A cell is an image and, above it, its label.
        int above = options.CellLabels is null ? 0 : cellFont.LineHeight;
        int[] widths = [.. entries.Select((entry, e) => Math.Max(checked((int)entry.Images.size(3) * options.Scale), options.CellLabels is { } cells ? cells[e].Max(label => cellFont.Width(label)) : 0))];
        int[] heights = [.. entries.Select(entry => checked(((int)entry.Images.size(2) * options.Scale) + above))];

        GridLayout layout = options.EntriesAsRows
            ? new(options.Title ?? "", imageLabels, entryLabels, Repeat(widths.Max(), count), heights, options, font, titleFont)
            : new(options.Title ?? "", entryLabels, imageLabels, widths, Repeat(heights.Max(), count), options, font, titleFont);
        if (layout.Width > LongestSide || layout.Height > LongestSide || layout.Width * layout.Height > LargestPicture)
        {
            throw new ArgumentException(
                $"entries must make a picture of at most {LongestSide} pixels a side and {LargestPicture} in all, but {entries.Count} × {count} images make "
                + $"{layout.Width} × {layout.Height}. Pass fewer images, or a smaller Scale.",
                nameof(entries));
        }

        using SKSurface surface = SKSurface.Create(new SKImageInfo((int)layout.Width, (int)layout.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        surface.Canvas.Clear(SKColors.White);
        using SKPaint ink = new() { Color = new SKColor(0x20, 0x20, 0x20), IsAntialias = true };
        DrawText(surface.Canvas, layout, options, font, titleFont, ink);
        for (int e = 0; e < entries.Count; e++)
        {
            SKImage[] pictures = Picture.FromTensor(entries[e].Images);
            for (int i = 0; i < count; i++)
            {
                using SKImage picture = pictures[i];
                (int width, int height) = (picture.Width * options.Scale, picture.Height * options.Scale);
                SKRect cell = options.EntriesAsRows ? layout.Place(e, i, width, heights[e]) : layout.Place(i, e, width, heights[e]);
                surface.Canvas.DrawImage(picture, SKRect.Create(cell.Left, cell.Top + above, width, height), new SKSamplingOptions(SKFilterMode.Nearest));
                if (options.CellLabels is { } labels) cellFont.Draw(surface.Canvas, [labels[e][i]], cell.MidX, cell.Top, SKTextAlign.Center, ink);
            }
        }
        return surface.Snapshot();
    }

    private static int Check(IReadOnlyList<(string Label, Tensor Images)> entries, ImageGridOptions options)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (entries.Count == 0) throw new ArgumentException("entries must hold at least one batch of images, but it is empty.", nameof(entries));
        for (int e = 0; e < entries.Count; e++)
        {
            if (entries[e].Label is null)
            {
                throw new ArgumentException($"entries must have labels, which may be empty, but the label of entry {e} is null.", nameof(entries));
            }
            Drawable(entries[e].Images, $"entries[{e}].Images");
            if (entries[e].Images.size(0) != entries[0].Images.size(0))
            {
                throw new ArgumentException(
                    $"entries must hold equally many images, but '{entries[0].Label}' holds {entries[0].Images.size(0)} and '{entries[e].Label}' holds {entries[e].Images.size(0)}.",
                    nameof(entries));
            }
        }
        int count = (int)entries[0].Images.size(0);
        if (options.ImageLabels is { } labels && (labels.Count != count || labels.Any(label => label is null)))
        {
            throw new ArgumentException($"options.ImageLabels must hold one label for each of the {count} images of an entry, but it holds {labels.Count(label => label is not null)}.", nameof(options));
        }
        if (options.CellLabels is { } cells && (cells.Count != entries.Count || cells.Any(entry => entry is null || entry.Count != count || entry.Any(label => label is null))))
        {
            throw new ArgumentException($"options.CellLabels must hold, for each of the {entries.Count} entries, one label for each of its {count} images.", nameof(options));
        }
        return count;
    }

    private static void Drawable(Tensor images, string name)
    {
        TensorGuard.Images(images, name);
        if (images.size(1) is 1 or 3) return;
        throw new ArgumentException($"{name} must have 1 or 3 channels, but its shape is {TensorGuard.Shape(images)}.", name);
    }

    private static void DrawText(SKCanvas canvas, GridLayout layout, ImageGridOptions options, GridFont font, GridFont titleFont, SKPaint ink)
    {
        titleFont.Draw(canvas, layout.Title, options.Margin, options.Margin, SKTextAlign.Left, ink);
        for (int c = 0; c < layout.Top.Length; c++)
        {
            string[] lines = layout.Top[c];
            font.Draw(canvas, lines, layout.Lefts[c] + (layout.ColumnWidths[c] / 2.0), layout.LabelBottom - (lines.Length * font.LineHeight), SKTextAlign.Center, ink);
        }
        for (int r = 0; r < layout.Side.Length; r++)
        {
            string[] lines = layout.Side[r];
            double top = layout.Tops[r] + ((layout.RowHeights[r] - (lines.Length * font.LineHeight)) / 2.0);
            font.Draw(canvas, lines, layout.SideRight, top, SKTextAlign.Right, ink);
        }
    }

    private static int[] Repeat(int value, int count) => [.. Enumerable.Repeat(value, count)];
}
