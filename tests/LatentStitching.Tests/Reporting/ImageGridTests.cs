using LatentStitching.Data;
using LatentStitching.Reporting;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;
using SkiaSharp;

namespace LatentStitching.Tests.Reporting;

[NoTensorLeaks]
public sealed class ImageGridTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(1)]
    public void SaveImage_ReadBack_IsExact(int channels)
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor image = randint(0, 256, [1, channels, 12, 12], generator: new Generator(3)).to_type(ScalarType.Float32) / 255;
        ImageGrid.SaveImage(folder["x.png"], image);
        Tensor read = ImageFolder.Open(folder.Root, ImageGeometry.Squash(12), grey: channels == 1).LoadAll();
        (read - image).abs().max().ToDouble().Should().BeLessThan(1e-7);
        Directory.GetFiles(folder.Root).Should().HaveCount(1, "the file written beside must be gone");
    }

    [Fact]
    public void SaveImage_RoundsToTheNearest()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor image = tensor([0.4f / 255, 0.6f / 255, 254.4f / 255, 254.6f / 255]).reshape(1, 1, 2, 2);
        ImageGrid.SaveImage(folder["x.png"], image);
        using SKBitmap read = SKBitmap.Decode(folder["x.png"]);
        new[] { read.GetPixel(0, 0).Red, read.GetPixel(1, 0).Red, read.GetPixel(0, 1).Red, read.GetPixel(1, 1).Red }.Should().Equal(0, 1, 254, 255);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Save_CellLabels_StandAboveTheirImages(bool rows)
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        (string, Tensor)[] entries = [("", Shades(0, 2, 40, 40)), ("", Shades(1, 2, 40, 40))];
        ImageGridOptions options = new() { Scale = 1, Gap = 2, Margin = 7, EntriesAsRows = rows };
        ImageGrid.Save(folder["plain.png"], entries, options);
        ImageGrid.Save(folder["labelled.png"], entries, options with { CellLabels = [["1.5", ""], ["2.5", "3"]] });
        using SKBitmap plain = SKBitmap.Decode(folder["plain.png"]), labelled = SKBitmap.Decode(folder["labelled.png"]);
        int line = (labelled.Height - plain.Height) / 2;
        labelled.Width.Should().Be(plain.Width);
        line.Should().BeInRange(10, 20);
        // Pixels stand where they stood, one line lower in the first row of cells and two in the second.
        for (int row = 0; row < 2; row++)
        {
            for (int column = 0; column < 2; column++)
            {
                (int x, int y) = (7 + (42 * column), 7 + (42 * row));
                labelled.GetPixel(x, y + ((row + 1) * line)).Should().Be(plain.GetPixel(x, y));
                labelled.GetPixel(x + 39, y + 39 + ((row + 1) * line)).Should().Be(plain.GetPixel(x + 39, y + 39));
            }
        }
        Enumerable.Range(0, 40 * line).Any(i => labelled.GetPixel(7 + (i % 40), 7 + (i / 40)).Red < 128).Should().BeTrue("the label is drawn above the first image");
        (int blankX, int blankY) = rows ? (49, 7) : (7, 7 + 42 + line);
        Enumerable.Range(0, 40 * line).All(i => labelled.GetPixel(blankX + (i % 40), blankY + (i / 40)).Red == 255).Should().BeTrue("an empty label draws nothing");
    }

    [Fact]
    public void Save_NoText_PlacesEveryPixel()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        // Entry j, image i: one flat shade 50 j + 10 i, red only.
        (string, Tensor)[] entries = [.. Enumerable.Range(0, 3).Select(j => ("", Shades(j, 2, 5, 4)))];
        ImageGridOptions options = new() { Scale = 3, Gap = 2, Margin = 7 };

        ImageGrid.Save(folder["columns.png"], entries, options);
        using SKBitmap columns = SKBitmap.Decode(folder["columns.png"]);
        (columns.Width, columns.Height).Should().Be((14 + (3 * 12) + 4, 14 + (2 * 15) + 2));
        ImageGrid.Save(folder["rows.png"], entries, options with { EntriesAsRows = true });
        using SKBitmap rows = SKBitmap.Decode(folder["rows.png"]);
        (rows.Width, rows.Height).Should().Be((14 + (2 * 12) + 2, 14 + (3 * 15) + 4));
        for (int j = 0; j < 3; j++)
        {
            for (int i = 0; i < 2; i++)
            {
                SKColor shade = new((byte)((50 * j) + (10 * i)), 0, 0);
                foreach ((int x, int y) in new[] { (0, 0), (11, 14) })
                {
                    columns.GetPixel(7 + (14 * j) + x, 7 + (17 * i) + y).Should().Be(shade);
                    rows.GetPixel(7 + (14 * i) + x, 7 + (17 * j) + y).Should().Be(shade);
                }
            }
        }
        columns.GetPixel(7 + 12, 7).Should().Be(SKColors.White);
        columns.GetPixel(6, 7).Should().Be(SKColors.White);
    }

    [Fact]
    public void Save_Scale_EnlargesWithoutSmoothing()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor image = tensor([0f, 1f, 1f, 0f]).reshape(1, 1, 2, 2);
        ImageGrid.Save(folder["x.png"], [("", image)], new ImageGridOptions { Scale = 10, Margin = 0 });
        using SKBitmap read = SKBitmap.Decode(folder["x.png"]);
        (read.Width, read.Height).Should().Be((20, 20));
        for (int y = 0; y < 20; y++)
        {
            for (int x = 0; x < 20; x++) read.GetPixel(x, y).Should().Be((x < 10) == (y < 10) ? SKColors.Black : SKColors.White);
        }
    }

    [Fact]
    public void Save_MixedSizesAndChannels_CentresTheSmaller()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        ImageGrid.Save(folder["x.png"], [("", zeros(1, 3, 8, 8)), ("", zeros(1, 1, 4, 4, dtype: ScalarType.Float64))], new ImageGridOptions { Scale = 1, Margin = 0, Gap = 0 });
        using SKBitmap read = SKBitmap.Decode(folder["x.png"]);
        (read.Width, read.Height).Should().Be((12, 8));
        read.GetPixel(8, 1).Should().Be(SKColors.White);
        read.GetPixel(8, 2).Should().Be(SKColors.Black);
        read.GetPixel(11, 5).Should().Be(SKColors.Black);
        read.GetPixel(11, 6).Should().Be(SKColors.White);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Save_LongLabels_AreNotCutOff(bool asRows)
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor images = zeros(2, 1, 4, 4);
        ImageGridOptions options = new()
        {
            Title = "Antidisestablishmentarianism in one word",
            ImageLabels = ["Donaudampfschifffahrtsgesellschaft 000002.jpg", "b"],
            EntriesAsRows = asRows,
        };
        ImageGrid.Save(folder["x.png"], [("DiffuseVAE → Glow, ridge α = 5000 ± 3", images), ("Überlängenzeichenkettenbeschriftung", images)], options);
        using SKBitmap read = SKBitmap.Decode(folder["x.png"]);
        // Ink fills the space between the margins and reaches none of them: nothing is cut.
        Ink(read).Should().Match<SKRectI>(ink => ink.Left >= 11 && ink.Left <= 16 && ink.Top >= 12 && ink.Top <= 20);
        (read.Width - Ink(read).Right).Should().BeInRange(11, 16);
        (read.Height - Ink(read).Bottom).Should().BeInRange(11, 16);
    }

    [Fact]
    public void Spell_MissingCharacters_ShowTheirCodes()
    {
        GridFont.Spell("Größe → 2² ≤ μ–σ×β…").Should().Be("Größe → 2² ≤ μ–σ×β…");
        GridFont.Spell("顔 ok 😀\t").Should().Be("[U+9854] ok [U+1F600][U+0009]");
        for (int code = 0x20; code < 0x100; code++)
        {
            if (code is >= 0x7F and < 0xA0) continue;
            GridFont.Spell($"{(char)code}").Should().Be($"{(char)code}");
        }
    }

    [Fact]
    public void Wrap_BreaksAtSpacesAndJoiningSigns()
    {
        using GridFont font = new(14);
        font.Wrap("source-model → target", font.Width("source-")).Should().Equal("source-", "model", "→", "target");
        font.Wrap("one two three", font.Width("one two")).Should().Equal("one two", "three");
        font.Wrap("a word or two and no more", font.Width("a word or two and no")).Should().Equal("a word or two", "and no more");
        font.Wrap("one\ntwo", 1000).Should().Equal("one", "two");
        font.Wrap("indivisible", 1).Should().Equal("indivisible");
        font.Wrap("  ", 10).Should().BeEmpty();
    }

    [Fact]
    public void Save_OverAnOldFile_ReplacesIt()
    {
        using TempFolder folder = new();
        folder.Write("x.png", "old");
        using Tensor image = zeros(1, 3, 4, 4);
        ImageGrid.SaveImage(folder["x.png"], image);
        File.ReadAllBytes(folder["x.png"])[1..4].Should().Equal("PNG"u8.ToArray());
    }

    [Fact]
    public void Save_Unwritable_LeavesNothing()
    {
        using TempFolder folder = new();
        using Tensor image = zeros(1, 3, 4, 4);
        ((Action)(() => ImageGrid.SaveImage(folder["none/x.png"], image))).Should().Throw<DirectoryNotFoundException>();
        Directory.CreateDirectory(folder["taken"]);
        ((Action)(() => ImageGrid.SaveImage(folder["taken"], image))).Should().Throw<Exception>();
        Directory.GetFiles(folder.Root).Should().BeEmpty();
    }

    [Fact]
    public void Save_BadArguments_Throw()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor two = zeros(2, 3, 4, 4);
        Tensor three = zeros(3, 3, 4, 4);
        Refused<ArgumentException>("path must not be blank.*", () => ImageGrid.Save(" ", [("a", two)]));
        Refused<ArgumentException>("options.CellLabels must hold, for each of the 1 entries, one label for each of its 2 images.*", () => ImageGrid.Save(folder["x"], [("a", two)], new ImageGridOptions { CellLabels = [["only one"]] }));
        Refused<ArgumentException>("entries must hold at least one batch of images, but it is empty.*", () => ImageGrid.Save(folder["x"], []));
        Refused<ArgumentException>("entries must hold equally many images, but 'a' holds 2 and 'b' holds 3.*", () => ImageGrid.Save(folder["x"], [("a", two), ("b", three)]));
        Refused<ArgumentException>("entries must have labels, which may be empty, but the label of entry 0 is null.*", () => ImageGrid.Save(folder["x"], [(null!, two)]));
        Refused<ArgumentException>("entries[1].Images must hold pixels in [0, 1], but image 0 holds values from 2 to 2.*", () => ImageGrid.Save(folder["x"], [("a", two), ("b", two + 2)]));
        Refused<ArgumentException>("entries[0].Images must have 1 or 3 channels, but its shape is [1, 4, 2, 2].*", () => ImageGrid.Save(folder["x"], [("a", zeros(1, 4, 2, 2))]));
        Refused<ArgumentException>("entries[0].Images must be an image batch [n, c, h, w], but its shape is [3, 4, 4].*", () => ImageGrid.Save(folder["x"], [("a", zeros(3, 4, 4))]));
        Refused<ArgumentException>(
            "options.ImageLabels must hold one label for each of the 2 images of an entry, but it holds 1.*",
            () => ImageGrid.Save(folder["x"], [("a", two)], new ImageGridOptions { ImageLabels = ["one"] }));
        Refused<ArgumentException>(
            "entries must make a picture of at most 32767 pixels a side and 134217728 in all, but 1 × 9000 images make 32 × 108020. Pass fewer images, or a smaller Scale.*",
            () => ImageGrid.Save(folder["x"], [("", zeros(9000, 1, 4, 4))]));
        Refused<ArgumentException>("image must hold one image, but its shape is [2, 3, 4, 4]. Draw several with ImageGrid.Save.*", () => ImageGrid.SaveImage(folder["x"], two));
        Directory.GetFiles(folder.Root).Should().BeEmpty();

        static void Refused<T>(string message, Action act)
            where T : Exception => act.Should().Throw<T>().WithMessage(message);
    }

    [Fact]
    public void Options_OutOfRange_Throw()
    {
        ((Action)(() => _ = new ImageGridOptions { Scale = 0 })).Should().Throw<ArgumentOutOfRangeException>().WithMessage("Scale must lie from 1 to 64, but it is 0.*");
        ((Action)(() => _ = new ImageGridOptions { FontSize = double.NaN })).Should().Throw<ArgumentOutOfRangeException>().WithMessage("FontSize must lie from 6 to 200, but it is NaN.*");
        ((Action)(() => _ = new ImageGridOptions { Gap = -1 })).Should().Throw<ArgumentOutOfRangeException>().WithMessage("Gap must be zero or more, but it is -1.*");
        ((Action)(() => _ = new ImageGridOptions { Margin = -1 })).Should().Throw<ArgumentOutOfRangeException>().WithMessage("Margin must be zero or more, but it is -1.*");
    }

    private static SKRectI Ink(SKBitmap picture)
    {
        SKRectI ink = SKRectI.Empty;
        for (int y = 0; y < picture.Height; y++)
        {
            for (int x = 0; x < picture.Width; x++)
            {
                if (picture.GetPixel(x, y) != SKColors.White) ink = ink.IsEmpty ? new SKRectI(x, y, x + 1, y + 1) : SKRectI.Union(ink, new SKRectI(x, y, x + 1, y + 1));
            }
        }
        return ink;
    }

    private static Tensor Shades(int entry, int count, int height, int width)
    {
        Tensor images = zeros(count, 3, height, width);
        for (int i = 0; i < count; i++) images[i, 0].fill_(((50 * entry) + (10 * i)) / 255.0);
        return images;
    }
}
