using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Studies;

namespace LatentStitching.Benchmarks.Studies;

/// <summary>The study that <see cref="KillLane"/> kills, as a process of its own: three models that encode and one that draws, procedural faces, probes and paths. Tells each part that is done.</summary>
internal static class KilledStudy
{
    public const string Command = "kills-child";

    public static int Run(string folder)
    {
        set_num_threads(1);
        ProceduralFaces faces = new(1200, 32, 5);
        using PcaModel few = PcaModel.Fit(faces.Take(200), 8, "pca-8"), many = PcaModel.Fit(faces.Take(200), 24, "pca-24");
        using var vae = Vae.Create(new VaeOptions { Name = "vae", Image = ImageFormat.Rgb(32), LatentDimension = 10, Seed = 1 });
        using var gan = Gan.Create(new GanOptions { Name = "gan", Image = ImageFormat.Rgb(32), LatentDimension = 16, BaseChannels = 16, Seed = 2 });
        StudyMember[] members =
        [
            new(few) { Family = ModelFamily.Linear },
            new(many) { Family = ModelFamily.Linear },
            new(vae) { Family = ModelFamily.Vae },
            new(gan) { Family = ModelFamily.Gan, Encodes = false },
        ];
        Console.WriteLine("begun");
        StudyResult result = StitchingStudy.Run(members, faces, folder, new StitchingStudyOptions { BatchSize = 64, GaussianDimension = 16 }, new Lines());
        foreach (StudyFailure failure in result.Failures) Console.WriteLine($"failed {failure.Step} {failure.Item}: {failure.Message.ReplaceLineEndings(" ")}");
        Console.WriteLine("finished");
        return result.Failures.Count == 0 ? 0 : 1;
    }

    /// <summary>Each part that is done, on a line of its own.</summary>
    private sealed class Lines : IProgress<StudyProgress>
    {
        public void Report(StudyProgress value)
        {
            if (value.Share < 1) return;
            Console.WriteLine($"part {value.Done} {value.Total} {value.Step} {(value.Resumed ? "read" : "computed")}");
            Console.Out.Flush();
        }
    }
}
