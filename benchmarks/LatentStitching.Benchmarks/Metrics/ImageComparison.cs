using System.Globalization;
using LatentStitching.Checkpoints;
using LatentStitching.Metrics.Perceptual;
using LatentStitching.Metrics.Reconstruction;

namespace LatentStitching.Benchmarks.Metrics;

/// <summary>SSIM and LPIPS beside straightforward ports of the Python code, in one run on one thread: torchmetrics' SSIM (five maps, a grouped 11×11 convolution in float32) and the LPIPS authors' (two passes, a head a layer).</summary>
internal static class ImageComparison
{
    private const int Repeats = 5;

    public static int Run()
    {
        set_num_threads(1);
        foreach ((int count, int side) in ((int, int)[])[(256, 64), (16, 256)]) Ssim(count, side);
        foreach (LpipsNetwork network in Enum.GetValues<LpipsNetwork>())
        {
            Lpips(network, network == LpipsNetwork.Vgg16 ? 16 : 64, 64);
            Lpips(network, network == LpipsNetwork.Vgg16 ? 2 : 8, 256);
        }
        return 0;
    }

    private static (Tensor A, Tensor B) Pair(int count, int side)
    {
        using Generator generator = new(0);
        Tensor a = rand([count, 3, side, side], generator: generator);
        return (a, (a + (0.1 * randn([count, 3, side, side], generator: generator))).clamp(0, 1));
    }

    private static void Ssim(int count, int side)
    {
        using var scope = NewDisposeScope();
        (Tensor a, Tensor b) = Pair(count, side);
        Ssim metric = new();
        Sampling.Timed ours = Sampling.Best(Repeats, () => metric.Measure(a, b).Average());
        Tensor line = arange(11).sub(5).to_type(ScalarType.Float32).square().div(-4.5).exp();
        Tensor window = line.unsqueeze(1).mm(line.unsqueeze(0)).div(line.sum().square()).expand(3, 1, 11, 11);
        Sampling.Timed port = Sampling.Best(Repeats, () =>
        {
            Tensor maps = nn.functional.conv2d(cat([a, b, a * a, b * b, a * b], 0), window, groups: 3);
            Tensor[] m = maps.split(count, 0);
            Tensor aa = m[0].pow(2), bb = m[1].pow(2), ab = m[0] * m[1];
            return (((2 * ab) + 1e-4) * ((2 * (m[4] - ab)) + 9e-4) / ((aa + bb + 1e-4) * (m[2] - aa + (m[3] - bb) + 9e-4))).mean().ToDouble();
        });
        Tell($"SSIM, {count} pairs of 3×{side}×{side}", count, ours, port);
    }

    private static void Lpips(LpipsNetwork network, int count, int side)
    {
        using var scope = NewDisposeScope();
        (Tensor a, Tensor b) = Pair(count, side);
        using LpipsPort port = LpipsPort.Create(network);
        string folder = Directory.CreateTempSubdirectory("lpips-").FullName;
        try
        {
            string backbone = Path.Combine(folder, "backbone.safetensors"), heads = Path.Combine(folder, "heads.safetensors");
            SafeTensors.Save(backbone, port.Backbone);
            SafeTensors.Save(heads, port.Heads);
            using Lpips metric = LatentStitching.Metrics.Perceptual.Lpips.Load(network, backbone, heads);
            Tell($"LPIPS {network}, {count} pairs of 3×{side}×{side}", count, Sampling.Best(Repeats, () => metric.Measure(a, b).Average()), Sampling.Best(Repeats, () => port.Distance(a, b).mean().ToDouble()));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Tell(string what, int count, Sampling.Timed ours, Sampling.Timed port) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{what}: {count / ours.Seconds:0} pairs a second, the port {count / port.Seconds:0}, {port.Seconds / ours.Seconds:0.00} times as long; differs by {Math.Abs(port.Value - ours.Value) / ours.Value:0.0e0}"));
}
