using System.Globalization;
using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Reporting;
using LatentStitching.Training;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>The published MNIST generator inverted on the first 100 test digits, by each way: mean squared error of the pixels, and processor time. One thread.</summary>
internal static class DigitInversion
{
    private const int Count = 100;

    /// <summary>Runs.</summary>
    /// <param name="shared">The folder that holds models/csinva_mnist and data/mnist.</param>
    /// <param name="picture">A PNG file for the first ten digits and what each way makes of them.</param>
    public static int Run(string shared, string picture)
    {
        set_num_threads(1);
        using MlpGan generator = MlpGan.Load(Path.Combine(shared, "models/csinva_mnist/gan_mlp_G--300.ckpt"), name: "csinva");
        using Tensor digits = IdxImages.Open(Path.Combine(shared, "data/mnist/t10k-images-idx3-ubyte.gz")).Load(0, Count);
        using var recoder = Recoder.Create(new RecoderOptions { Image = generator.Image, LatentDimension = generator.Latent.Dimension, Layers = 2, BaseChannels = 32, Dropout = 0 });
        TimeSpan start = Environment.CpuUsage.TotalTime;
        RecoderReport report = new RecoderTrainer(new TrainingOptions { Epochs = 10, BatchSize = 64, LearningRate = 2e-3, Schedule = LearningRateSchedule.Cosine }).Train(recoder, generator);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"recoder trained in {(Environment.CpuUsage.TotalTime - start).TotalSeconds:0} s; held-out generated digits: latent {report.LatentError:0.000} (share {report.RelativeLatentError:0.000}), pixels {report.ImageError:0.0000}"));
        LatentOptimisation adam = new(new LatentOptimisationOptions { Steps = 300, LearningRate = 0.1 });
        LatentOptimisation restarted = new(new LatentOptimisationOptions { Steps = 300, LearningRate = 0.1, Starts = 8 });
        LatentOptimisation lbfgs = new(new LatentOptimisationOptions { Optimiser = InversionOptimiser.Lbfgs, Steps = 150, LearningRate = 1 });
        List<(string Label, Tensor Images)> rows = [("digits", digits.narrow(0, 0, 10).clone())];
        using Tensor mean = digits.mean([0], keepdim: true).expand(Count, -1, -1, -1);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"mean digit",-26} {Error(mean, digits):0.0000}"));
        foreach ((string label, IGanInversion inversion) in ((string, IGanInversion)[])
            [
                ("recoder", recoder), ("Adam", adam), ("Adam, 8 starts", restarted), ("L-BFGS", lbfgs), ("recoder, Adam", new HybridInversion(recoder, adam)), ("recoder, L-BFGS", new HybridInversion(recoder, lbfgs)),
            ])
        {
            generator.Inversion = inversion;
            start = Environment.CpuUsage.TotalTime;
            using Tensor made = generator.Reconstruct(digits);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{label,-26} {Error(made, digits):0.0000}  {(Environment.CpuUsage.TotalTime - start).TotalMilliseconds / Count:0.0} ms an image"));
            rows.Add((label, made.narrow(0, 0, 10).clone()));
        }
        ImageGrid.Save(picture, rows, new ImageGridOptions { EntriesAsRows = true, Scale = 2 });
        foreach ((_, Tensor images) in rows) images.Dispose();
        return 0;
    }

    private static double Error(Tensor made, Tensor digits)
    {
        using var scope = NewDisposeScope();
        return (made - digits).square().mean().ToDouble();
    }
}
