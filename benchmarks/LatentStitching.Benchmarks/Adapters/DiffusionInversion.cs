using System.Diagnostics;
using System.Globalization;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Models;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Inverts images in one batch and, in the same process, one at a time as the published code does it, on the same networks with the same steps.</summary>
/// <remarks>The published loop computes ᾱ anew from the β at every step and keeps every x_t and predicted image. It is measured on fewer images; both sides are told per
/// image, in processor time, so that another program on the machine does not decide the ratio.</remarks>
internal static class DiffusionInversion
{
    private const int Steps = 50;
    private const int Batched = 256;

    public static int Run(string weights)
    {
        Console.WriteLine($"{get_num_threads()} threads, {Steps} steps, no refinement; milliseconds of processor time an image.");
        Console.WriteLine("| network | one at a time | 256 at once | times faster |");
        Console.WriteLine("|---|---:|---:|---:|");
        using (var digits = ConvolutionalDenoiser.Load(weights)) Compare("7×7 blocks, 1×28×28", digits, NetworkRange.MinusHalfToHalf, digits.Schedule, Batched, 4);
        var tiny = new DiffusionUNetOptions { Image = ImageFormat.Rgb(8), Channels = 32, Multipliers = [1, 1], BlocksPerLevel = 1, AttentionHeights = [4] };
        using (var small = DiffusionUNet.Create(tiny)) Compare("U-Net, 3×8×8", small, NetworkRange.MinusOneToOne, NoiseSchedule.Linear(), Batched, 4);
        using (var unet = DiffusionUNet.Create(DiffusionUNetOptions.Small(ImageFormat.Grey(28)))) Compare("U-Net, 1×28×28", unet, NetworkRange.MinusOneToOne, NoiseSchedule.Linear(), Batched, 4);
        return 0;
    }

    private static void Compare(string name, IDenoiser network, NetworkRange range, NoiseSchedule schedule, int many, int few)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor images = rand(many, network.Image.Channels, network.Image.Height, network.Image.Width);
        DiffusionOptions options = new() { Range = range, Steps = Steps, Spacing = StepSpacing.Leading, Refinements = 0, Compatibility = InversionCompatibility.PublishedOffByOne };
        // The model frees the network with itself, and the caller has it in a using: freeing twice does nothing.
        using var model = DiffusionModel.FromNetwork(network, schedule, options);
        float[] betas = [.. schedule.Betas.Select(beta => (float)beta)];
        Published(network, betas, images.narrow(0, 0, 1), 2);
        double slow = Enumerable.Range(0, few).Min(i => Time(() => Published(network, betas, images.narrow(0, i, 1), Steps))) * 1000;
        double fast = Time(() => model.Encode(images).Dispose()) * 1000 / many;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {slow:0.00} | {fast:0.00} | {slow / fast:0.0} |"));
    }

    private static double Time(Action action)
    {
        TimeSpan start = Process.GetCurrentProcess().TotalProcessorTime;
        action();
        return (Process.GetCurrentProcess().TotalProcessorTime - start).TotalSeconds;
    }

    // In the order of work of the published loop, for the network's own range of pixels.
    private static void Published(IDenoiser network, float[] betas, Tensor image, int steps)
    {
        using var scope = NewDisposeScope();
        Tensor beta = tensor(betas);
        int skip = betas.Length / steps;
        List<Tensor> images = [image], predictions = [];
        for (int i = 0; i < steps; i++)
        {
            Tensor time = full([1], i * skip), next = full([1], i == steps - 1 ? betas.Length - 1 : (i + 1) * skip);
            Tensor from = AlphaBar(beta, time), to = AlphaBar(beta, next);
            Tensor x = images[^1];
            Tensor noise = network.Predict(x, time);
            Tensor clean = (x - noise * (1 - from).sqrt()) / from.sqrt();
            predictions.Add(clean);
            images.Add(to.sqrt() * clean + (1 - to).sqrt() * noise);
        }
    }

    private static Tensor AlphaBar(Tensor beta, Tensor time) =>
        (1 - cat([zeros(1), beta], 0)).cumprod(0).index_select(0, time.to_type(ScalarType.Int64) + 1).reshape(-1, 1, 1, 1);
}
