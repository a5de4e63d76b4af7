namespace LatentStitching.Fitting;

/// <summary>The strengths of a path, what each costs, and the choice between them: for all target columns together, or for each of its own.</summary>
/// <remarks>The tensors belong to the dispose scope that is open at the call.</remarks>
internal sealed class RidgePathSelection(RidgePathOptions options, long rows, long targets)
{
    private readonly List<RidgePathPoint> _points = [];
    private readonly List<Tensor> _scores = [], _training = [], _leaveOneOut = [];

    public sealed class Choice
    {
        /// <summary>The chosen strength, or one a target.</summary>
        public required double[] Alphas { get; init; }

        public required double DegreesOfFreedom { get; init; }

        public required double ResidualSumOfSquares { get; init; }

        /// <summary>Of the leave-one-out residuals; null without rows.</summary>
        public required double? LeaveOneOutSumOfSquares { get; init; }
    }

    public IReadOnlyList<RidgePathPoint> Points => _points;

    /// <summary>The strengths to try, ascending. Zero counts only where the source determines the map.</summary>
    public static double[] Strengths(RidgePathOptions options, double meanEigenvalue, bool isDetermined)
    {
        IEnumerable<double> strengths = options.Alphas
            ?? Enumerable.Range(-16, 23).Select(half => meanEigenvalue * Math.Pow(10, half / 2.0)).Prepend(0);
        return [.. strengths.Where(alpha => alpha > 0 || isDetermined).Distinct().Order()];
    }

    /// <summary>Σe²·n²/(n − df)², whose mean over the rows is the generalised cross-validation score. [t].</summary>
    public static Tensor Generalised(Tensor training, long rows, double degreesLeft) => training.mul(Math.Pow(rows / degreesLeft, 2));

    /// <summary>Adds a strength, by sums over the rows for each target, [t], or for all together, [1].</summary>
    public double Add(double alpha, double degreesOfFreedom, Tensor score, Tensor training, Tensor? leaveOneOut, double bound = 0)
    {
        double entries = (double)rows * targets, error = score.sum().ToDouble() / entries;
        _points.Add(new RidgePathPoint { Alpha = alpha, Error = error, ErrorBound = bound / entries, DegreesOfFreedom = degreesOfFreedom });
        _scores.Add(score);
        _training.Add(training);
        if (leaveOneOut is not null) _leaveOneOut.Add(leaveOneOut);
        return error;
    }

    /// <summary>The strength of least error. No number is no candidate, though torch takes it for the least.</summary>
    public Choice Choose()
    {
        if (options.PerTarget)
        {
            Tensor best = stack(_scores).nan_to_num(double.PositiveInfinity, double.PositiveInfinity).argmin(0);
            Tensor row = best.unsqueeze(0);
            int[] places = [.. best.cpu().data<long>().Select(index => (int)index)];
            return new Choice
            {
                Alphas = Array.ConvertAll(places, place => _points[place].Alpha),
                DegreesOfFreedom = places.Average(place => _points[place].DegreesOfFreedom),
                ResidualSumOfSquares = stack(_training).gather(0, row).sum().ToDouble(),
                LeaveOneOutSumOfSquares = _leaveOneOut.Count == 0 ? null : stack(_leaveOneOut).gather(0, row).sum().ToDouble(),
            };
        }
        int least = 0;
        for (int i = 1; i < _points.Count; i++)
        {
            if (_points[i].Error < _points[least].Error || double.IsNaN(_points[least].Error)) least = i;
        }
        return new Choice
        {
            Alphas = [_points[least].Alpha],
            DegreesOfFreedom = _points[least].DegreesOfFreedom,
            ResidualSumOfSquares = _training[least].sum().ToDouble(),
            LeaveOneOutSumOfSquares = _leaveOneOut.Count == 0 ? null : _leaveOneOut[least].sum().ToDouble(),
        };
    }
}
