using System.Globalization;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Reporting;
using LatentStitching.Training;

namespace LatentStitching.Replication.Zoo;

/// <summary>Trains models of the zoo, one after the other, and writes each as a folder with a picture of what it reconstructs and samples.</summary>
internal static class ZooTraining
{
    /// <summary>Images that train the zoo; seed 0 is the study's own.</summary>
    public const ulong ImageSeed = 20_000;

    /// <summary>Faces that the zoo is trained on.</summary>
    public const int DefaultCount = 8000;

    private const int Shown = 8;

    public static int Execute(IReadOnlyList<string> names, string output, int count, int threads, CancellationToken cancellationToken)
    {
        set_num_threads(threads > 0 ? threads : throw new ArgumentException($"--threads must be positive, but it is {threads}."));
        string[] unknown = [.. names.Where(name => ZooRecipes.All.All(recipe => recipe.Name != name))];
        if (unknown.Length > 0)
        {
            Console.Error.WriteLine($"train must be given models of the zoo ({string.Join(", ", ZooRecipes.All.Select(recipe => recipe.Name))}), but it was given {string.Join(", ", unknown)}.");
            return 2;
        }
        ProceduralFaces images = new(count, ZooRecipes.Size, ImageSeed);
        try
        {
            foreach (ZooRecipe recipe in ZooRecipes.All.Where(recipe => names.Count == 0 || names.Contains(recipe.Name, StringComparer.Ordinal))) Train(recipe, images, output, cancellationToken);
            return 0;
        }
        catch (OperationCanceledException)
        {
            Display.Line("Stopped. The same command goes on where it was.");
            return 130;
        }
    }

    private static void Train(ZooRecipe recipe, ProceduralFaces images, string output, CancellationToken cancellationToken)
    {
        string folder = Path.Combine(output, recipe.Name), checkpoint = Path.Combine(output, recipe.Name + ".training.safetensors");
        Directory.CreateDirectory(output);
        Display.Line($"{recipe.Name}: {recipe.About}");
        using LatentModel model = recipe.Make();
        TrainingOptions options = recipe.Options with { CheckpointPath = checkpoint, SnapshotFolder = recipe.Series.Count > 0 ? Path.Combine(output, recipe.Name + "-series") : null, SnapshotsAt = recipe.Series };
        TrainingReport report = recipe.Train(model, images, options, new Lines(recipe.Name), cancellationToken);
        model.Save(folder, report, half: true);
        foreach (TrainingSnapshot snapshot in report.Snapshots)
        {
            using LatentModel at = LatentModel.Load(snapshot.Folder);
            at.Save(snapshot.Folder, half: true);
        }
        double error = Picture(model, Path.Combine(folder, "faces.png"));
        long bytes = new FileInfo(Path.Combine(folder, "model.safetensors")).Length;
        Display.Line(string.Create(CultureInfo.InvariantCulture, $"{recipe.Name}: {report.Elapsed.TotalMinutes:0.0} min, last loss {report.EpochLosses[^1]:g5}, reconstruction MSE {error:g3}, {bytes / 1e6:0.00} MB"));
        File.Delete(checkpoint);
    }

    // Faces that no model was trained on, what the model makes of them, and what its prior gives.
    private static double Picture(LatentModel model, string path)
    {
        using var scope = NewDisposeScope();
        Tensor faces = new ProceduralFaces(64, ZooRecipes.Size, ImageSeed + 1).LoadAll(), made = model.Reconstruct(faces);
        List<(string Name, Tensor Images)> rows = [("faces", faces.narrow(0, 0, Shown)), ("reconstructed", made.narrow(0, 0, Shown))];
        if (model.GetService<ILatentPrior>() is { } prior) rows.Add(("sampled", Sampled(model, prior.Sample(Shown, 1))));
        ImageGrid.Save(path, rows);
        return (made - faces).square().mean().ToDouble();
    }

    // Plain DDIM steps amplify what a briefly trained network does not know of the noisiest times; samples are drawn with clipped predictions.
    private static Tensor Sampled(LatentModel model, Tensor latents)
    {
        if (model is not DiffusionModel diffusion) return model.Decode(latents);
        using DiffusionModel clipped = diffusion.With(diffusion.Options with { ClipPrediction = true, Refinements = 0 });
        return clipped.Decode(latents);
    }

    private sealed class Lines(string name) : IProgress<TrainingProgress>
    {
        private long _last = -30_000;

        public void Report(TrainingProgress value)
        {
            // One line half a minute.
            if (value.Step < value.TotalSteps && Environment.TickCount64 - _last < 30_000) return;
            _last = Environment.TickCount64;
            Display.Line(string.Create(CultureInfo.InvariantCulture, $"{name}: pass {value.Epoch}, step {value.Step} of {value.TotalSteps}, loss {value.Loss:g5}, {value.ImagesPerSecond:0} images/s, {value.Remaining.TotalMinutes:0.0} min left"));
        }
    }
}
