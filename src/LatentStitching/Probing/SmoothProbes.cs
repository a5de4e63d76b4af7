namespace LatentStitching.Probing;

/// <summary>What the trainers with a smooth loss and an L2 penalty share: the choice of strengths by cross-validation, and from solved columns to probes with reports.</summary>
internal sealed class SmoothProbes(SmoothProbeSolver solver, ProbeMatrix x, ProbeLabels labels)
{
    private readonly Tensor _label = ProbeColumns.Labels(labels, x.Device);
    private readonly Tensor _mask = ProbeColumns.Mask(labels, x.Device);

    public required double Tolerance { get; init; }

    public required long MaxIterations { get; init; }

    public Action<long>? Told { get; init; }

    /// <summary>The warning of classes that the probe separates.</summary>
    public static string Separable(ProbeLabels labels, int attribute) =>
        $"'{labels.Names[attribute]}': the classes are separable, all {labels.Size(attribute).Rows} rows are labelled rightly. Only the penalty keeps the coefficients finite, and the scores are too sure: judge on other rows.";

    /// <summary>For each attribute the strength of least held-out log-loss, the smaller of equals. Every fold of every attribute is a column.</summary>
    public double[] Choose(IReadOnlyList<double> strengths, Tensor[] held, int folds, CancellationToken cancellationToken)
    {
        int k = labels.Names.Count;
        double[] best = new double[k], least = [.. Enumerable.Repeat(double.PositiveInfinity, k)];
        using var scope = NewDisposeScope();
        Tensor label = _label.repeat(1, folds), judged = cat(held, 1), mask = _mask.repeat(1, folds).sub(judged);
        Tensor? start = null;
        foreach (double strength in strengths.Order())
        {
            using var single = NewDisposeScope();
            SmoothProbeSolver.Solution solution = solver.Solve(label, mask, full([label.size(1)], strength, ScalarType.Float64, x.Device), start, Math.Max(Tolerance, 1e-4), MaxIterations, Told, cancellationToken);
            double[] loss = ProbeLoss.Logistic.Value(solution.Scores, label).mul(judged).sum([0]).reshape(folds, k).sum([0]).cpu().data<double>().ToArray();
            for (int attribute = 0; attribute < k; attribute++)
            {
                if (!(loss[attribute] < least[attribute])) continue;
                (least[attribute], best[attribute]) = (loss[attribute], strength);
            }
            start = solution.Weight.MoveToOuterDisposeScope();
        }
        return best;
    }

    /// <summary>Solves with one strength an attribute and reports.</summary>
    public ProbeFit Finish(Tensor latents, double[] strengths, string signature, bool givesProbabilities, Func<int, bool, IReadOnlyList<string>> warnings, CancellationToken cancellationToken)
    {
        SmoothProbeSolver.Solution solution = solver.Solve(_label, _mask, tensor(strengths, device: x.Device), null, Tolerance, MaxIterations, Told, cancellationToken);
        Tensor weight = solution.Weight.t();
        LinearProbes probes = new(labels.Names, weight, solution.Bias.sub(weight.mv(x.Centre)), ProbeDecision.Sign, givesProbabilities);
        return ProbeGuard.Finish(latents, labels, probes, signature, (attribute, report) => report with
        {
            Converged = solution.Converged[attribute],
            Iterations = solution.Iterations[attribute],
            RelativeGap = solution.RelativeGap[attribute],
            Strength = strengths[attribute],
            Warnings = warnings(attribute, report.TrainingAccuracy == 1),
        });
    }
}
