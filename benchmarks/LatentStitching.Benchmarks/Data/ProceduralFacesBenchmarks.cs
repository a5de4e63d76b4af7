using BenchmarkDotNet.Attributes;
using LatentStitching.Data;

namespace LatentStitching.Benchmarks.Data;

/// <summary>Drawing 256 faces.</summary>
[MemoryDiagnoser]
public class ProceduralFacesBenchmarks
{
    private ProceduralFaces _faces = null!;

    [Params(32, 64)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(1);
        _faces = new ProceduralFaces(256, Size);
    }

    [Benchmark]
    public long Draw()
    {
        using Tensor images = _faces.LoadAll();
        return images.numel();
    }
}
