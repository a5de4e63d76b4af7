using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Flows;
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
        Vae("vae", 1, series: true),
        Vae("vae-2", 2, series: false),
        new ZooRecipe(
            "glow",
            "Glow in rosinality's layout, additive, 3 levels of 8 steps",
            () => Glow.Create(new GlowOptions { Name = "glow", Image = ImageFormat.Rgb(Size), Levels = 3, Steps = 8, HiddenChannels = 48, Seed = 3 }),
            new TrainingOptions { Epochs = 12, BatchSize = 32, LearningRate = 1e-3, WarmupSteps = 200, Schedule = LearningRateSchedule.Cosine, GradientClip = 50, EmaDecay = 0.995, Seed = 3 },
            (model, images, options, progress, cancel) => new GlowTrainer(options).Train((Glow)model, images, progress, cancel))
        {
            Series = true,
        },
    ];

    private static ZooRecipe Vae(string name, ulong seed, bool series) => new(
        name,
        "VAE in the layout of Burgess et al., latent of 32",
        () => Adapters.Autoencoders.Vae.Create(new VaeOptions { Name = name, Image = ImageFormat.Rgb(Size), LatentDimension = 32, Seed = seed }),
        new TrainingOptions { Epochs = 40, BatchSize = 32, LearningRate = 1e-3, Schedule = LearningRateSchedule.Cosine, EmaDecay = 0.995, Seed = seed },
        // A light divergence, so that a few minutes of training give more than the mean face.
        (model, images, options, progress, cancel) => new VaeTrainer(options) { Beta = 0.1 }.Train((Vae)model, images, progress, cancel))
    {
        Series = series,
    };
}
