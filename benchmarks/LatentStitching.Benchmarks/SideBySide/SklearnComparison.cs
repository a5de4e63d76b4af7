using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using LatentStitching.Fitting;
using LatentStitching.Pairing;

namespace LatentStitching.Benchmarks.SideBySide;

/// <summary>Fits the same data here and in scikit-learn, one thread each, and prints CPU seconds as ratios beside each side's error.</summary>
/// <remarks>
/// Errors are those of predictions on held-out rows relative to a float64 QR solution: ‖P − P₀‖ / ‖P₀ − mean‖. Needs python3 with scikit-learn; says so where it is missing. CPU seconds rather than
/// wall time, so that another program on the machine does not decide the ratio.
/// </remarks>
internal static class SklearnComparison
{
    private const int Held = 500;
    private const int Repeats = 9;
    private const double Budget = 10; // CPU seconds of a fit's repeats, on both sides

    /// <summary>Prints one line a fit.</summary>
    /// <param name="large">Whether wide sources are fitted too, which takes half an hour.</param>
    /// <param name="only">The one estimator of scikit-learn to compare with, or null for all.</param>
    public static int Run(bool large, string? only)
    {
        if (only is not (null or "LinearRegression" or "Ridge" or "RidgeCV"))
        {
            Console.Error.WriteLine($"'{only}' is not compared: say LinearRegression, Ridge or RidgeCV, or nothing for all.");
            return 2;
        }
        set_num_threads(1);
        List<(long N, long D, long T, double Alpha)> cases = [(9000, 512, 768, 1), (9000, 768, 512, 1), (9000, 512, 12288, 1)];
        if (large) cases.AddRange([(9000, 5120, 512, 1000), (9000, 12288, 512, 1000)]);
        Console.WriteLine("| case | theirs | ours | ours, CPU s | scikit-learn, CPU s | theirs / ours | our error | their error |");
        Console.WriteLine("|---|---|---|---:|---:|---:|---:|---:|");
        foreach ((long n, long d, long t, double alpha) in cases)
        {
            string folder = Directory.CreateTempSubdirectory("latentstitching-compare-").FullName;
            try
            {
                string? missing = Compare(folder, n, d, t, alpha, only);
                if (missing is null) continue;
                Console.Error.WriteLine($"Skipped: {missing}");
                return 0;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        return 0;
    }

    private static string? Compare(string folder, long n, long d, long t, double alpha, string? only)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (Tensor x, Tensor y) = Data(n + Held, d, t);
        Write($"{folder}/x.bin", x);
        Write($"{folder}/y.bin", y);
        double[] alphas = [.. Enumerable.Range(0, 30).Select(i => Math.Pow(10, -4 + (i / 4.0)))];
        bool path = d <= 768 && t <= 1000;
        string[] fits = [.. (path ? (string[])["LinearRegression", "Ridge", "RidgeCV"] : ["LinearRegression", "Ridge"]).Where(name => only is null || name == only)];
        File.WriteAllText($"{folder}/plan.json", JsonSerializer.Serialize(new { n, held = Held, d, t, alpha, alphas, fits, repeats = Repeats, budget = Budget }));
        JsonElement theirs;
        try
        {
            theirs = Python(folder);
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return $"python3 with scikit-learn is needed for the other side. {exception.Message}";
        }

        Tensor held = x.narrow(0, n, Held);
        using LatentPairs pairs = new(x.narrow(0, 0, n), y.narrow(0, 0, n));
        (string Theirs, ILatentMapFitter Ours, double? Alpha)[] rows =
        [
            ("LinearRegression", new LeastSquaresFitter(), 0),
            ("LinearRegression", new LeastSquaresFitter(new LeastSquaresOptions { MapType = ScalarType.Float32 }), 0),
            ("Ridge", new RidgeFitter(alpha), alpha),
            ("Ridge", new RidgeFitter(new RidgeOptions { Alpha = alpha, MapType = ScalarType.Float32 }), alpha),
            ("Ridge", new RidgeFitter(new RidgeOptions { Alpha = alpha, Fast = true }), alpha),
            ("RidgeCV", new RidgePathFitter(new RidgePathOptions { Alphas = alphas }), null),
            ("RidgeCV", new RidgePathFitter(new RidgePathOptions { Alphas = alphas, ExactPath = true }), null),
        ];
        Dictionary<double, Tensor> references = [];
        foreach ((string name, ILatentMapFitter fitter, double? strength) in rows.Where(row => fits.Contains(row.Theirs)))
        {
            (double seconds, Tensor prediction, double chosen, bool narrow) = Fit(pairs, fitter, held);
            double used = strength ?? chosen;
            if (!references.TryGetValue(used, out Tensor? reference)) references[used] = reference = Reference(pairs, used, held);
            Tensor other = Read($"{folder}/{name}.bin", Held, t);
            double time = theirs.GetProperty(name).GetDouble();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {d} → {t}, n {n} | {name}{(strength is null ? ", 30 strengths" : "")} | {fitter}{(fitter == rows[^1].Ours ? ", each" : "")}{(narrow ? ", float32 map" : "")} | {seconds:0.000} | {time:0.000} | {time / seconds:0.00} | {Error(prediction, reference):0.0e+0} | {Error(other, reference):0.0e+0} |"));
        }
        return null;
    }

    // A falling spectrum (σᵢ = 1/i), as latents have, with non-zero means.
    private static (Tensor X, Tensor Y) Data(long rows, long d, long t)
    {
        using Generator generator = new(0);
        using var scope = NewDisposeScope();
        Tensor spectrum = arange(1, d + 1, dtype: ScalarType.Float32).reciprocal();
        Tensor mixing = linalg.qr(randn([d, d], ScalarType.Float32, generator: generator)).Q;
        Tensor x = randn([rows, d], ScalarType.Float32, generator: generator).mul(spectrum).mm(mixing).add(0.5f);
        Tensor y = x.mm(randn([d, t], ScalarType.Float32, generator: generator)).add(randn([rows, t], ScalarType.Float32, generator: generator).mul(0.1f));
        return (x.MoveToOuterDisposeScope(), y.MoveToOuterDisposeScope());
    }

    private static (double Seconds, Tensor Prediction, double Alpha, bool Narrow) Fit(LatentPairs pairs, ILatentMapFitter fitter, Tensor held)
    {
        double best = double.PositiveInfinity, spent = 0;
        Tensor? prediction = null;
        double alpha = 0;
        bool isNarrow = false;
        for (int repeat = 0; repeat == 0 || (repeat < Repeats && spent < Budget); repeat++)
        {
            prediction?.Dispose();
            TimeSpan start = Process.GetCurrentProcess().TotalProcessorTime;
            using LatentMapFit fit = fitter.Fit(pairs);
            double took = (Process.GetCurrentProcess().TotalProcessorTime - start).TotalSeconds;
            best = Math.Min(best, took);
            spent += took;
            using Tensor wide = held.to_type(ScalarType.Float64);
            prediction = fit.Map.Apply(wide);
            alpha = fit.Report.Alpha;
            isNarrow = fit.Affine.Bias.dtype == ScalarType.Float32;
        }
        return (best, prediction!, alpha, isNarrow);
    }

    // [X; √α·I] = QR in float64, or Xᵀ = QR where the columns are more and α = 0: no Gram matrix, so nothing is squared.
    private static Tensor Reference(LatentPairs pairs, double alpha, Tensor held)
    {
        using var scope = NewDisposeScope();
        Tensor x = pairs.Source.to_type(ScalarType.Float64), y = pairs.Target.to_type(ScalarType.Float64);
        Tensor xMean = x.mean([0]), yMean = y.mean([0]);
        Tensor rows = x - xMean, targets = y - yMean;
        if (alpha == 0 && rows.size(1) >= rows.size(0))
        {
            // Centred rows add up to zero. A reflection that turns the vector of ones into the first axis leaves a first row of zeros, which says nothing.
            Tensor axis = full([rows.size(0), 1], 1 / Math.Sqrt(rows.size(0)), ScalarType.Float64);
            axis[0, 0] -= 1;
            axis.div_(axis.norm());
            Tensor Reflected(Tensor matrix) => (matrix - axis.mm(axis.t().mm(matrix)).mul(2)).narrow(0, 1, matrix.size(0) - 1);
            (Tensor basis, Tensor factor) = linalg.qr(Reflected(rows).t());
            Tensor least = basis.mm(linalg.solve_triangular(factor.t(), Reflected(targets), upper: false));
            return (held.to_type(ScalarType.Float64) - xMean).mm(least).add(yMean).MoveToOuterDisposeScope();
        }
        if (alpha > 0)
        {
            rows = cat([rows, eye(x.size(1), dtype: ScalarType.Float64) * Math.Sqrt(alpha)], 0);
            targets = cat([targets, zeros(x.size(1), y.size(1), ScalarType.Float64)], 0);
        }
        (Tensor q, Tensor r) = linalg.qr(rows);
        Tensor weights = linalg.solve_triangular(r, q.t().mm(targets), upper: true);
        return (held.to_type(ScalarType.Float64) - xMean).mm(weights).add(yMean).MoveToOuterDisposeScope();
    }

    internal static double Error(Tensor prediction, Tensor reference)
    {
        using var scope = NewDisposeScope();
        return (prediction - reference).norm().ToDouble() / (reference - reference.mean([0])).norm().ToDouble();
    }

    internal static JsonElement Python(string folder)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "SideBySide", "sklearn_fits.py");
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("PYTHON") ?? "/usr/bin/python3", [script, folder]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string variable in (string[])["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]) start.Environment[variable] = "1";
        // A forced kernel would slow the other side down.
        foreach (string variable in (string[])["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]) start.Environment.Remove(variable);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException(errors.GetAwaiter().GetResult().Trim().Split('\n')[^1]);
        return JsonDocument.Parse(output).RootElement;
    }

    internal static void Write(string path, Tensor tensor)
    {
        using FileStream file = File.Create(path);
        file.Write(tensor.bytes);
    }

    internal static Tensor Read(string path, long rows, long columns) =>
        torch.tensor(MemoryMarshal.Cast<byte, double>(File.ReadAllBytes(path)).ToArray()).reshape(rows, columns);
}
