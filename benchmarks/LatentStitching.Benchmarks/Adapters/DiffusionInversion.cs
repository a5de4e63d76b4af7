using System.Globalization;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Models;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Inverts images in one call and, in the same process, one at a time as the published code does it: the same networks as plain modules, the same steps.</summary>
/// <remarks>The published loop runs without gradients, computes ᾱ anew from the β at every step and keeps every x_t and predicted image. What that study's script did around it, loading the weights, is not counted. Both sides are told
/// per image, in processor time, medians in turns, so that another program on the machine does not decide the ratio.</remarks>
internal static class DiffusionInversion
{
    private const int Steps = 50;

    // The model cuts a call into blocks of at most this many of such images: more in one call cost the same each.
    private const int Call = 64;

    /// <summary>Prints one line a network.</summary>
    /// <param name="which">Part of the names of the networks to time; empty for all.</param>
    public static int Run(string which)
    {
        set_num_threads(1);
        Console.WriteLine($"One thread, {Steps} steps, no refinement; milliseconds of processor time an image.");
        Console.WriteLine("| network | published, one at a time | images in one call | an image | times faster |");
        Console.WriteLine("|---|---:|---:|---:|---:|");
        DiffusionUNetOptions tiny = new() { Image = ImageFormat.Rgb(8), Channels = 32, Multipliers = [1, 1], BlocksPerLevel = 1, AttentionHeights = [4] };
        UNet("U-Net, 32 channels, 3×8×8", tiny, 256);
        UNet("U-Net, 32 channels, 1×28×28", DiffusionUNetOptions.Small(ImageFormat.Grey(28)), Call);
        UNet("U-Net, 32 channels, 3×32×32", DiffusionUNetOptions.Small(ImageFormat.Rgb(32)), Call);
        UNet("CelebA's U-Net at a quarter of its width, 3×64×64", DiffusionUNetOptions.CelebA with { Channels = 32 }, 16);
        if (Wanted("7×7 blocks, 1×28×28"))
        {
            using var digits = ConvolutionalDenoiser.Create();
            using BareDenoiser bare = BareDenoiser.Create();
            Compare("7×7 blocks, 1×28×28", digits, (x, time) => bare.call(x, time / 1000f), NetworkRange.MinusHalfToHalf, digits.Schedule, Call);
        }
        return 0;

        bool Wanted(string name) => name.Contains(which, StringComparison.OrdinalIgnoreCase);

        void UNet(string name, DiffusionUNetOptions options, int many)
        {
            if (!Wanted(name)) return;
            using var network = DiffusionUNet.Create(options);
            using BareUNet bare = new(options.Image.Channels, options.Image.Height, options.Channels, [.. options.Multipliers], options.BlocksPerLevel, [.. options.AttentionHeights]);
            Compare(name, network, bare.call, NetworkRange.MinusOneToOne, NoiseSchedule.Linear(), many);
        }
    }

    private static void Compare(string name, IDenoiser network, Func<Tensor, Tensor, Tensor> bare, NetworkRange range, NoiseSchedule schedule, int many)
    {
        using var scope = NewDisposeScope();
        Tensor images = rand(many, network.Image.Channels, network.Image.Height, network.Image.Width);
        DiffusionOptions options = new() { Range = range, Steps = Steps, Spacing = StepSpacing.Leading, Refinements = 0, Compatibility = InversionCompatibility.PublishedOffByOne };
        // The model frees the network with itself, and the caller has it in a using: freeing twice does nothing.
        using var model = DiffusionModel.FromNetwork(network, schedule, options);
        float[] betas = [.. schedule.Betas.Select(beta => (float)beta)];
        int next = 0;
        Interleaved.Medians[] times = Interleaved.Time(TimeSpan.Zero, 3, () => Published(bare, betas, images.narrow(0, next++ % many, 1)), () => model.Encode(images));
        (double slow, double fast) = (times[0].Processor * 1000, times[1].Processor * 1000 / many);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {slow:0} | {many} | {fast:0.0} | {slow / fast:0.0} |"));
    }

    // In the order of work of the published loop, for the network's own range of pixels.
    private static void Published(Func<Tensor, Tensor, Tensor> network, float[] betas, Tensor image)
    {
        Tensor beta = tensor(betas);
        int skip = betas.Length / Steps;
        List<Tensor> images = [image], predictions = [];
        for (int i = 0; i < Steps; i++)
        {
            using var step = NewDisposeScope();
            Tensor time = full([1], (float)(i * skip)), next = full([1], (float)(i == Steps - 1 ? betas.Length - 1 : (i + 1) * skip));
            Tensor from = AlphaBar(beta, time), to = AlphaBar(beta, next);
            Tensor x = images[^1];
            Tensor noise = network(x, time);
            Tensor clean = (x - noise * (1 - from).sqrt()) / from.sqrt();
            predictions.Add(clean.MoveToOuterDisposeScope());
            images.Add((to.sqrt() * clean + (1 - to).sqrt() * noise).MoveToOuterDisposeScope());
        }
    }

    private static Tensor AlphaBar(Tensor beta, Tensor time) =>
        (1 - cat([zeros(1), beta], 0)).cumprod(0).index_select(0, time.to_type(ScalarType.Int64) + 1).reshape(-1, 1, 1, 1);
}
