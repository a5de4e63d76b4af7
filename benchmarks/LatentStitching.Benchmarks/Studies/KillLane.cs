using System.Diagnostics;
using System.Globalization;

namespace LatentStitching.Benchmarks.Studies;

/// <summary>A study in a process that is killed (SIGKILL) again and again, and each time begun anew in the same folder, must end with the bytes of an undisturbed one.</summary>
/// <remarks>
/// The moments: part numbers drawn with a seed, one from each equal slice of all parts of the study, and within the part that is under way then the drawn share of the time that this part took when undisturbed. So every kind of part is hit
/// as often as it is frequent, at its beginning, middle or end.
/// </remarks>
internal static class KillLane
{
    private const int DefaultCount = 20;
    private const int Seed = 1;

    public static int Run(string[] arguments)
    {
        int count = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : DefaultCount;
        string root = Directory.CreateTempSubdirectory("latentstitching-kills-").FullName;
        try
        {
            string undisturbed = Path.Combine(root, "undisturbed");
            var clock = Stopwatch.StartNew();
            List<Part> parts = Child(undisturbed, _ => null).Parts;
            Console.WriteLine(Text($"undisturbed: {parts.Count} parts in {clock.Elapsed.TotalSeconds:0.0} s, {string.Join(", ", parts.GroupBy(part => part.Step).Select(step => $"{step.Count()} {step.Key}"))}"));
            Console.WriteLine("\n| kill | after, s | part under way | done before it | finished parts on disk | banks | maps | half-written files |\n|---:|---:|---|---:|---:|---:|---:|---:|");
            Random random = new(Seed);
            double[] moments = [.. Enumerable.Range(0, count).Select(i => (i + random.NextDouble()) * parts.Count / count)];
            int killed = 0, runs = 0;
            List<string> differing = [];
            while (killed < count)
            {
                string folder = Path.Combine(root, $"killed-{++runs}");
                while (killed < count && Kill(folder, parts, moments[killed], killed + 1)) killed++;
                Finish(folder);
                differing.AddRange(Differing(undisturbed, folder));
            }
            Console.WriteLine(Text($"\n{killed} kills, {runs} studies finished after them, {clock.Elapsed.TotalSeconds:0} s"));
            Console.WriteLine(differing.Count == 0 ? "equal" : string.Join('\n', differing));
            return differing.Count == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>Starts the study in a folder and kills it at a moment; false where it ended before.</summary>
    private static bool Kill(string folder, List<Part> parts, double moment, int number)
    {
        int before = (int)moment;
        TimeSpan within = (parts[before].At - (before == 0 ? TimeSpan.Zero : parts[before - 1].At)) * (moment - before);
        (bool killed, List<Part> done, TimeSpan after) = Child(folder, reached => reached >= before ? within : null);
        if (!killed) return false;
        string underWay = done.Count < parts.Count ? parts[done.Count].Step : "writing results";
        Console.WriteLine(Text($"| {number} | {after.TotalSeconds:0.00} | {underWay} | {done.Count} | {Files("parts", ".json")} | {Files("latents", ".safetensors")} | {Files("maps", ".safetensors")} | {Files("", ".tmp") + Files("", ".partial")} |"));
        return true;

        int Files(string sub, string end) => Directory.EnumerateFiles(Path.Combine(folder, sub), "*", SearchOption.AllDirectories).Count(file => file.EndsWith(end, StringComparison.Ordinal));
    }

    // What a run met that was no kill is told, and tried again, as a user would.
    private static void Finish(string folder)
    {
        for (int attempt = 0; attempt < 3; attempt++)
        {
            if (Child(folder, _ => null).Succeeded) return;
        }
    }

    /// <summary>Runs the study in a process; once the answer for the parts done so far is a time, waits so long and kills it.</summary>
    private static Outcome Child(string folder, Func<int, TimeSpan?> killAfter)
    {
        ProcessStartInfo start = new("dotnet", ["exec", typeof(KillLane).Assembly.Location, KilledStudy.Command, folder]) { RedirectStandardOutput = true };
        using Process child = Process.Start(start)!;
        var clock = Stopwatch.StartNew();
        List<Part> parts = [];
        while (child.StandardOutput.ReadLine() is { } line)
        {
            string[] words = line.Split(' ');
            if (words[0] == "begun") clock.Restart();
            else if (words[0] == "part") parts.Add(new Part(words[3], clock.Elapsed));
            else if (words[0] == "failed") Console.WriteLine(line);
            if (words[0] is not ("begun" or "part") || killAfter(parts.Count) is not { } time) continue;
            Spin(time);
            child.Kill();
            child.WaitForExit();
            // What it told between the last line read and its end.
            while (child.StandardOutput.ReadLine() is { } late)
            {
                if (late.StartsWith("part ", StringComparison.Ordinal)) parts.Add(new Part(late.Split(' ')[3], clock.Elapsed));
            }
            return new Outcome(child.ExitCode == 128 + 9, parts, clock.Elapsed) { Succeeded = child.ExitCode == 0 };
        }
        child.WaitForExit();
        return new Outcome(false, parts, clock.Elapsed) { Succeeded = child.ExitCode == 0 };
    }

    // A sleep is as coarse as a short part is long.
    private static void Spin(TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        if (time > TimeSpan.FromMilliseconds(40)) Thread.Sleep(time - TimeSpan.FromMilliseconds(20));
        while (clock.Elapsed < time) Thread.SpinWait(100);
    }

    private static IEnumerable<string> Differing(string wanted, string folder)
    {
        foreach (string name in (string[])["results.json", "results.csv", "manifest.json", "examples.safetensors"])
        {
            string path = Path.Combine(folder, name);
            if (!File.Exists(path)) yield return $"{Path.GetFileName(folder)}: {name} is missing";
            else if (!File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(wanted, name)))) yield return $"{Path.GetFileName(folder)}: {name} differs";
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>A part that was told, and when.</summary>
    private sealed record Part(string Step, TimeSpan At);

    /// <summary>How a process ended.</summary>
    private sealed record Outcome(bool Killed, List<Part> Parts, TimeSpan After)
    {
        public required bool Succeeded { get; init; }
    }
}
