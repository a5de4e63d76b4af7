using LatentStitching.Adapters.Diffusion;
using LatentStitching.Models;
using LatentStitching.Studies;

namespace LatentStitching.Replication.Zoo;

/// <summary>The trained models that come with the program, or those of another folder of the same layout.</summary>
internal static class ZooModels
{
    // Its pairs are measured on images that it draws, as the published study did with its GAN.
    private const string Decoder = "stylegan2";
    private const string Diffusion = "ddpm";

    /// <summary>The models that come with the program.</summary>
    public static string Embedded => Path.Combine(AppContext.BaseDirectory, "zoo");

    /// <summary>Opens all models as members of a study.</summary>
    public static IEnumerable<Opened> Open(string folder, bool quick)
    {
        foreach (string name in ZooRecipes.All.Select(recipe => recipe.Name))
        {
            ILatentModel model = LatentModel.Load(Path.Combine(folder, name));
            // Plain steps of a briefly trained network are exact there and back, and turn every other latent into flat colour; clipped ones lose colour on the way and draw faces.
            ILatentModel used = model is DiffusionModel diffusion ? diffusion.With(diffusion.Options with { Steps = quick ? 4 : 10, Refinements = 0, ClipPrediction = true }) : model;
            yield return new Opened(StudyMember.Of(used) with { Encodes = name != Decoder }, used == model ? [model] : [used, model]);
        }
    }

    /// <summary>The series of checkpoints of models of the folder: name, and checkpoints with the finished model last.</summary>
    public static IEnumerable<(StudyMember Model, StudyCheckpoint[] Checkpoints)> Series(string folder, IEnumerable<Opened> models)
    {
        foreach (Opened model in models)
        {
            string series = Path.Combine(folder, model.Member.Model.Name + "-series");
            if (!Directory.Exists(series)) continue;
            long trained = ZooRecipes.All.First(recipe => recipe.Name == model.Member.Model.Name).ImagesSeen(ZooTraining.DefaultCount);
            yield return (model.Member,
            [
                .. Directory.EnumerateDirectories(series, "images-*").Select(checkpoint => new StudyCheckpoint(
                    long.Parse(Path.GetFileName(checkpoint)["images-".Length..], System.Globalization.CultureInfo.InvariantCulture), () => LatentModel.Load(checkpoint))),
                new StudyCheckpoint(trained, () => LatentModel.Load(Path.Combine(folder, model.Member.Model.Name))),
            ]);
        }
    }

    /// <summary>Whether a model is quick enough to be encoded once a level.</summary>
    public static bool IsLight(StudyMember member) => member.Model.Name != Diffusion;
}
