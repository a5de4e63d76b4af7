using System.Diagnostics;
using System.Globalization;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>What the two sparse fitters share: from pairs and strengths to maps with reports, with one set of moments and each strength starting from the one before.</summary>
internal sealed class SparseFit
{
    private const int MostReports = 99; // and one at the end

    public required bool Joint { get; init; }

    public required double L1Ratio { get; init; }

    public required bool Positive { get; init; }

    public required bool FitIntercept { get; init; }

    public required long MaxIterations { get; init; }

    public required double Tolerance { get; init; }

    public static double RequireL1Ratio(double value, string name) =>
        value is > 0 and <= 1
            ? value
            : throw new ArgumentOutOfRangeException(name, string.Create(CultureInfo.InvariantCulture, $"{name} must lie above 0 and at most at 1, but it is {value}. Without an L1 part use RidgeFitter."));

    /// <summary>The least strength at which every coefficient is zero.</summary>
    public double AlphaMax(LatentPairs pairs)
    {
        LinearFit.RequirePairs(pairs, FitIntercept);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double largest = Tasks(Moments(pairs).Moments).Max(task => task.LargestPull(Positive));
        double alpha = largest / L1Ratio;
        while (alpha * L1Ratio < largest) alpha = Math.BitIncrement(alpha);
        return alpha;
    }

    /// <summary>Fits each strength, the largest first, and returns the fits in the order of the strengths.</summary>
    public IReadOnlyList<LatentMapFit> Run(LatentPairs pairs, IReadOnlyList<double> alphas, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        LinearFit.RequirePairs(pairs, FitIntercept);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (SparseMoments moments, CentredMatrix x, CentredMatrix y) = Moments(pairs);
        SparseTask[] tasks = Tasks(moments);
        LatentMapFit[] fits = new LatentMapFit[alphas.Count];
        Teller teller = new(progress, tasks.Length * (long)alphas.Count);
        try
        {
            foreach (int i in Enumerable.Range(0, alphas.Count).OrderByDescending(i => alphas[i]))
            {
                using var single = NewDisposeScope();
                TimeSpan before = clock.Elapsed;
                Solve(tasks, moments, new SparsePenalty(alphas[i] * L1Ratio, alphas[i] * (1 - L1Ratio), Positive), teller, cancellationToken);
                Tensor weight = Weight(tasks, moments, pairs.Source.device);
                fits[i] = LinearFit.Finish(x.Centre, y.Centre, weight, FitIntercept, Report(pairs, tasks, weight, moments, alphas[i]) with { Elapsed = clock.Elapsed - before });
            }
            teller.Done();
        }
        catch
        {
            foreach (LatentMapFit? fit in fits) fit?.Dispose();
            throw;
        }
        return fits;
    }

    private void Solve(SparseTask[] tasks, SparseMoments moments, SparsePenalty penalty, Teller teller, CancellationToken cancellationToken)
    {
        foreach (SparseTask task in tasks) task.Begin(penalty, Tolerance);
        ParallelOptions threads = new() { MaxDegreeOfParallelism = Math.Max(1, get_num_threads()), CancellationToken = cancellationToken };
        SparseTask[] open = [.. tasks.Where(task => !task.IsFinished)];
        teller.Add(tasks.Length - open.Length, tasks);
        while (open.Length > 0)
        {
            Parallel.ForEach(open, threads, task => task.ChooseWorkingSet());
            moments.Ensure(open.SelectMany(task => task.WorkingSet), cancellationToken);
            Parallel.ForEach(open, threads, task => task.Descend(Tolerance, MaxIterations, cancellationToken));
            SparseTask[] left = [.. open.Where(task => !task.IsFinished)];
            teller.Add(open.Length - left.Length, tasks);
            open = left;
        }
    }

    private SparseTask[] Tasks(SparseMoments moments) => Joint ? [SparseTask.Joint(moments)] : SparseTask.Separate(moments);

    private (SparseMoments Moments, CentredMatrix X, CentredMatrix Y) Moments(LatentPairs pairs)
    {
        CentredMatrix x = CentredMatrix.Of(pairs.Source, FitIntercept), y = CentredMatrix.Of(pairs.Target, FitIntercept);
        return (new SparseMoments(x, y), x, y);
    }

    // [d, t]
    private Tensor Weight(SparseTask[] tasks, SparseMoments moments, Device device) =>
        (Joint ? tensor(tasks[0].Weight).reshape(moments.Columns, moments.Targets) : stack(tasks.Select(task => tensor(task.Weight)), 1)).to(device);

    private FitReport Report(LatentPairs pairs, SparseTask[] tasks, Tensor weight, SparseMoments moments, double alpha)
    {
        long columns = weight.ne(0).any(1).sum().ToInt64();
        string penalty = (Joint, L1Ratio) switch { (true, 1) => "multi-task lasso", (true, _) => "multi-task elastic net", (false, 1) => "lasso", _ => "elastic net" };
        return new FitReport
        {
            Status = tasks.All(task => task.HasConverged) ? FitStatus.Succeeded : FitStatus.IterationLimitReached,
            Solver = $"{penalty} by working-set coordinate descent, {columns} of {pairs.SourceDimension} source columns in use",
            SampleCount = pairs.Count,
            SourceDimension = pairs.SourceDimension,
            TargetDimension = pairs.TargetDimension,
            Alpha = alpha,
            Iterations = tasks.Sum(task => task.Sweeps),
            TrainingR2 = LinearFit.R2(tasks.Sum(task => task.ResidualSquares), moments.TargetSquares.Sum()),
        };
    }

    /// <summary>Counts finished tasks and tells of them.</summary>
    private sealed class Teller(IProgress<FitProgress>? progress, long total)
    {
        private long _done;
        private int _told;
        private double _loss;

        public void Add(int finished, SparseTask[] tasks)
        {
            _done += finished;
            _loss = tasks.Average(task => task.ResidualSquares);
            if (progress is null || _told >= MostReports) return;
            _told++;
            Tell();
        }

        public void Done()
        {
            if (progress is not null) Tell();
        }

        private void Tell() => progress!.Report(new FitProgress { Iteration = _done, MaxIterations = total, Loss = _loss });
    }
}
