using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>The networks of autoencoders as sequences of modules, without checks, blocks or clamping.</summary>
/// <remarks>Encoders give what Encode gives, the posterior's mean; the log-variance only where it comes out of the same layer.</remarks>
internal static class BareAutoencoders
{
    public static Sequential Plain(long inputs, long[] channels)
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

    public static Sequential Mirror(long[] channels, long outputs)
    {
        List<nn.Module<Tensor, Tensor>> layers = [];
        for (int i = 0; i < channels.Length; i++)
        {
            layers.Add(nn.ConvTranspose2d(channels[i], i < channels.Length - 1 ? channels[i + 1] : outputs, 4, stride: 2, padding: 1));
            layers.Add(i < channels.Length - 1 ? nn.ReLU() : nn.Sigmoid());
        }
        return nn.Sequential(layers);
    }

    public static Sequential AspertiEncoder() => nn.Sequential(Plain(3, [128, 256, 512]), nn.Flatten(), nn.Linear(32768, 64));

    public static Sequential AspertiDecoder() => nn.Sequential(
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

    // Mean and log-variance lie interleaved, as published.
    public static Sequential BurgessEncoder() => nn.Sequential(
        Plain(3, [32, 32, 32, 32]), nn.Flatten(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 20));

    public static Sequential BurgessDecoder() => nn.Sequential(
        nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(), nn.Unflatten(1, [32, 4, 4]), Mirror([32, 32, 32, 32], 3));

    public static Sequential VanillaEncoder()
    {
        List<nn.Module<Tensor, Tensor>> layers = [];
        for (int i = 0; i < 5; i++) layers.AddRange([nn.Conv2d(i == 0 ? 3 : 16L << i, 32L << i, 3, stride: 2, padding: 1), nn.BatchNorm2d(32L << i), nn.LeakyReLU(0.01)]);
        layers.AddRange([nn.Flatten(), nn.Linear(512 * 25, 128)]);
        return Evaluating(layers);
    }

    public static Sequential VanillaDecoder()
    {
        List<nn.Module<Tensor, Tensor>> layers = [nn.Linear(128, 512 * 25), nn.Unflatten(1, [512, 5, 5])];
        foreach ((long inputs, long outputs) in ((long, long)[])[(512, 256), (256, 128), (128, 64), (64, 32), (32, 32)])
        {
            layers.AddRange([nn.ConvTranspose2d(inputs, outputs, 3, stride: 2, padding: 1, output_padding: 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.01)]);
        }
        layers.AddRange([nn.Conv2d(32, 3, 3, padding: 1), nn.Sigmoid(), new Shrink(150)]);
        return Evaluating(layers);
    }

    public static Sequential MlpEncoder() => nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 20));

    public static Sequential MlpDecoder() => nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Sigmoid(), nn.Unflatten(1, [1, 28, 28]));

    public static Sequential MlpGenerator() => nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 784), nn.Tanh(), nn.Unflatten(1, [1, 28, 28]));

    public static Sequential Generator() => nn.Sequential(
        nn.Linear(64, 1024),
        nn.ReLU(),
        nn.Unflatten(1, [16, 8, 8]),
        nn.ConvTranspose2d(16, 128, 4, stride: 2, padding: 1),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 256, 4, stride: 2, padding: 1),
        nn.ReLU(),
        nn.ConvTranspose2d(256, 512, 4, stride: 2, padding: 1),
        nn.ReLU(),
        nn.Conv2d(512, 3, 5, padding: 2),
        nn.Sigmoid());

    private static Sequential Evaluating(List<nn.Module<Tensor, Tensor>> layers)
    {
        Sequential network = nn.Sequential(layers);
        network.eval();
        return network;
    }

    private sealed class Shrink(long side) : nn.Module<Tensor, Tensor>("shrink")
    {
        public override Tensor forward(Tensor input) => nn.functional.interpolate(input, size: [side, side], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true);
    }

    public static Sequential TinyEncoder()
    {
        List<nn.Module<Tensor, Tensor>> layers = [nn.Conv2d(3, 64, 3, padding: 1), new Block()];
        for (int i = 0; i < 3; i++) layers.AddRange([nn.Conv2d(64, 64, 3, stride: 2, padding: 1, bias: false), new Block(), new Block(), new Block()]);
        layers.Add(nn.Conv2d(64, 4, 3, padding: 1));
        return nn.Sequential(layers);
    }

    public static Sequential TinyDecoder()
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
