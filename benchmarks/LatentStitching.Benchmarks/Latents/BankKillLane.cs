using System.Diagnostics;
using System.Globalization;

namespace LatentStitching.Benchmarks.Latents;

/// <summary>An encoding in a process that is killed (SIGKILL) at random times, again and again to the same path, must end with the bytes of an undisturbed one.</summary>
/// <remarks>The times are drawn with a seed, evenly from the first third of what an undisturbed run takes after its models are made; so a bank is killed a few times before it is whole, and some kills come before its first batch.</remarks>
internal static class BankKillLane
{
    private const int DefaultCount = 50;
    private const int Seed = 1;

    public static int Run(string[] arguments)
    {
        int count = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : DefaultCount;
        string root = Directory.CreateTempSubdirectory("latentstitching-bank-kills-").FullName;
        try
        {
            string wanted = Path.Combine(root, "undisturbed");
            var clock = Stopwatch.StartNew();
            (_, TimeSpan whole) = Child(wanted, null);
            byte[] expected = File.ReadAllBytes(wanted);
            Console.WriteLine(Text($"undisturbed: {expected.Length} bytes in {whole.TotalSeconds:0.0} s"));
            Random random = new(Seed);
            int killed = 0, banks = 0, differing = 0, torn = 0;
            while (killed < count)
            {
                string path = Path.Combine(root, $"bank-{++banks}");
                while (killed < count && Child(path, whole * (random.NextDouble() / 3)).Killed)
                {
                    killed++;
                    if (File.Exists($"{path}.partial")) torn++;
                    // A name without its whole content is the one thing that must not be.
                    if (File.Exists(path) && !File.ReadAllBytes(path).AsSpan().SequenceEqual(expected)) differing++;
                }
                if (!File.Exists(path)) Child(path, null);
                if (!File.ReadAllBytes(path).AsSpan().SequenceEqual(expected)) differing++;
            }
            Console.WriteLine(Text($"{killed} kills, {torn} of them with a begun file, {banks} banks finished after them, {clock.Elapsed.TotalSeconds:0} s"));
            Console.WriteLine(differing == 0 ? "equal" : Text($"{differing} differ"));
            return differing == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>Encodes in a process, and kills it so long after it began.</summary>
    private static (bool Killed, TimeSpan Time) Child(string path, TimeSpan? killAfter)
    {
        ProcessStartInfo start = new("dotnet", ["exec", typeof(BankKillLane).Assembly.Location, KilledEncoding.Command, path]) { RedirectStandardOutput = true };
        using Process child = Process.Start(start)!;
        if (child.StandardOutput.ReadLine() != "begun") throw new InvalidOperationException("The encoding did not begin.");
        var clock = Stopwatch.StartNew();
        if (killAfter is { } time)
        {
            if (child.WaitForExit(time)) return (false, clock.Elapsed);
            child.Kill();
        }
        child.WaitForExit();
        bool killed = child.ExitCode == 128 + 9;
        return killed || child.ExitCode == 0 ? (killed, clock.Elapsed) : throw new InvalidOperationException($"The encoding ended with {child.ExitCode}.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
