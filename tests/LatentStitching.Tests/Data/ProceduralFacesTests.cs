using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Data.Faces;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Data;

[NoTensorLeaks]
public sealed class ProceduralFacesTests
{
    [Fact]
    public void Facts_OfASmallSet_AreStated()
    {
        ProceduralFaces faces = new(3, size: 32, seed: 7);
        faces.Name.Should().Be("procedural-faces");
        faces.Image.Should().Be(ImageFormat.Rgb(32));
        faces.Ids.Should().Equal("face-7-000000", "face-7-000001", "face-7-000002");
        faces.Attributes.Count.Should().Be(3);
        faces.Attributes.Names.Should().Equal(
            "Bald", "Blond_Hair", "Wavy_Hair", "Smiling", "Eyeglasses", "Heavy_Makeup", "Male", "No_Beard", "Pale_Skin", "Young");
        ((IImageSource)faces).Attributes.Should().BeSameAs(faces.Attributes);
    }

    [Fact]
    public void Ids_OfManyFaces_Differ() =>
        new ProceduralFaces(5000).Ids.Concat(new ProceduralFaces(5000, seed: 1).Ids).Should().OnlyHaveUniqueItems();

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(128)]
    public void Load_AnySize_GivesColoursFromZeroToOne(int size)
    {
        using var scope = NewDisposeScope();
        Tensor images = new ProceduralFaces(20, size).Load([.. Enumerable.Range(0, 20)]);
        images.shape.Should().Equal(20, 3, size, size);
        images.dtype.Should().Be(ScalarType.Float32);
        images.isfinite().all().ToBoolean().Should().BeTrue();
        images.min().ToSingle().Should().BeInRange(0, 0.2f);
        images.max().ToSingle().Should().BeInRange(0.8f, 1);
        images.std().ToSingle().Should().BeGreaterThan(0.15f);
    }

    // Odd sizes and batches put a picture's pixels at every place in the processor's vectors.
    [Theory]
    [InlineData(64)]
    [InlineData(33)]
    [InlineData(100)]
    public void Load_AloneOrInAnyBatch_GivesTheSameBytes(int size)
    {
        using var scope = NewDisposeScope();
        ProceduralFaces faces = new(40, size, seed: 3);
        int[] order = [.. Enumerable.Range(0, 40).Reverse(), 7, 7];
        Tensor batch = faces.Load(order);
        for (int row = 0; row < order.Length; row += 3)
        {
            SameBytes(batch[row], faces.Load([order[row]])[0]).Should().BeTrue($"face {order[row]} is drawn from its own factors alone");
        }
    }

    [Fact]
    public void Load_OnTwoThreads_GivesTheSameBytes()
    {
        using var scope = NewDisposeScope();
        ProceduralFaces faces = new(21, size: 51);
        int[] all = [.. Enumerable.Range(0, 21)];
        Tensor one = faces.Load(all);
        int threads = get_num_threads();
        set_num_threads(2);
        try
        {
            SameBytes(one, faces.Load(all)).Should().BeTrue();
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void Load_LongerSetOfTheSameSeed_BeginsWithTheSameFaces()
    {
        using var scope = NewDisposeScope();
        ProceduralFaces few = new(10, size: 32, seed: 5);
        ProceduralFaces many = new(300, size: 32, seed: 5);
        int[] first = [.. Enumerable.Range(0, 10)];
        SameBytes(few.Load(first), many.Load(first)).Should().BeTrue();
        SameBytes(few.Factors(first), many.Factors(first)).Should().BeTrue();
        many.Ids.Take(10).Should().Equal(few.Ids);
        foreach (string name in few.Attributes.Names) many.Attributes.Column(name).Take(10).Should().Equal(few.Attributes.Column(name));
    }

    [Fact]
    public void Load_OtherSeed_GivesOtherFaces()
    {
        using var scope = NewDisposeScope();
        int[] all = [.. Enumerable.Range(0, 20)];
        Tensor difference = (new ProceduralFaces(20, 32).Load(all) - new ProceduralFaces(20, 32, seed: 1).Load(all)).abs().mean([1, 2, 3]);
        difference.min().ToSingle().Should().BeGreaterThan(0.03f);
    }

    [Fact]
    public void Load_AnotherSize_ShowsTheSameFaces()
    {
        using var scope = NewDisposeScope();
        int[] all = [.. Enumerable.Range(0, 20)];
        Tensor large = nn.functional.avg_pool2d(new ProceduralFaces(20, 128).Load(all), 4);
        Tensor small = new ProceduralFaces(20, 32).Load(all);
        (large - small).abs().mean().ToSingle().Should().BeLessThan(0.025f);
    }

    [Fact]
    public void Load_AdjacentFaces_ShareNothing()
    {
        using var scope = NewDisposeScope();
        Tensor factors = new ProceduralFaces(4000).Factors([.. Enumerable.Range(0, 4000)]).to(ScalarType.Float64);
        Tensor centred = factors - factors.mean([0], keepdim: true);
        Tensor next = (centred.narrow(0, 0, 3999) * centred.narrow(0, 1, 3999)).mean([0]) / centred.square().mean([0]);
        next.abs().max().ToDouble().Should().BeLessThan(0.07, "4000 independent draws have correlations of about 0.016");
    }

    [Fact]
    public void Factors_OfManyFaces_FillTheirRanges()
    {
        using var scope = NewDisposeScope();
        Tensor factors = new ProceduralFaces(4000).Factors([.. Enumerable.Range(0, 4000)]);
        factors.shape.Should().Equal(4000, ProceduralFaces.FactorNames.Count);
        factors.dtype.Should().Be(ScalarType.Float32);
        foreach (FaceFactorInfo info in FaceFactorInfo.All)
        {
            ProceduralFaces.FactorNames[(int)info.Factor].Should().Be(info.Name);
            Tensor column = factors.select(1, (int)info.Factor);
            float least = column.min().ToSingle();
            float greatest = column.max().ToSingle();
            least.Should().BeGreaterThanOrEqualTo(info.Minimum, info.Name);
            greatest.Should().BeLessThanOrEqualTo(info.Maximum, info.Name);
            ((greatest - least) / (info.Maximum - info.Minimum)).Should().BeGreaterThan(0.8f, info.Name);
        }
    }

    public static TheoryData<string> Factors => [.. ProceduralFaces.FactorNames];

    /// <summary>Every factor is visible: its least value and a distant one give different pictures of at least one of the faces it shows on.</summary>
    [Theory]
    [MemberData(nameof(Factors))]
    public void Factor_FromEndToEnd_ChangesThePicture(string name)
    {
        using var scope = NewDisposeScope();
        FaceFactorInfo info = FaceFactorInfo.All.Single(info => info.Name == name);
        List<Face> pairs = [];
        for (int i = 0; i < 4; i++)
        {
            // Bearded man, made-up woman, both with glasses: something there for every factor to act on.
            FaceAttributes attributes = new() { Male = i % 2 == 0, HeavyMakeup = i % 2 == 1, NoBeard = i % 2 == 1, Eyeglasses = true, Young = i < 2, Smiling = true };
            // Hues are angles: both ends are the same.
            foreach (float value in new[] { info.Minimum, name.EndsWith("_hue", StringComparison.Ordinal) ? 0.5f : info.Maximum })
            {
                Face face = FaceSampler.Draw(0, i, attributes);
                face[info.Factor] = value;
                pairs.Add(face);
            }
        }
        Tensor images = FaceRenderer.Draw(pairs, 64).reshape(4, 2, 3, 64, 64);
        Tensor change = (images.select(1, 0) - images.select(1, 1)).abs();
        change.amax([1, 2, 3]).max().ToSingle().Should().BeGreaterThan(0.08f, $"{name} moves some pixels clearly");
        change.sum([1, 2, 3]).max().ToSingle().Should().BeGreaterThan(2, $"{name} moves more than a speck");
    }

    // Where each attribute shows: rows and columns as shares of the picture.
    [Theory]
    [InlineData("Bald", 0.05, 0.30, 0.25, 0.75, 0.08)]
    [InlineData("Blond_Hair", 0.05, 0.35, 0.25, 0.75, 0.10)]
    [InlineData("Wavy_Hair", 0.00, 0.90, 0.00, 1.00, 0.015)]
    [InlineData("Smiling", 0.60, 0.85, 0.30, 0.70, 0.02)]
    [InlineData("Eyeglasses", 0.38, 0.60, 0.20, 0.80, 0.04)]
    [InlineData("Heavy_Makeup", 0.40, 0.80, 0.25, 0.75, 0.015)]
    [InlineData("Male", 0.05, 0.95, 0.10, 0.90, 0.03)]
    [InlineData("No_Beard", 0.65, 0.90, 0.30, 0.70, 0.06)]
    [InlineData("Pale_Skin", 0.35, 0.80, 0.30, 0.70, 0.15)]
    [InlineData("Young", 0.05, 0.80, 0.20, 0.80, 0.05)]
    public void Attribute_Switched_ShowsInItsRegion(string name, double top, double bottom, double left, double right, double least)
    {
        using var scope = NewDisposeScope();
        const int size = 64;
        List<Face> pairs = [];
        for (int i = 0; i < 24; i++)
        {
            FaceAttributes own = FaceSampler.Draw(2, i).Attributes;
            if (name is "Bald" or "No_Beard") own = own with { Male = true, HeavyMakeup = false };
            own = name == "Bald" ? own with { BlondHair = false, WavyHair = false } : own with { Bald = false };
            pairs.Add(FaceSampler.Draw(2, i, own.With(name, false)));
            pairs.Add(FaceSampler.Draw(2, i, own.With(name, true)));
        }
        Tensor images = FaceRenderer.Draw(pairs, size).reshape(24, 2, 3, size, size);
        Tensor region = (images.select(1, 0) - images.select(1, 1)).abs()
            .narrow(2, (long)(top * size), (long)((bottom - top) * size)).narrow(3, (long)(left * size), (long)((right - left) * size));
        Tensor change = region.mean([1, 2, 3]);
        change.mean().ToDouble().Should().BeGreaterThan(least, $"{name} is to be seen on most faces");
        change.min().ToDouble().Should().BeGreaterThan(least / 8, $"{name} is to be seen on every face");
    }

    [Fact]
    public void Factors_InTheDocumentation_AreThoseOfTheCode()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "LatentStitching.sln"))) root = root.Parent;
        string[] page = File.ReadAllLines(Path.Combine(root!.FullName, "docs", "procedural-faces.md"));
        string[] rows = [.. page.SkipWhile(line => line != "## Factors").Where(line => line.StartsWith("| `", StringComparison.Ordinal))];
        rows.Select(row => row.Split('|')[1].Trim(' ', '`')).Should().Equal(ProceduralFaces.FactorNames);
        foreach ((string row, FaceFactorInfo info) in rows.Zip(FaceFactorInfo.All))
        {
            float[] ends = Array.ConvertAll(row.Split('|')[3].Replace('−', '-').Split(" to "), end => float.Parse(end, CultureInfo.InvariantCulture));
            ends.Should().Equal([info.Minimum, info.Maximum], info.Name);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    public void Count_NotPositive_ThrowsNamingIt(int count)
    {
        var act = () => new ProceduralFaces(count);
        act.Should().Throw<ArgumentOutOfRangeException>().WithParameterName(nameof(count)).WithMessage($"count must be positive, but it is {count}.*");
    }

    [Fact]
    public void Size_BelowSixteen_ThrowsNamingIt()
    {
        var act = () => new ProceduralFaces(5, size: 15);
        act.Should().Throw<ArgumentOutOfRangeException>().WithParameterName("size")
            .WithMessage("size must be at least 16 pixels, but it is 15. Draw larger and shrink.*");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(5)]
    public void Index_OutsideTheSet_ThrowsNamingIt(int index)
    {
        ProceduralFaces faces = new(5);
        string text = $"indices must lie from 0 to 4, but entry 1 is {index}.*";
        faces.Invoking(f => f.Load([0, index])).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("indices").WithMessage(text);
        faces.Invoking(f => f.Factors([0, index])).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("indices").WithMessage(text);
    }

    [Fact]
    public void Indices_EmptyOrNull_Throw()
    {
        ProceduralFaces faces = new(5);
        faces.Invoking(f => f.Load([])).Should().Throw<ArgumentException>().WithMessage("indices must hold at least one index, but it is empty.*");
        faces.Invoking(f => f.Load(null!)).Should().Throw<ArgumentNullException>().WithParameterName("indices");
        faces.Invoking(f => f.Factors([])).Should().Throw<ArgumentException>().WithMessage("indices must hold at least one index, but it is empty.*");
    }

    private static bool SameBytes(Tensor first, Tensor second) => first.eq(second).all().ToBoolean();
}
