namespace LatentStitching.Numerics;

/// <summary>One sparse problem, min ½‖Y − XW‖²/n + l₁Σ_j‖w_j‖₂ + l₂/2·‖W‖², W [d, width], solved on working sets of columns by block coordinate descent until the duality gap is small.</summary>
/// <remarks>
/// <para>A round: the columns that pull hardest at the residual join those in use; the problem is solved on these few through their part of XᵀX; the correlations of all columns and the gap are
/// computed anew. The coefficients only change by descent, so rounds end.</para>
/// <para>Single coefficients also take <see cref="SupportStep"/> now and then; blocks do not.</para>
/// <para>Sources: Friedman, Hastie and Tibshirani, "Regularization Paths for Generalized Linear Models via Coordinate Descent", J. Stat. Softw. 33 (2010), section 2 (coordinate descent with
/// covariance updates); Massias, Gramfort and Salmon, "Celer: a Fast Solver for the Lasso with Dual Extrapolation" (ICML 2018) (working sets); Kim et al., "An Interior-Point Method for Large-Scale
/// l1-Regularized Least Squares", IEEE J. Sel. Top. Signal Process. 1 (2007), section III (the dual point and its gap).</para>
/// </remarks>
internal sealed class SparseTask
{
    private const int SmallestWorkingSet = 20;

    private readonly SparseMoments _moments;
    private readonly int _width;
    private readonly double[] _cross; // [d, width]
    private readonly double[] _correlation; // XᵀR/n, [d, width]
    private readonly double _targetSquares;
    private SparsePenalty _penalty;
    private int[] _working = [];
    private bool _grew;

    private SparseTask(SparseMoments moments, int width, double[] cross, double targetSquares)
    {
        _moments = moments;
        _width = width;
        _cross = cross;
        _targetSquares = targetSquares;
        _correlation = [.. cross];
        Weight = new double[cross.Length];
    }

    /// <summary>W, [d, width] in C order.</summary>
    public double[] Weight { get; }

    public long Sweeps { get; private set; }

    /// <summary>Upper bound of the objective's distance to its minimum.</summary>
    public double Gap { get; private set; }

    /// <summary>‖R‖²/n.</summary>
    public double ResidualSquares => Math.Max(0, _targetSquares - Vectors.Dot(Weight, _cross) - Vectors.Dot(Weight, _correlation));

    public bool IsFinished { get; private set; }

    public bool HasConverged { get; private set; }

    public IReadOnlyList<int> WorkingSet => _working;

    /// <summary>One task a target column.</summary>
    public static SparseTask[] Separate(SparseMoments moments)
    {
        int d = moments.Columns, t = moments.Targets;
        return [.. Enumerable.Range(0, t).Select(k =>
        {
            double[] column = new double[d];
            for (int j = 0; j < d; j++) column[j] = moments.Cross[(j * t) + k];
            return new SparseTask(moments, 1, column, moments.TargetSquares[k]);
        })];
    }

    /// <summary>All target columns as one task, whose source columns come in or stay out for all targets together.</summary>
    public static SparseTask Joint(SparseMoments moments) => new(moments, moments.Targets, moments.Cross, moments.TargetSquares.Sum());

    /// <summary>The least l₁ at which every coefficient is zero.</summary>
    public double LargestPull(bool positive)
    {
        SparsePenalty penalty = new(0, 0, positive);
        double largest = 0;
        for (int j = 0; j < _moments.Columns; j++) largest = Math.Max(largest, penalty.Pull(At(_cross, j)));
        return largest;
    }

    /// <summary>Takes up a penalty, from the coefficients of the one before.</summary>
    public void Begin(SparsePenalty penalty, double tolerance)
    {
        _penalty = penalty;
        Sweeps = 0;
        (IsFinished, HasConverged) = (false, false);
        Judge(tolerance, maxSweeps: long.MaxValue);
    }

    /// <summary>Chooses the columns to work on: those in use, and the ones outside that pull hardest.</summary>
    public void ChooseWorkingSet()
    {
        List<int> used = [];
        List<(double Pull, int Column)> outside = [];
        for (int j = 0; j < _moments.Columns; j++)
        {
            if (At(Weight, j).ContainsAnyExcept(0.0)) used.Add(j);
            else if (_penalty.Pull(At(_correlation, j)) is { } pull && pull > _penalty.L1) outside.Add((pull, j));
        }
        int room = Math.Max(SmallestWorkingSet, 2 * used.Count) - used.Count;
        _grew = outside.Count > 0;
        _working = [.. used.Concat(outside.OrderByDescending(entry => entry.Pull).ThenBy(entry => entry.Column).Take(room).Select(entry => entry.Column)).Order()];
    }

    /// <summary>Solves on the working set and judges the result. The moments must have its rows.</summary>
    public void Descend(double tolerance, long maxSweeps, CancellationToken cancellationToken)
    {
        int m = _working.Length;
        double[] gram = new double[m * m], weight = new double[m * _width], start = new double[m * _width], correlation = new double[m * _width];
        for (int i = 0; i < m; i++)
        {
            double[] row = _moments.Row(_working[i]);
            for (int j = 0; j < m; j++) gram[(i * m) + j] = row[_working[j]];
            At(Weight, _working[i]).CopyTo(weight.AsSpan(i * _width, _width));
            At(Weight, _working[i]).CopyTo(start.AsSpan(i * _width, _width));
            At(_correlation, _working[i]).CopyTo(correlation.AsSpan(i * _width, _width));
        }
        // While columns outside still pull, solving this part to the end is wasted.
        double goal = Math.Max(0.5 * tolerance * _targetSquares / 2, _grew ? 0.1 * Gap : 0);
        double[] cross = new double[m * _width];
        for (int i = 0; i < m; i++) At(_cross, _working[i]).CopyTo(cross.AsSpan(i * _width, _width));
        bool moved = true;
        int sinceJump = 0;
        while (moved && Sweeps < maxSweeps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            moved = Sweep(gram, weight, correlation);
            Sweeps++;
            if (GapOf(weight, cross, correlation) <= goal) break;
            if (_width > 1 || ++sinceJump < Math.Max(10, m / 3)) continue;
            sinceJump = 0;
            moved |= SupportStep.Take(gram, weight, correlation, _penalty);
        }
        for (int i = 0; i < m; i++) weight.AsSpan(i * _width, _width).CopyTo(Weight.AsSpan(_working[i] * _width, _width));
        Correlate();
        // Not even a column that still pulls has moved: rounding.
        bool stuck = weight.AsSpan().SequenceEqual(start);
        Judge(tolerance, maxSweeps);
        IsFinished |= stuck;
    }

    private bool Sweep(double[] gram, double[] weight, double[] correlation)
    {
        int m = weight.Length / _width;
        bool moved = false;
        Span<double> step = _width == 1 ? stackalloc double[1] : new double[_width];
        for (int j = 0; j < m; j++)
        {
            double curvature = gram[(j * m) + j];
            if (curvature == 0) continue;
            Span<double> row = weight.AsSpan(j * _width, _width);
            // z = XⱼᵀR/n with the column's own part put back; the new row is z shrunk by l₁ towards zero, over the curvature.
            for (int k = 0; k < _width; k++) step[k] = correlation[(j * _width) + k] + (curvature * row[k]);
            double pull = _penalty.Pull(step);
            double scale = pull > _penalty.L1 ? (1 - (_penalty.L1 / pull)) / (curvature + _penalty.L2) : 0;
            bool changed = false;
            for (int k = 0; k < _width; k++)
            {
                double now = scale * step[k];
                step[k] = now - row[k];
                changed |= step[k] != 0;
                row[k] = now;
            }
            if (!changed) continue;
            moved = true;
            ReadOnlySpan<double> column = gram.AsSpan(j * m, m);
            if (_width == 1) Vectors.AddScaled(correlation, -step[0], column);
            else for (int i = 0; i < m; i++) Vectors.AddScaled(correlation.AsSpan(i * _width, _width), -column[i], step);
        }
        return moved;
    }

    // XᵀR/n of all columns from the moments.
    private void Correlate()
    {
        _cross.CopyTo(_correlation, 0);
        foreach (int j in _working)
        {
            ReadOnlySpan<double> row = At(Weight, j);
            if (!row.ContainsAnyExcept(0.0)) continue;
            double[] gram = _moments.Row(j);
            if (_width == 1) Vectors.AddScaled(_correlation, -row[0], gram);
            else for (int i = 0; i < gram.Length; i++) Vectors.AddScaled(_correlation.AsSpan(i * _width, _width), -gram[i], row);
        }
    }

    private void Judge(double tolerance, long maxSweeps)
    {
        Gap = GapOf(Weight, _cross, _correlation);
        HasConverged = Gap <= tolerance * _targetSquares / 2;
        IsFinished = HasConverged || Sweeps >= maxSweeps;
    }

    /// <summary>The objective minus that of the dual at the residual, scaled until no column pulls harder than l₁. The l₂ part counts as √(n·l₂) more rows of X with targets of zero.</summary>
    private double GapOf(ReadOnlySpan<double> weight, ReadOnlySpan<double> cross, ReadOnlySpan<double> correlation)
    {
        double largest = 0, norms = 0;
        Span<double> row = _width == 1 ? stackalloc double[1] : new double[_width];
        for (int start = 0; start < weight.Length; start += _width)
        {
            ReadOnlySpan<double> own = weight.Slice(start, _width);
            for (int k = 0; k < _width; k++) row[k] = correlation[start + k] - (_penalty.L2 * own[k]);
            largest = Math.Max(largest, _penalty.Pull(row));
            norms += _width == 1 ? Math.Abs(own[0]) : Math.Sqrt(Vectors.Dot(own, own));
        }
        double fitted = Vectors.Dot(weight, cross);
        double residual = Math.Max(0, _targetSquares - fitted - Vectors.Dot(weight, correlation));
        double scale = largest > _penalty.L1 ? _penalty.L1 / largest : 1;
        double squares = Vectors.Dot(weight, weight);
        return (residual * (1 + (scale * scale)) / 2) + (_penalty.L1 * norms) - (scale * (_targetSquares - fitted)) + (_penalty.L2 / 2 * (1 + (scale * scale)) * squares);
    }

    private Span<double> At(double[] values, int column) => values.AsSpan(column * _width, _width);
}
