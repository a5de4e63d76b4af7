using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LatentStitching.Data;
using LatentStitching.Probing;

namespace LatentStitching.Benchmarks.Probing;

/// <summary>Ten attributes together here, one by one in scikit-learn, one thread each, the same rows: CPU seconds as ratios beside what each side reached.</summary>
/// <remarks>scikit-learn is timed on the first attributes only and scaled to ten: they are alike. CPU seconds rather than wall time, so that another program on the machine does not decide the ratio.</remarks>
internal static class ProbeComparison
{
    private const int Attributes = 10;

    public static int Run(long n, long d, double alpha, int timed)
    {
        set_num_threads(1);
        string folder = Directory.CreateTempSubdirectory("latentstitching-probes-").FullName;
        try
        {
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            (Tensor latents, ProbeLabels labels) = Data(n, d);
            Write(folder, latents, labels);
            File.WriteAllText($"{folder}/plan.json", JsonSerializer.Serialize(new { n, d, k = Attributes, alpha, timed }));
            JsonElement theirs = Python(folder);
            Console.WriteLine($"n {n}, d {d}, scikit-learn {theirs.GetProperty("version").GetString()}, {timed} of {Attributes} attributes timed there and scaled");
            Console.WriteLine("| probe | ours, ten, CPU s | scikit-learn, ten, CPU s | theirs / ours | our largest gap | our iterations | their iterations | their objective over ours |");
            Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|");
            Row("lasso", new LassoProbeTrainer { Alpha = alpha }, latents, labels, theirs.GetProperty("lasso"));
            Row("logistic", new LogisticProbeTrainer(), latents, labels, theirs.GetProperty("logistic"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return 0;
    }

    private static void Row(string name, IProbeTrainer trainer, Tensor latents, ProbeLabels labels, JsonElement theirs)
    {
        TimeSpan start = Process.GetCurrentProcess().TotalProcessorTime;
        using ProbeFit fit = trainer.Train(latents, labels);
        double seconds = (Process.GetCurrentProcess().TotalProcessorTime - start).TotalSeconds;
        JsonElement[] timed = [.. theirs.EnumerateArray()];
        double other = timed.Average(row => row.GetProperty("seconds").GetDouble()) * Attributes;
        double[] over = [.. timed.Select((row, attribute) => (row.GetProperty("objective").GetDouble() / Objective(name, trainer, fit, latents, labels, attribute)) - 1)];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {seconds:0.0} | {other:0.0} | {other / seconds:0.0} | {fit.Reports.Max(report => report.RelativeGap):0.0e+0} | {fit.Reports.Min(report => report.Iterations)}-{fit.Reports.Max(report => report.Iterations)} | {string.Join(", ", timed.Select(row => row.GetProperty("iterations").GetInt32()))} | {string.Join(", ", over.Select(value => value.ToString("0.0e+0", CultureInfo.InvariantCulture)))} |"));
    }

    private static double Objective(string name, IProbeTrainer trainer, ProbeFit fit, Tensor latents, ProbeLabels labels, int attribute)
    {
        using var scope = NewDisposeScope();
        double[] scores = fit.Probes.Scores(latents).data<double>().ToArray();
        Tensor w = fit.Probes.Weight[attribute];
        double sum = 0;
        int rows = 0;
        for (int row = 0; row < labels.Count; row++)
        {
            if (!labels.Uses(row, attribute)) continue;
            double s = scores[(row * Attributes) + attribute], y = labels[row, attribute] ? 1 : 0;
            sum += name == "lasso" ? (y - s) * (y - s) / 2 : Math.Max(s, 0) - (y * s) + Math.Log(1 + Math.Exp(-Math.Abs(s)));
            rows++;
        }
        return trainer is LassoProbeTrainer lasso ? (sum / rows) + (lasso.Alpha * w.abs().sum().ToDouble()) : sum + (w.square().sum().ToDouble() / 2);
    }

    // Columns of falling scale, neighbours alike, with a few Householder reflections, for latents; an attribute is a noisy direction of the leading columns with half the rows or fewer, balanced on rows of its own.
    private static (Tensor Latents, ProbeLabels Labels) Data(long n, long d)
    {
        using Generator generator = new(0);
        using var scope = NewDisposeScope();
        Tensor latents = randn([n, d], ScalarType.Float32, generator: generator).mul_(arange(1, d + 1, dtype: ScalarType.Float32).pow(-0.35f));
        // Neighbours are alike: sums of eight.
        foreach (long shift in (long[])[1, 2, 4])
        {
            Tensor turned = latents.roll(shift, 1);
            latents.add_(turned);
            turned.Dispose();
        }
        latents.mul_(0.35f);
        Tensor scores = latents.narrow(1, 0, 60).mm(randn([60, Attributes], ScalarType.Float32, generator: generator));
        scores = scores.sub(scores.mean([0])).div(scores.std([0])).add(randn([n, Attributes], ScalarType.Float32, generator: generator).mul(0.7f));
        for (int reflection = 0; reflection < 3; reflection++)
        {
            Tensor axis = nn.functional.normalize(randn([d, 1], ScalarType.Float32, generator: generator), dim: 0);
            latents.sub_(latents.mm(axis).mul(2).mm(axis.t()));
        }
        latents.add_(0.3f);
        float[] values = scores.contiguous().data<float>().ToArray();
        AttributeTable table = new([.. Enumerable.Range(0, Attributes).Select(attribute => $"attribute {attribute}")], [.. Enumerable.Range(0, (int)n).Select(row =>
            (IReadOnlyList<bool>)[.. Enumerable.Range(0, Attributes).Select(attribute => values[(row * Attributes) + attribute] > attribute * 0.05f)])]);
        return (latents.MoveToOuterDisposeScope(), ProbeLabels.Of(table).Balanced(0));
    }

    private static void Write(string folder, Tensor latents, ProbeLabels labels)
    {
        using (FileStream file = File.Create($"{folder}/x.bin"))
        {
            file.Write(latents.bytes);
        }
        byte[] values = new byte[labels.Count * Attributes];
        for (int row = 0; row < labels.Count; row++)
        {
            for (int attribute = 0; attribute < Attributes; attribute++) values[(row * Attributes) + attribute] = unchecked((byte)(labels.Uses(row, attribute) ? labels[row, attribute] ? 1 : 0 : -1));
        }
        File.WriteAllBytes($"{folder}/y.bin", values);
    }

    private static JsonElement Python(string folder)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "Probing", "sklearn_probes.py");
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("PYTHON") ?? "/usr/bin/python3", [script, folder]) { RedirectStandardOutput = true };
        foreach (string variable in (string[])["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]) start.Environment[variable] = "1";
        // A forced kernel would slow the other side down.
        foreach (string variable in (string[])["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]) start.Environment.Remove(variable);
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException("python3 with scikit-learn is needed for the other side.");
        return JsonDocument.Parse(output).RootElement;
    }
}
