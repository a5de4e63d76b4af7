using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Metrics.Distribution;

namespace LatentStitching.Studies;

/// <summary>One set of images of a study with everybody's latents of them: the study's own images, or those that a model drew.</summary>
internal sealed class StudyImages : IDisposable
{
    private readonly Dictionary<string, LatentBank> _banks = new(StringComparer.Ordinal);
    private readonly HeldImages? _held;
    private readonly bool _holdsTest;
    private readonly Lock _gate = new();
    private readonly Lock _featuresGate = new();
    private Tensor? _test;
    private FeatureStatistics? _features;

    public StudyImages(IImageSource source, StudyProtocol protocol, int mapTrain, int probeTrain, StitchingStudyOptions options)
    {
        (Drawn, Protocol) = (source as PriorImages, protocol);
        long bytes = 4L * source.Image.PixelCount;
        _held = bytes * source.Ids.Count <= options.ImageMemory ? new HeldImages(source, options.BatchSize) : null;
        Source = _held ?? source;
        MapTrain = [.. Enumerable.Range(0, mapTrain)];
        ProbeTrain = [.. Enumerable.Range(mapTrain, probeTrain)];
        Test = [.. Enumerable.Range(mapTrain + probeTrain, source.Ids.Count - mapTrain - probeTrain)];
        _holdsTest = _held is null && bytes * Test.Length <= options.ImageMemory;
    }

    public IImageSource Source { get; }

    /// <summary>The images where a model drew them, with their latents. They belong to this object.</summary>
    public PriorImages? Drawn { get; }

    public StudyProtocol Protocol { get; }

    public string Name => Source.Name;

    public int[] MapTrain { get; }

    public int[] ProbeTrain { get; }

    public int[] Test { get; }

    public void Add(string model, LatentBank bank) => _banks.Add(model, bank);

    public bool Has(string model) => _banks.ContainsKey(model);

    public Tensor Latents(string model, int[] rows) => _banks.TryGetValue(model, out LatentBank? bank)
        ? bank.Rows(rows)
        : throw new InvalidOperationException($"The latents of {model} are missing: encoding {Name} with it failed.");

    /// <summary>Some of the test images, owned by the caller.</summary>
    public Tensor TestBlock(int start, int count)
    {
        if (!_holdsTest) return Source.Load([.. Test.Skip(start).Take(count)]);
        lock (_gate)
        {
            _test ??= LoadTest();
        }
        using Tensor block = _test.narrow(0, start, count);
        return block.clone();
    }

    /// <summary>Statistics of the test images' features, made once. They belong to the images.</summary>
    public FeatureStatistics Features(IFeatureExtractor extractor, int block)
    {
        lock (_featuresGate)
        {
            if (_features is not null) return _features;
            FeatureStatistics statistics = new(extractor.Signature, extractor.Dimension);
            for (int start = 0; start < Test.Length; start += block)
            {
                using Tensor images = TestBlock(start, Math.Min(block, Test.Length - start)), features = extractor.Extract(images);
                statistics.Add(features);
            }
            return _features = statistics;
        }
    }

    public void Dispose()
    {
        _features?.Dispose();
        foreach (LatentBank bank in _banks.Values) bank.Dispose();
        _test?.Dispose();
        _held?.Dispose();
        Drawn?.Dispose();
    }

    private Tensor LoadTest()
    {
        const int Block = 256;
        using var scope = NewDisposeScope();
        Tensor all = empty(Test.Length, Source.Image.Channels, Source.Image.Height, Source.Image.Width, ScalarType.Float32);
        for (int start = 0; start < Test.Length; start += Block)
        {
            using Tensor block = Source.Load([.. Test.Skip(start).Take(Block)]);
            all.narrow(0, start, (int)block.size(0)).copy_(block);
        }
        return all.DetachFromDisposeScope();
    }
}
