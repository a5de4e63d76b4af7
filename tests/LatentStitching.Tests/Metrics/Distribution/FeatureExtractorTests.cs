using LatentStitching.Metrics.Distribution;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Distribution;

[NoTensorLeaks]
public sealed class FeatureExtractorTests
{
    [Fact]
    public void FromFunction_ChecksWhatItGives()
    {
        using var scope = NewDisposeScope();
        Tensor images = rand(3, 1, 2, 2);
        using IFeatureExtractor pixels = FeatureExtractor.FromFunction("pixels", 4, batch => batch.flatten(1)), wrong = FeatureExtractor.FromFunction("wrong", 5, batch => batch.flatten(1));
        Tensor features = pixels.Extract(images);
        features.bytes.SequenceEqual(images.bytes).Should().BeTrue();
        // Its own memory: a view of the input would change with it.
        images.fill_(0);
        features.sum().ToDouble().Should().BeGreaterThan(0);
        ((Action)(() => wrong.Extract(images))).ShouldSay<InvalidOperationException>("The extractor 'wrong' must give features [3, 5], but it gave [3, 4].");
        ((Action)(() => pixels.Extract(images - 1))).Should().Throw<ArgumentException>().WithParameterName("images");
        ((Action)(() => FeatureExtractor.FromFunction("a|b", 4, batch => batch))).ShouldRefuse("signature", "signature must be of lower-case letters, digits, '-', '.', '+' and ',', but it is 'a|b'.");
        ((Action)(() => FeatureExtractor.FromFunction("a", 0, batch => batch))).ShouldRefuse("dimension", "dimension must be positive, but it is 0.");
        pixels.Dispose();
        ((Action)(() => pixels.Extract(images))).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void FromTorchScript_RunsTheFile()
    {
        using var scope = NewDisposeScope();
        string path = Fixture.Path("loaders/encoder_traced.pt");
        using var module = jit.load<Tensor, Tensor>(path);
        Tensor images = rand(2, 3, 16, 16);
        Tensor expected = module.call(images * 2 - 1).flatten(1);
        using IFeatureExtractor extractor = FeatureExtractor.FromTorchScript(path, "traced", expected.size(1), batch => batch * 2 - 1);
        extractor.Extract(images).ShouldBeCloseTo(expected, 0);
    }

    [Fact]
    public void FromTorchScript_BadFiles_Throw()
    {
        string text = Fixture.Path("loaders/make_pickles.py");
        ((Action)(() => FeatureExtractor.FromTorchScript("nowhere.pt", "a", 3))).Should().Throw<FileNotFoundException>().WithMessage("path must be a TorchScript file, but there is no 'nowhere.pt'.");
        ((Action)(() => FeatureExtractor.FromTorchScript(text, "a", 3))).ShouldSay<InvalidDataException>($"{text} must be a TorchScript module, as torch.jit.save writes it, but libtorch cannot read it.");
    }
}
