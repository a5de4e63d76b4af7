using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Flows;
using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Training;

namespace LatentStitching.Replication.Zoo;

/// <summary>The models of the zoo: every family of the published studies, small enough for two cores and a repository.</summary>
internal static class ZooRecipes
{
    /// <summary>Side of the images in pixels.</summary>
    public const int Size = 32;

    public static IReadOnlyList<ZooRecipe> All { get; } =
    [
        Vae("vae", 1, [0, 1024, 8192, 32768, 131072]),
        Vae("vae-2", 2, []),
        new ZooRecipe(
            "split-vae",
            "Split-VAE, latent of 32",
            () => SplitVae.Create(SplitVaeOptions.Small32 with { Name = "split-vae", Seed = 4 }),
            new TrainingOptions { Epochs = 16, BatchSize = 32, LearningRate = 1e-3, Schedule = LearningRateSchedule.Cosine, EmaDecay = 0.995, GradientClip = 1000, Seed = 4 },
            (model, images, options, progress, cancel) => new VaeTrainer(options) { Beta = 0.1 }.Train((SplitVae)model, images, progress, cancel)),
        new ZooRecipe(
            "vq-vae",
            "VQ-VAE, a map of 4×8×8 and 256 codes",
            () => VqVae.Create(VqVaeOptions.Small32 with { Name = "vq-vae", Seed = 5 }),
            new TrainingOptions { Epochs = 6, BatchSize = 32, LearningRate = 1e-3, Schedule = LearningRateSchedule.Cosine, Seed = 5 },
            (model, images, options, progress, cancel) => new VqVaeTrainer(options).Train((VqVae)model, images, progress, cancel)),
        new ZooRecipe(
            "gan",
            "GAN in the layout of Asperti and Tonelli, latent of 32, with a recoder",
            () => Gan.Create(new GanOptions { Name = "gan", Image = ImageFormat.Rgb(Size), LatentDimension = 32, BaseChannels = 16, SeedChannels = 64, Seed = 6 }),
            new TrainingOptions { Epochs = 25, BatchSize = 32, LearningRate = 5e-4, EmaDecay = 0.998, Seed = 6 },
            (model, images, options, progress, cancel) => Invertible((Gan)model, 32, 10, images, options, progress, cancel)),
        new ZooRecipe(
            "stylegan2",
            "StyleGAN2, latent and style of 64, with a recoder",
            () => StyleGan2.Create(StyleGan2Options.Small with { Name = "stylegan2", Seed = 7 }),
            new TrainingOptions { Epochs = 9, BatchSize = 32, LearningRate = 2e-3, EmaDecay = 0.998, Seed = 7 },
            (model, images, options, progress, cancel) => Invertible((StyleGan2)model, 64, 0.0256, images, options, progress, cancel)),
        new ZooRecipe(
            "glow",
            "Glow in rosinality's layout, additive, 3 levels of 8 steps",
            () => Glow.Create(new GlowOptions { Name = "glow", Image = ImageFormat.Rgb(Size), Levels = 3, Steps = 8, HiddenChannels = 48, Seed = 3 }),
            new TrainingOptions { Epochs = 12, BatchSize = 32, LearningRate = 1e-3, WarmupSteps = 200, Schedule = LearningRateSchedule.Cosine, GradientClip = 50, EmaDecay = 0.995, Seed = 3 },
            (model, images, options, progress, cancel) => new GlowTrainer(options).Train((Glow)model, images, progress, cancel))
        {
            Series = [0, 1024, 4096, 16384, 65536],
        },
        new ZooRecipe(
            "ddpm",
            "DDPM with a small U-Net, DDIM of 20 steps both ways",
            () => DiffusionModel.FromNetwork(
                DiffusionUNet.Create(DiffusionUNetOptions.Small(ImageFormat.Rgb(Size)) with { Seed = 8 }), NoiseSchedule.Linear(), new DiffusionOptions { Name = "ddpm", Steps = 20 }),
            new TrainingOptions { Epochs = 8, BatchSize = 32, LearningRate = 1e-3, WarmupSteps = 200, Schedule = LearningRateSchedule.Cosine, GradientClip = 1, EmaDecay = 0.998, Seed = 8 },
            (model, images, options, progress, cancel) => new DiffusionTrainer(options).Train((DiffusionModel)model, images, progress, cancel)),
    ];

    private static ZooRecipe Vae(string name, ulong seed, IReadOnlyList<long> series) => new(
        name,
        "VAE in the layout of Burgess et al., latent of 32",
        () => Adapters.Autoencoders.Vae.Create(new VaeOptions { Name = name, Image = ImageFormat.Rgb(Size), LatentDimension = 32, Seed = seed }),
        new TrainingOptions { Epochs = 40, BatchSize = 32, LearningRate = 1e-3, Schedule = LearningRateSchedule.Cosine, EmaDecay = 0.995, Seed = seed },
        // A light divergence, so that a few minutes of training give more than the mean face.
        (model, images, options, progress, cancel) => new VaeTrainer(options) { Beta = 0.1 }.Train((Vae)model, images, progress, cancel))
    {
        Series = series,
    };

    // A generator, and then an encoder for it trained on what it generates. The weights of the gradient penalty are four and sixteen times the trainer's defaults, which were tried and gave nothing better.
    private static TrainingReport Invertible(GanModel model, long latent, double penalty, IImageSource images, TrainingOptions options, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        TrainingReport report = new GanTrainer(options) { GradientPenalty = penalty }.Train(model, images, progress, cancellationToken);
        var recoder = Recoder.Create(new RecoderOptions { Name = model.Name + "-recoder", Image = model.Image, LatentDimension = latent, BaseChannels = 32, Seed = options.Seed });
        model.Inversion = recoder;
        string? checkpoint = options.CheckpointPath?.Replace(".training.", ".recoder.training.", StringComparison.Ordinal);
        TrainingOptions second = new() { Epochs = 8, BatchSize = 64, LearningRate = 1e-3, Schedule = LearningRateSchedule.Cosine, Seed = options.Seed, CheckpointPath = checkpoint };
        RecoderReport found = new RecoderTrainer(second).Train(recoder, model, progress, cancellationToken);
        if (checkpoint is not null) File.Delete(checkpoint);
        Display.Line(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{model.Name}: the recoder's error is {found.RelativeLatentError:0.000} of the latent's variance, {found.ImageError:0.00000} in squared pixels"));
        return report with { Elapsed = report.Elapsed + found.Training.Elapsed };
    }
}
