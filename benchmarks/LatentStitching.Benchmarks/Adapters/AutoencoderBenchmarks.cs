using BenchmarkDotNet.Attributes;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Models;
using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Encoding and decoding a batch with an adapter, beside the same network as bare TorchSharp modules without checks, blocks or clamping.</summary>
[MemoryDiagnoser]
public class AutoencoderBenchmarks
{
    private LatentModel _model = null!;
    private Sequential _encoder = null!;
    private Sequential _decoder = null!;
    private Tensor _images = null!;
    private Tensor _latents = null!;
    private Tensor _shaped = null!;

    /// <summary>The thesis's autoencoder on 256 images of 32×32, the VAE of Asperti and Tonelli on 16 of 64×64, TAESD on 4 of 64×64.</summary>
    [Params("autoencoder", "asperti", "taesd")]
    public string Network { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(1);
        (_model, _encoder, _decoder, long count) = Network switch
        {
            "autoencoder" => ((LatentModel)Autoencoder.Create(), Plain(3, [12, 24, 48]), Mirror([48, 24, 12], 3), 256L),
            "asperti" => (AspertiVae.Create(), AspertiEncoder(), AspertiDecoder(), 16L),
            _ => (TinyAutoencoder.Create(), TinyEncoder(), TinyDecoder(), 4L),
        };
        _images = rand(count, _model.Image.Channels, _model.Image.Height, _model.Image.Width);
        _latents = randn(count, _model.Latent.Dimension);
        _shaped = _latents.reshape([count, .. _model.Latent.Levels[0].Shape]);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _model.Dispose();
        foreach (IDisposable held in (IDisposable[])[_encoder, _decoder, _shaped, _images, _latents]) held.Dispose();
    }

    [Benchmark]
    public long Encode()
    {
        using Tensor latents = _model.Encode(_images);
        return latents.numel();
    }

    [Benchmark]
    public long EncodeBare() => Bare(_encoder, _images);

    [Benchmark]
    public long Decode()
    {
        using Tensor images = _model.Decode(_latents);
        return images.numel();
    }

    [Benchmark]
    public long DecodeBare() => Bare(_decoder, _shaped);

    private static long Bare(Sequential network, Tensor input)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return network.forward(input).numel();
    }

    private static Sequential Plain(long inputs, long[] channels)
    {
        List<nn.Module<Tensor, Tensor>> layers = [];
        foreach (long width in channels)
        {
            layers.Add(nn.Conv2d(inputs, width, 4, stride: 2, padding: 1));
            layers.Add(nn.ReLU());
            inputs = width;
        }
        return nn.Sequential(layers);
    }

    private static Sequential Mirror(long[] channels, long outputs)
    {
        List<nn.Module<Tensor, Tensor>> layers = [];
        for (int i = 0; i < channels.Length; i++)
        {
            layers.Add(nn.ConvTranspose2d(channels[i], i < channels.Length - 1 ? channels[i + 1] : outputs, 4, stride: 2, padding: 1));
            layers.Add(i < channels.Length - 1 ? nn.ReLU() : nn.Sigmoid());
        }
        return nn.Sequential(layers);
    }

    // The adapter computes the log-variance too.
    private static Sequential AspertiEncoder() => nn.Sequential(Plain(3, [128, 256, 512]), nn.Flatten(), nn.Linear(32768, 128));

    private static Sequential AspertiDecoder() => nn.Sequential(
        nn.Linear(64, 32768),
        nn.ReLU(),
        nn.Unflatten(1, [512, 8, 8]),
        nn.ConvTranspose2d(512, 256, 4, stride: 2, padding: 1),
        nn.ReLU(),
        nn.ConvTranspose2d(256, 128, 4, stride: 2, padding: 1),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, stride: 2, padding: 1),
        nn.ReLU(),
        nn.Conv2d(64, 3, 5, padding: 2),
        nn.Sigmoid());

    private static Sequential TinyEncoder()
    {
        List<nn.Module<Tensor, Tensor>> layers = [nn.Conv2d(3, 64, 3, padding: 1), new Block()];
        for (int i = 0; i < 3; i++) layers.AddRange([nn.Conv2d(64, 64, 3, stride: 2, padding: 1, bias: false), new Block(), new Block(), new Block()]);
        layers.Add(nn.Conv2d(64, 4, 3, padding: 1));
        return nn.Sequential(layers);
    }

    private static Sequential TinyDecoder()
    {
        List<nn.Module<Tensor, Tensor>> layers = [nn.Tanh(), nn.Conv2d(4, 64, 3, padding: 1), nn.ReLU()];
        for (int i = 0; i < 3; i++) layers.AddRange([new Block(), new Block(), new Block(), nn.Upsample(scale_factor: [2, 2]), nn.Conv2d(64, 64, 3, padding: 1, bias: false)]);
        layers.AddRange([new Block(), nn.Conv2d(64, 3, 3, padding: 1)]);
        return nn.Sequential(layers);
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Sequential _layers = nn.Sequential(nn.Conv2d(64, 64, 3, padding: 1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding: 1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding: 1));

        public Block()
            : base("block") => RegisterComponents();

        public override Tensor forward(Tensor input) => (_layers.forward(input) + input).relu();
    }
}
