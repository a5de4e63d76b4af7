using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using LatentStitching.Numerics;
using SkiaSharp;

namespace LatentStitching.Reporting;

/// <summary>A picture of a report, with words for those who cannot see it and, where it shows numbers, a table of them.</summary>
/// <remarks>Immutable. In HTML the PNG lies inside the file, shown at the size of the SVG: browsers do not always use the font inside an SVG that a page shows as a picture. Beside a saved report both lie as files.</remarks>
public sealed partial class ReportFigure : IReportBlock
{
    private static readonly byte[] _pngMark = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>A figure from pictures that are drawn.</summary>
    /// <param name="name">The name of its files, from a to z, 0 to 9 and -, for example "latent-mse". A report has each name once.</param>
    /// <param name="caption">What it shows.</param>
    /// <param name="alternativeText">What a reader who cannot see it must know.</param>
    /// <param name="png">The bytes of a PNG file.</param>
    /// <param name="svg">The same as SVG, without references to other files; null where there is none.</param>
    /// <param name="data">The numbers it shows; null where they stand elsewhere. They are folded up below the figure.</param>
    /// <exception cref="ArgumentException">A text is blank, the name has other characters, or the pictures are not PNG and SVG.</exception>
    public ReportFigure(string name, string caption, string alternativeText, ReadOnlyMemory<byte> png, string? svg = null, ReportTable? data = null)
    {
        Name = Guard.NotBlank(name);
        if (name.Any(sign => !char.IsAsciiLetterLower(sign) && !char.IsAsciiDigit(sign) && sign != '-'))
        {
            throw new ArgumentException($"name must hold only a to z, 0 to 9 and -, but it is \"{name}\". It becomes the name of a file.", nameof(name));
        }
        Caption = Guard.NotBlank(caption);
        AlternativeText = Guard.NotBlank(alternativeText);
        if (png.Length < 24 || !png.Span.StartsWith(_pngMark)) throw new ArgumentException($"png must be the bytes of a PNG file, but its {png.Length} bytes are not. Encode the picture first.", nameof(png));
        if (svg is not null && !svg.Contains("<svg", StringComparison.Ordinal)) throw new ArgumentException("svg must be the text of an SVG file, but it has no <svg. Pass null where there is none.", nameof(svg));
        Png = png;
        Svg = svg;
        Data = data;
    }

    /// <summary>The name of its files.</summary>
    public string Name { get; }

    /// <summary>What it shows.</summary>
    public string Caption { get; }

    /// <summary>What a reader who cannot see it must know.</summary>
    public string AlternativeText { get; }

    /// <summary>The bytes of the PNG file.</summary>
    public ReadOnlyMemory<byte> Png { get; }

    /// <summary>The text of the SVG file; null where there is none.</summary>
    public string? Svg { get; }

    /// <summary>The numbers it shows; null where they stand elsewhere.</summary>
    public ReportTable? Data { get; }

    /// <summary>A grid of images, as <see cref="ImageGrid"/> draws it.</summary>
    /// <param name="name">The name of its file.</param>
    /// <param name="caption">What it shows.</param>
    /// <param name="alternativeText">What a reader who cannot see it must know.</param>
    /// <param name="entries">Labels and image batches [n, c, h, w] in [0, 1] with one or three channels, as for <see cref="ImageGrid.Save"/>. Not disposed.</param>
    /// <param name="options">Title, labels, sizes; null for the defaults.</param>
    /// <returns>The figure.</returns>
    /// <exception cref="ArgumentException">A text is blank, or the entries cannot be drawn.</exception>
    public static ReportFigure FromImages(string name, string caption, string alternativeText, IReadOnlyList<(string Label, Tensor Images)> entries, ImageGridOptions? options = null)
    {
        using SKImage picture = ImageGrid.Draw(entries, options ?? new ImageGridOptions());
        using SKData png = picture.Encode(SKEncodedImageFormat.Png, 100);
        return new ReportFigure(name, caption, alternativeText, png.ToArray());
    }

    void IReportBlock.Html(StringBuilder text)
    {
        (int width, int height) = Size();
        text.Append($"<figure><div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{HtmlText.Encode(Caption)}\">")
            .Append("<img src=\"data:image/png;base64,").Append(Convert.ToBase64String(Png.Span)).Append($"\" alt=\"{HtmlText.Encode(AlternativeText)}\" width=\"{width}\" height=\"{height}\" style=\"--width:{width}px\"></div>\n")
            .Append($"<figcaption>{HtmlText.Encode(Caption)}</figcaption>\n");
        if (Data is not null)
        {
            text.Append("<details><summary>The numbers of this figure</summary>\n");
            ((IReportBlock)Data).Html(text);
            text.Append("</details>\n");
        }
        text.Append("</figure>\n");
    }

    void IReportBlock.Markdown(StringBuilder text)
    {
        text.Append($"![{MarkdownText.Escape(AlternativeText)}](figures/{Name}.{(Svg is null ? "png" : "svg")})\n\n{MarkdownText.Escape(Caption)}\n\n");
        (Data as IReportBlock)?.Markdown(text);
    }

    void IReportBlock.Json(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "figure");
        json.WriteString("name", Name);
        json.WriteString("caption", Caption);
        json.WriteString("alternativeText", AlternativeText);
        json.WriteString("pngSha256", Convert.ToHexStringLower(SHA256.HashData(Png.Span)));
        if (Data is not null)
        {
            json.WritePropertyName("data");
            ((IReportBlock)Data).Json(json);
        }
        json.WriteEndObject();
    }

    // The page is told the size, so that nothing moves while it opens. A PNG beside an SVG may be denser, so the SVG decides.
    private (int Width, int Height) Size() =>
        Svg is not null && SvgSize().Match(Svg) is { Success: true } size
            ? (int.Parse(size.Groups["width"].ValueSpan, CultureInfo.InvariantCulture), int.Parse(size.Groups["height"].ValueSpan, CultureInfo.InvariantCulture))
            : (BinaryPrimitives.ReadInt32BigEndian(Png.Span[16..]), BinaryPrimitives.ReadInt32BigEndian(Png.Span[20..]));

    [GeneratedRegex("<svg[^>]* width=\"(?<width>[0-9]{1,6})(px)?\" height=\"(?<height>[0-9]{1,6})(px)?\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SvgSize();
}
