namespace LatentStitching.Probing;

/// <summary>Sparse probes of many attributes at once: one product of the latents with all residuals screens every attribute's columns, and each attribute solves a small problem on its own rows.</summary>
/// <remarks>Source: Massias, Gramfort and Salmon, "Celer: a Fast Solver for the Lasso with Dual Extrapolation" (ICML 2018) (working sets, the gap of the scaled residual).</remarks>
internal sealed class SparseProbeSolver(Tensor latents, ProbeLabels labels, ProbeLoss loss)
{
    private const int MostRounds = 200;

    /// <summary>How an attribute's problem ended.</summary>
    public readonly record struct Outcome(bool Converged, long Steps, double RelativeGap);

    /// <summary>Solves. The tensors [k, d] and [k] belong to the open scope.</summary>
    public (Tensor Weight, Tensor Bias, Outcome[] Outcomes) Solve(Func<int, double> share, double l1, double tolerance, long maxSweeps, Action<int>? told, CancellationToken cancellationToken)
    {
        int k = labels.Names.Count;
        Tensor weight = zeros(k, latents.size(1), ScalarType.Float64, latents.device), bias = zeros(k, ScalarType.Float64, latents.device);
        Outcome[] outcomes = new Outcome[k];
        using var scope = NewDisposeScope();
        ProbeMatrix x = new(latents);
        SparseProbe[] probes = new SparseProbe[k];
        try
        {
            for (int attribute = 0; attribute < k; attribute++)
            {
                int[] rows = [.. Enumerable.Range(0, labels.Count).Where(row => labels.Uses(row, attribute))];
                double[] label = [.. rows.Select(row => labels[row, attribute] ? 1.0 : 0.0)];
                probes[attribute] = new SparseProbe(loss, share(rows.Length), l1, rows, label, latents.device);
            }
            Run(x, probes, tolerance, maxSweeps, told, cancellationToken);
            for (int attribute = 0; attribute < k; attribute++)
            {
                SparseProbe probe = probes[attribute];
                outcomes[attribute] = new Outcome(probe.RelativeGap <= tolerance, probe.Steps, probe.RelativeGap);
                double[] whole = new double[x.Columns];
                for (int i = 0; i < probe.Weight.Count; i++) whole[probe.Columns[i]] = probe.Weight[i];
                Tensor row = tensor(whole, device: latents.device);
                weight[attribute].copy_(row);
                bias[attribute].copy_(row.dot(x.Centre).neg().add(probe.Bias));
            }
        }
        finally
        {
            foreach (SparseProbe? probe in probes) probe?.Dispose();
        }
        return (weight, bias, outcomes);
    }

    private void Run(ProbeMatrix x, SparseProbe[] probes, double tolerance, long maxSweeps, Action<int>? told, CancellationToken cancellationToken)
    {
        SparseProbe[] open = probes;
        bool exact = x.IsWide;
        for (int round = 0; ; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Tensor residuals = zeros(open.Length, x.Rows, ScalarType.Float64, x.Device);
            for (int i = 0; i < open.Length; i++) open[i].WriteResidual(residuals[i]);
            double[] pulls = x.TransposeTimes(residuals.t(), exact).t().contiguous().cpu().data<double>().ToArray();
            int width = (int)x.Columns;
            for (int i = 0; i < open.Length; i++) open[i].Judge(pulls.AsSpan(i * width, width));
            SparseProbe[] left = [.. open.Where(probe => probe.RelativeGap > tolerance && probe.Steps < maxSweeps)];
            told?.Invoke(probes.Length - left.Length);
            if (left.Length == 0 || round >= MostRounds)
            {
                if (exact) return;
                // The last word is float64's, on every attribute.
                (exact, open) = (true, probes);
                continue;
            }
            foreach (SparseProbe probe in left) probe.Descend(x, latents, maxSweeps - probe.Steps, cancellationToken);
            open = left;
        }
    }
}
