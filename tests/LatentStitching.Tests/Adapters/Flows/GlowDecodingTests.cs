using LatentStitching.Adapters.Flows;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using Microsoft.Extensions.Logging;

namespace LatentStitching.Tests.Adapters.Flows;

[NoTensorLeaks]
public sealed class GlowDecodingTests
{
    private static Glow Model()
    {
        var model = Glow.Create(new GlowOptions { Image = ImageFormat.Rgb(8), Levels = 2, Steps = 2, HiddenChannels = 8, Affine = true, Whitened = true, Seed = 5 });
        GlowFiles.Stir(model, 0.005);
        return model;
    }

    // Row 0 is ordinary, row 1 three times too long, row 2 beyond what the inverse can bear.
    private static Tensor Latents()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(6);
        Tensor rows = randn([3, 192], ScalarType.Float32, generator: generator) * 0.1;
        return (rows * tensor(new float[] { 1, 30, 1e30f }).unsqueeze(1)).MoveToOuterDisposeScope();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void DecodeReported_TellsWhichRowsAreOff_AndDecodesTheOthers(int batch)
    {
        using Glow model = Model();
        model.BatchSize = batch;
        using var scope = NewDisposeScope();
        Tensor latents = Latents();
        (Tensor images, GlowDecodeReport report) = model.DecodeReported(latents);
        report.Count.Should().Be(3);
        report.ExpectedNorm.Should().BeApproximately(Math.Sqrt(192), 1e-12);
        report.OutsideTypicalSet.Should().Equal(1, 2);
        report.NotFinite.Should().Equal(2);
        report.LargestNorm.Should().BeGreaterThan(1e30);
        report.IsClean.Should().BeFalse();
        report.ToString().Should().StartWith("2 of 3 latents lie outside the typical set (norm up to ").And.EndWith($"{report.FarOutOfRange.Count} decode far out of range, 1 to no finite image");
        images[2].eq(0.5).all().ToBoolean().Should().BeTrue();
        images[0].ShouldBeCloseTo(model.Decode(latents.narrow(0, 0, 1))[0], 1e-6);
        model.DecodeReported(latents.narrow(0, 0, 1)).Report.IsClean.Should().BeTrue();
    }

    [Fact]
    public void DecodeReported_PixelsFarOutside_AreCounted()
    {
        // A fresh flow only rotates channels: a pixel is as large as its latent.
        using var model = Glow.Create(new GlowOptions { Image = ImageFormat.Grey(2), Levels = 1, Steps = 1, HiddenChannels = 2 });
        using var scope = NewDisposeScope();
        // Centred, the network's scale ends at 1/2, and a whole range beyond that at 3/2 (but for half a bin).
        Tensor far = model.Network.Forward(full([1, 1, 2, 2], 1.6f), determinant: false).Levels[0].Values.flatten(1);
        Tensor near = model.Network.Forward(full([1, 1, 2, 2], 1.4f), determinant: false).Levels[0].Values.flatten(1);
        model.DecodeReported(cat([near, far], 0)).Report.FarOutOfRange.Should().Equal(1);
    }

    [Fact]
    public void Decode_RowsWithoutFiniteImage_ThrowsInWords()
    {
        using Glow model = Model();
        using Tensor latents = Latents();
        Action act = () => model.Decode(latents);
        act.Should().Throw<InvalidOperationException>().Which.Message.Should().MatchRegex(
            @"^latents must decode to finite images, but 2 of 3 latents lie outside the typical set \(norm up to \S+ where 13\.86 is expected\), \d decode far out of range, 1 to no finite image\. DecodeReported tells which, and decodes the others\.$");
    }

    [Fact]
    public void Decode_RowsOutsideTheTypicalSet_Warns()
    {
        using Glow model = Model();
        MemoryLog log = new();
        model.LoggerFactory = log;
        using var scope = NewDisposeScope();
        Tensor latents = Latents();
        model.Decode(latents.narrow(0, 0, 1)).size(0).Should().Be(1);
        log.Lines.Should().BeEmpty();
        model.Decode(latents.narrow(0, 0, 2)).size(0).Should().Be(2);
        log.Lines.Should().ContainSingle().Which.Should().StartWith("Warning LatentsOutsideTypicalSet glow: 1 of 2 latents lie outside the typical set (norm up to 4");
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("whitened")]
    [InlineData("z2+")]
    public void Decode_WithoutALog_GivesTheSameBytesAsWithOne(string level)
    {
        using Glow model = Model();
        using var view = (Glow)(level == "whitened" ? model : model.At(level));
        using var scope = NewDisposeScope();
        Tensor latents = randn(3, view.Latent.Dimension);
        Tensor plain = view.Decode(latents);
        view.LoggerFactory = new MemoryLog();
        Tensor logged = view.Decode(latents);
        plain.bytes.ToArray().Should().Equal(logged.bytes.ToArray());
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using Glow model = Model();
        using var scope = NewDisposeScope();
        foreach (Action<Tensor> act in (Action<Tensor>[])[z => model.DecodeReported(z), z => model.LogPrior(z), z => model.Whiten(z)])
        {
            Action width = () => act(zeros(2, 5)), notFinite = () => act(full([2, 192], float.NaN));
            width.ShouldRefuse("latents", "latents must have 192 columns, the latent width of glow, but its shape is [2, 5].");
            notFinite.ShouldRefuse("latents", "latents must be finite, but 384 of its entries are NaN or infinite, the first in row 0.");
        }
        foreach (Action<Tensor> act in (Action<Tensor>[])[x => model.LogLikelihood(x), x => model.BitsPerDimension(x), x => model.EncodeDequantised(x, 0), x => model.ClassLogits(x)])
        {
            Action range = () => act(full([1, 3, 8, 8], 2f));
            range.ShouldRefuse("images", "images must hold pixels in [0, 1], but image 0 holds values from 2 to 2. Map [-1, 1] by (x + 1) / 2 and [0, 255] by x / 255.");
        }
        model.Dispose();
        foreach (Action act in (Action[])[() => model.DecodeReported(zeros(1, 192)), () => model.LogPrior(zeros(1, 192)), () => model.LogLikelihood(zeros(1, 3, 8, 8)), () => model.SaveWeights("x")])
        {
            act.Should().Throw<ObjectDisposedException>();
        }
    }

    [Fact]
    public void Densities_WithoutAScope_LeaveOnlyTheirResults()
    {
        using Glow model = Model();
        using Tensor latents = Latents(), row = latents.narrow(0, 0, 1), images = full([1, 3, 8, 8], 0.3f);
        using (Tensor warm = model.Encode(images))
        {
            long before = NoTensorLeaksAttribute.Live();
            using Tensor a = model.LogPrior(row), b = model.LogLikelihood(images), c = model.BitsPerDimension(images, 1), d = model.EncodeDequantised(images, 1), e = model.Whiten(row);
            (Tensor f, GlowDecodeReport _) = model.DecodeReported(latents);
            using (f) (NoTensorLeaksAttribute.Live() - before).Should().Be(6);
        }
    }

    private sealed class MemoryLog : ILoggerFactory, ILogger
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName)
        {
            categoryName.Should().Be("LatentStitching.Adapters.Flows.Glow");
            return this;
        }

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel} {eventId.Name} {formatter(state, exception)}");
    }
}
