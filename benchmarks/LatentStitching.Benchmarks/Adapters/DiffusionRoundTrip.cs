using System.Diagnostics;
using System.Globalization;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Reporting;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Real digits into the latent of a published diffusion model and back: how near they come, against the number of steps, with plain and refined inversion.</summary>
internal static class DiffusionRoundTrip
{
    private const int Digits = 8;
    private static readonly int[] _steps = [5, 10, 20, 50, 100];
    private static readonly int[] _refinements = [0, 1, 3, 10];

    /// <summary>Prints one table and draws a picture.</summary>
    /// <param name="weights">ddpm_mnist_starter.pth.</param>
    /// <param name="digits">t10k-images-idx3-ubyte.gz.</param>
    /// <param name="picture">A PNG to write.</param>
    public static int Run(string weights, string digits, string picture)
    {
        using var scope = NewDisposeScope();
        using var network = ConvolutionalDenoiser.Load(weights);
        DiffusionOptions options = new() { Name = "ddpm-mnist", Range = NetworkRange.MinusHalfToHalf };
        using var model = DiffusionModel.FromNetwork(network, network.Schedule, options);
        Tensor images = IdxImages.Open(digits).Load(0, Digits);
        Console.WriteLine($"RMSE of decode(encode(x)) against x, pixels in [0, 1], the first {Digits} digits of the file; columns: fixed-point iterations a step.");
        Console.WriteLine($"| steps |{string.Concat(_refinements.Select(count => $" {count} |"))} seconds |");
        Console.WriteLine($"|---:|{string.Concat(_refinements.Select(_ => "---:|"))}---:|");
        foreach (int steps in _steps)
        {
            var clock = Stopwatch.StartNew();
            Console.Write($"| {steps} |");
            foreach (int refinements in _refinements)
            {
                using DiffusionModel other = model.With(options with { Steps = steps, Refinements = refinements });
                using Tensor back = other.Reconstruct(images);
                Console.Write(string.Create(CultureInfo.InvariantCulture, $" {Rmse(back, images):0.00000} |"));
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $" {clock.Elapsed.TotalSeconds:0.0} |"));
        }
        Draw(model, options, images.narrow(0, 0, 8), picture);
        Console.WriteLine($"Picture: {picture}");
        return 0;
    }

    private static void Draw(DiffusionModel model, DiffusionOptions options, Tensor images, string picture)
    {
        using DiffusionModel plain = model.With(options with { Steps = 10, Refinements = 0 }), refined = model.With(options with { Steps = 10, Refinements = 10 });
        using DiffusionModel fast = model.With(options with { Solver = DiffusionSolver.DpmSolverPlusPlus, SolverOrder = 3, DecodeSteps = 15 });
        Tensor latents = model.Encode(images), noise = model.Sample(8, 3);
        List<(string Label, Tensor Images)> entries =
        [
            ("digit", images),
            ("its latent", (latents.reshape(images.shape) / 6 + 0.5).clamp(0, 1)),
            ("50 steps", model.Decode(latents)),
            ("10, plain", plain.Reconstruct(images)),
            ("10, refined", refined.Reconstruct(images)),
            ("DPM 15", fast.Decode(latents)),
            ("drawn, DDIM", model.Decode(noise)),
            ("drawn, DDPM", model.SampleAncestral(8, 4)),
        ];
        ImageGrid.Save(picture, entries, new ImageGridOptions { Title = "A published MNIST diffusion model", Scale = 2 });
    }

    private static double Rmse(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return Math.Sqrt((a - b).square().mean().ToDouble());
    }
}
