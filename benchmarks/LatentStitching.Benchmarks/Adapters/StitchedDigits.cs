using System.Globalization;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Flows;
using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Reporting;
using LatentStitching.Training;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Real digits through pairs of families: a published VAE, a published diffusion model and a published GAN, and a Glow trained here.</summary>
internal static class StitchedDigits
{
    private const int Side = 32;
    private const int Fitted = 600;
    private const int Tested = 60;
    private const int Shown = 8;

    /// <summary>Prints errors of each pair and draws them.</summary>
    /// <param name="shared">A folder with data/mnist, models/disentangling-vae, models/ddpm_mnist and models/csinva_mnist.</param>
    /// <param name="picture">A PNG to write.</param>
    public static int Run(string shared, string picture)
    {
        string data = Path.Combine(shared, "data", "mnist");
        IdxImages train = IdxImages.Open(Path.Combine(data, "train-first14262-images-idx3-ubyte.gz"), size: Side);
        IdxImages held = IdxImages.Open(Path.Combine(data, "t10k-images-idx3-ubyte.gz"), size: Side);
        IImageSource fitted = train.Take(Fitted), tested = held.Take(Tested);
        ImageFormat format = train.Image;

        using Vae vae = Vae.Load(Path.Combine(shared, "models", "disentangling-vae", "VAE_mnist", "model.pt"));
        using var network = ConvolutionalDenoiser.Load(Path.Combine(shared, "models", "ddpm_mnist", "ddpm_mnist_starter.pth"));
        using var diffusion = DiffusionModel.FromNetwork(network, network.Schedule, new DiffusionOptions { Name = "ddpm", Range = NetworkRange.MinusHalfToHalf, Steps = 10 });
        using MlpGan gan = MlpGan.Load(Path.Combine(shared, "models", "csinva_mnist", "gan_mlp_G--300.ckpt"), ImageFormat.Grey(28));
        gan.Inversion = new LatentOptimisation();
        using var glow = Glow.Create(new GlowOptions { Name = "glow", Image = format, Levels = 3, Steps = 6, HiddenChannels = 48, Seed = 1 });
        TrainingReport report = new GlowTrainer(new TrainingOptions { Epochs = 4, BatchSize = 32, LearningRate = 1e-3, WarmupSteps = 100, GradientClip = 50, Seed = 1 })
            .Train(glow, train.Take(8000), new Lines());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Glow trained here in {report.Elapsed.TotalMinutes:0.0} min: {report.EpochLosses[^1]:0.00} bits per dimension."));

        ILatentModel[] models = [vae, glow, diffusion.WithImage(format), gan.WithImage(format)];
        using var scope = NewDisposeScope();
        Tensor digits = tested.Load(0, Shown);
        List<(string Label, Tensor Images)> rows = [("digits", digits)];
        foreach (ILatentModel model in models) rows.Add((model.Name, model.Reconstruct(digits)));
        Console.WriteLine($"Maps fitted on {Fitted} digits, judged on {Tested} of the test set; ridge, strength by leave-one-out.");
        Console.WriteLine("| encoder → decoder | pixel MSE of the stitch (M) | of the decoder's own model (R2) | latent error of the mean (1 = no better) |");
        Console.WriteLine("|---|---:|---:|---:|");
        (int From, int To)[] pairs = [(1, 0), (0, 1), (0, 2), (2, 0), (1, 2), (0, 3), (3, 0)];
        foreach ((int from, int to) in pairs)
        {
            using StitchResult stitch = Stitcher.Fit(models[from], models[to], fitted);
            StitchErrors errors = stitch.Evaluate(tested);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {models[from].Name} → {models[to].Name} | {errors.Stitched.Value:0.0000} [{errors.Stitched.Lower:0.0000}, {errors.Stitched.Upper:0.0000}] | {errors.TargetReconstruction.Value:0.0000} | {errors.NormalisedLatent.Value:0.000} |"));
            rows.Add(($"{models[from].Name} → {models[to].Name}", stitch.Model.Reconstruct(digits)));
        }
        ImageGrid.Save(picture, rows, new ImageGridOptions { Title = "Real digits through pairs of families", Scale = 2 });
        Console.WriteLine($"Picture: {picture}");
        return 0;
    }

    private sealed class Lines : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step * 10 % value.TotalSteps < 10) Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {value.Step} of {value.TotalSteps}, {value.Loss:0.000} bits per dimension, {value.ImagesPerSecond:0} images/s"));
        }
    }
}
