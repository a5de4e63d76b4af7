namespace LatentStitching.Probing;

/// <summary>One sparse probe: min c Σᵢ ℓ(zᵢ·w + b, yᵢ) + l₁‖w‖₁ over its own rows, on a working set of columns that only grows.</summary>
/// <remarks>Each step replaces the loss by its quadratic at the present scores and descends on it coordinate by coordinate (Friedman, Hastie and Tibshirani, J. Stat. Softw. 33 (2010), section 3); for a quadratic loss one step is all.</remarks>
internal sealed class SparseProbe : IDisposable
{
    private const int SmallestGrowth = 20;
    private const int MostQuadratics = 50;
    private readonly ProbeLoss _loss;
    private readonly double _share; // c
    private readonly double _l1;
    private readonly Tensor _rows;  // [m] places
    private readonly Tensor _label; // [m]
    private readonly Tensor _ones;  // [m, 1]
    private readonly HashSet<int> _known = [];
    private readonly List<int> _columns = [];
    private readonly double _start;
    private Tensor _values; // [m, columns in use]
    private Tensor _score;  // [m], with the offset
    private Tensor _bias;   // [1]
    private double[] _weight = [];
    private double[] _gram = [];
    private double _fineness = 1e-2;
    private bool _grew;

    public SparseProbe(ProbeLoss loss, double share, double l1, int[] rows, double[] label, Device device)
    {
        (_loss, _share, _l1) = (loss, share, l1);
        using var scope = NewDisposeScope();
        _rows = ProbeColumns.Places(rows, device).DetachFromDisposeScope();
        _label = tensor(label, device: device).DetachFromDisposeScope();
        _ones = ones(rows.Length, 1, ScalarType.Float64, device).DetachFromDisposeScope();
        _values = empty(rows.Length, 0, ScalarType.Float64, device).DetachFromDisposeScope();
        (_score, _bias) = Scores(_ones.squeeze(1).mul(0), zeros(1, ScalarType.Float64, device));
        _score.DetachFromDisposeScope();
        _bias.DetachFromDisposeScope();
        _start = Objective();
    }

    public long Steps { get; private set; }

    /// <summary>Upper bound of the objective's distance to its minimum, relative to the objective of coefficients that are all zero.</summary>
    public double RelativeGap { get; private set; } = double.PositiveInfinity;

    public IReadOnlyList<int> Columns => _columns;

    public IReadOnlyList<double> Weight => _weight;

    public double Bias => _bias.ToDouble();

    /// <summary>Writes c·(−∂ℓ/∂s) of its rows into a column of residuals, zero elsewhere.</summary>
    public void WriteResidual(Tensor column)
    {
        using var scope = NewDisposeScope();
        column.index_copy_(0, _rows, _loss.Residual(_score, _label).mul(_share));
    }

    /// <summary>Judges by the correlations of all columns with the residual, and takes in the columns that pull hardest.</summary>
    public void Judge(ReadOnlySpan<double> correlation)
    {
        double largest = 0;
        List<(double Pull, int Column)> outside = [];
        for (int j = 0; j < correlation.Length; j++)
        {
            double pull = Math.Abs(correlation[j]);
            largest = Math.Max(largest, pull);
            if (pull > _l1 && !_known.Contains(j)) outside.Add((pull, j));
        }
        using var scope = NewDisposeScope();
        // The residual, scaled until no column pulls harder than l₁, is a point of the dual problem.
        double scale = largest > _l1 ? _l1 / largest : 1;
        double dual = _loss.Dual(_loss.Residual(_score, _label).mul(scale), _label).sum().ToDouble() * _share;
        RelativeGap = Math.Max(0, Objective() - dual) / Math.Max(_start, double.Epsilon);
        int used = _weight.Count(value => value != 0);
        int[] taken = [.. outside.OrderByDescending(entry => entry.Pull).ThenBy(entry => entry.Column).Take(Math.Max(SmallestGrowth, used)).Select(entry => entry.Column)];
        _grew = taken.Length > 0;
        foreach (int column in taken) _known.Add(column);
        _columns.AddRange(taken);
    }

    /// <summary>Solves on the working set.</summary>
    public void Descend(ProbeMatrix x, Tensor latents, long maxSweeps, CancellationToken cancellationToken)
    {
        Gather(x, latents);
        // With nothing new to work on, what was there must be solved more finely.
        if (!_grew) _fineness = Math.Max(_fineness / 10, 1e-13);
        for (int quadratic = 0; quadratic < MostQuadratics; quadratic++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Tensor residual = _loss.Residual(_score, _label);
            double[] correlation = Numbers(_values.t().mv(residual).mul(_share));
            if (quadratic > 0 && SparseDescent.Violation(_weight, correlation, _l1) <= _fineness * _l1) return;
            if (!_loss.IsQuadratic) _gram = Gram(_loss.Curvature(_score, _label));
            double[] weight = [.. _weight];
            Steps += SparseDescent.Solve(_gram, weight, correlation, _l1, _fineness / 2, maxSweeps, cancellationToken);
            if (!Move(weight) || _loss.IsQuadratic) return;
        }
    }

    public void Dispose()
    {
        foreach (Tensor tensor in (Tensor[])[_rows, _label, _ones, _values, _score, _bias]) tensor.Dispose();
    }

    private static double[] Numbers(Tensor values) => values.contiguous().cpu().data<double>().ToArray();

    private void Gather(ProbeMatrix x, Tensor latents)
    {
        int known = _weight.Length;
        if (_columns.Count == known) return;
        using var scope = NewDisposeScope();
        Tensor added = x.Part(latents, _rows, ProbeColumns.Places(_columns.Skip(known), x.Device));
        Tensor old = _values;
        _values = (known == 0 ? added : cat([old, added], 1)).DetachFromDisposeScope();
        Array.Resize(ref _weight, _columns.Count);
        if (_loss.IsQuadratic) Grow(added, known);
        old.Dispose();
    }

    // Of a quadratic loss only the new columns' products are missing.
    private void Grow(Tensor added, int known)
    {
        int size = _columns.Count;
        Tensor sums = _values.sum([0]).unsqueeze(1);
        double[] fresh = Numbers(_values.t().mm(added).sub(sums.mm(added.sum([0]).unsqueeze(0)).div(added.size(0))).mul(_share));
        double[] gram = new double[size * size];
        int width = size - known;
        for (int i = 0; i < size; i++)
        {
            if (i < known) _gram.AsSpan(i * known, known).CopyTo(gram.AsSpan(i * size, known));
            fresh.AsSpan(i * width, width).CopyTo(gram.AsSpan((i * size) + known, width));
            if (i >= known) for (int j = 0; j < known; j++) gram[(i * size) + j] = fresh[(j * width) + (i - known)];
        }
        _gram = gram;
    }

    // AᵀDA with the weighted means taken off by a correction of rank one: the offset follows the coefficients.
    private double[] Gram(Tensor curvature)
    {
        Tensor weighted = _values.mul(curvature.unsqueeze(1));
        Tensor lean = weighted.sum([0]).unsqueeze(1);
        double total = curvature.sum().ToDouble();
        return Numbers(_values.t().mm(weighted).sub(lean.mm(lean.t()).div(Math.Max(total, 1e-300))).mul(_share));
    }

    private bool Move(double[] weight)
    {
        Device device = _score.device;
        Tensor old = tensor(_weight, device: device), step = tensor(weight, device: device).sub(old);
        if (!step.ne(0).any().ToBoolean()) return false;
        Tensor plain = _score.sub(_bias), change = _values.mv(step);
        double before = Objective();
        double[] present = _weight;
        for (double length = 1; length > 1e-12; length /= 2)
        {
            double[] tried = length == 1 ? weight : Numbers(old.add(step.mul(length)));
            (Tensor score, Tensor bias) = Scores(_loss.IsQuadratic || length == 1 ? _values.mv(tensor(tried, device: device)) : plain.add(change.mul(length)), _bias);
            (Tensor oldScore, Tensor oldBias) = (_score, _bias);
            (_score, _bias, _weight) = (score, bias, tried);
            if (_loss.IsQuadratic || Objective() <= before + (1e-14 * before))
            {
                _score.DetachFromDisposeScope();
                _bias.DetachFromDisposeScope();
                oldScore.Dispose();
                oldBias.Dispose();
                return true;
            }
            (_score, _bias, _weight) = (oldScore, oldBias, present);
        }
        return false;
    }

    private (Tensor Score, Tensor Bias) Scores(Tensor plain, Tensor start)
    {
        Tensor bias = _loss.IsQuadratic
            ? _label.sub(plain).mean().unsqueeze(0)
            : ProbeIntercept.Best(_loss, plain.unsqueeze(1), _label.unsqueeze(1), _ones, start);
        return (plain.add(bias), bias);
    }

    private double Objective()
    {
        using var scope = NewDisposeScope();
        double penalty = 0;
        foreach (double weight in _weight) penalty += Math.Abs(weight);
        return (_loss.Value(_score, _label).sum().ToDouble() * _share) + (_l1 * penalty);
    }
}
