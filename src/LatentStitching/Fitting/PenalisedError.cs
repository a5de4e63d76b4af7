using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>
/// The objective of <see cref="GradientDescentFitter"/>, L = ‖ZW + 1b − Y‖²/(n·d_t) + λ_a/n·‖ZW + 1b‖² + (λ_k + λ/2)‖W‖², and its gradient, both float64. W and b are held as one matrix
/// [d_s + 1, d_t], b its last row, or [d_s, d_t] without an offset.
/// </summary>
/// <remarks>
/// Over all rows it needs only the moments of [Z 1] and Y where there are no more columns than rows: 2d_s²d_t operations an evaluation instead of 4n·d_s·d_t. All results belong to the open dispose scope.
/// </remarks>
internal sealed class PenalisedError
{
    private const long RowBlock = 2048;
    private readonly Tensor _source;
    private readonly Tensor _target;
    private readonly GradientDescentOptions _options;
    private readonly Tensor? _gram; // [Z 1]ᵀ[Z 1]/n
    private readonly Tensor _cross; // [Z 1]ᵀY/n

    public PenalisedError(Tensor source, Tensor target, GradientDescentOptions options)
    {
        _source = source;
        _target = target;
        _options = options;
        CentredMatrix z = CentredMatrix.Of(source, centre: false), y = CentredMatrix.Of(target, centre: false);
        TargetMeanSquare = y.SumOfSquares() / ((double)Rows * Targets);
        Tensor cross = z.TransposeTimes(y);
        _cross = (options.FitIntercept ? cat([cross, Sums(y)]) : cross).div(Rows);
        if (Columns > Rows) return;
        Tensor gram = z.Gram();
        if (options.FitIntercept)
        {
            Tensor sums = Sums(z);
            Tensor count = full([1, 1], Rows, ScalarType.Float64, source.device);
            gram = cat([cat([gram, sums.t()], 1), cat([sums, count], 1)]);
        }
        _gram = gram.div(Rows);
    }

    public long Rows => _source.size(0);

    /// <summary>The squares of Y averaged over its entries: the error of the map of zeros.</summary>
    public double TargetMeanSquare { get; }

    /// <summary>Norm of the gradient at the map of zeros.</summary>
    public double GradientNormAtZero => _cross.norm().ToDouble() * 2 / Targets;

    private long Columns => _source.size(1);

    private long Targets => _target.size(1);

    private double Decay => _options.KernelPenalty + (_options.WeightDecay / 2);

    /// <summary>The objective over all rows; its gradient is written to <paramref name="gradient"/>.</summary>
    public double Evaluate(Tensor parameters, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        if (_gram is null)
        {
            gradient.zero_();
            double sum = 0;
            foreach ((long start, long size) in CentredMatrix.Blocks(Rows, RowBlock))
            {
                using var block = NewDisposeScope();
                sum += AddRows(_source.narrow(0, start, size), _target.narrow(0, start, size), Rows, parameters, gradient);
            }
            return sum + AddDecay(parameters, gradient);
        }
        Tensor product = _gram.mm(parameters);
        double squares = parameters.mul(product).sum().ToDouble();
        double error = Math.Max(0, (squares - (2 * parameters.mul(_cross).sum().ToDouble())) / Targets + TargetMeanSquare);
        gradient.copy_(product.sub(_cross).mul(2.0 / Targets).add(product, alpha: 2 * _options.ActivityPenalty));
        return error + (_options.ActivityPenalty * squares) + AddDecay(parameters, gradient);
    }

    /// <summary>The objective over some rows.</summary>
    public double Evaluate(Tensor parameters, Tensor gradient, Tensor rows)
    {
        using var scope = NewDisposeScope();
        gradient.zero_();
        double value = AddRows(_source.index_select(0, rows), _target.index_select(0, rows), rows.size(0), parameters, gradient);
        return value + AddDecay(parameters, gradient);
    }

    /// <summary>‖ZW + 1b − Y‖² over all rows, from the rows themselves.</summary>
    public static double SumOfSquaredErrors(Tensor source, Tensor target, Tensor parameters)
    {
        double sum = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(source.size(0), RowBlock))
        {
            using var scope = NewDisposeScope();
            Tensor mapped = Apply(source.narrow(0, start, size).to_type(ScalarType.Float64), parameters);
            sum += mapped.sub(target.narrow(0, start, size).to_type(ScalarType.Float64)).square().sum().ToDouble();
        }
        return sum;
    }

    private static Tensor Apply(Tensor z, Tensor parameters)
    {
        long columns = z.size(1);
        Tensor mapped = z.mm(parameters.narrow(0, 0, columns));
        return parameters.size(0) > columns ? mapped.add(parameters.narrow(0, columns, 1)) : mapped;
    }

    private double AddRows(Tensor source, Tensor target, long count, Tensor parameters, Tensor gradient)
    {
        Tensor z = source.to_type(ScalarType.Float64);
        Tensor mapped = Apply(z, parameters);
        Tensor error = mapped.sub(target.to_type(ScalarType.Float64));
        Tensor slope = error.mul(2.0 / ((double)count * Targets)).add(mapped, alpha: 2 * _options.ActivityPenalty / count);
        gradient.narrow(0, 0, Columns).addmm_(z.t(), slope);
        if (_options.FitIntercept) gradient.narrow(0, Columns, 1).add_(slope.sum(0, keepdim: true));
        return (error.square().sum().ToDouble() / ((double)count * Targets)) + (_options.ActivityPenalty / count * mapped.square().sum().ToDouble());
    }

    private double AddDecay(Tensor parameters, Tensor gradient)
    {
        if (Decay == 0) return 0;
        Tensor weight = parameters.narrow(0, 0, Columns);
        gradient.narrow(0, 0, Columns).add_(weight, alpha: 2 * Decay);
        return Decay * weight.square().sum().ToDouble();
    }

    private static Tensor Sums(CentredMatrix matrix)
    {
        Tensor sums = zeros(1, matrix.Columns, ScalarType.Float64, matrix.Centre.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(matrix.Rows, RowBlock))
        {
            using var scope = NewDisposeScope();
            sums.add_(matrix.Block(start, size).sum(0, keepdim: true));
        }
        return sums;
    }
}
