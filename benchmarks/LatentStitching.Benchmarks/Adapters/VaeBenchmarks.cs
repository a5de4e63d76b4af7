using BenchmarkDotNet.Attributes;
using LatentStitching.Adapters.Autoencoders;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Encoding and decoding 256 faces of 64×64 pixels with the Burgess VAE.</summary>
[MemoryDiagnoser]
public class VaeBenchmarks
{
    private Vae _model = null!;
    private Tensor _images = null!;
    private Tensor _latents = null!;

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(1);
        _model = Vae.Create();
        _images = rand(256, 3, 64, 64);
        _latents = randn(256, 10);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _model.Dispose();
        _images.Dispose();
        _latents.Dispose();
    }

    [Benchmark]
    public long Encode()
    {
        using Tensor latents = _model.Encode(_images);
        return latents.numel();
    }

    [Benchmark]
    public long Decode()
    {
        using Tensor images = _model.Decode(_latents);
        return images.numel();
    }
}
