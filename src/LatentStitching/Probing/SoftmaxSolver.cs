namespace LatentStitching.Probing;

/// <summary>Minimises C Σᵢ −log softmax(zᵢW + b)[yᵢ] + ½‖W‖² by Newton's method whose steps are found by conjugate gradients. As in <see cref="SmoothProbeSolver"/>, ½‖∇‖² is the duality gap at the best offsets.</summary>
internal sealed class SoftmaxSolver(ProbeMatrix x, Tensor label, double strength)
{
    private const int MostGradientSteps = 200;
    private const int MostHalvings = 50;
    private const int MostOffsetSteps = 100;
    private const int Patience = 25;
    private readonly SpectrumPreconditioner _preconditioner = new(x);

    /// <summary>W [d, c] of centred latents and b [c], which belong to the open scope, and how it went.</summary>
    public sealed class Solution
    {
        public required Tensor Weight { get; init; }
        public required Tensor Bias { get; init; }
        public required long Iterations { get; init; }
        public required double RelativeGap { get; init; }
    }

    public Solution Solve(double tolerance, long maxIterations, Action<long>? told, CancellationToken cancellationToken)
    {
        long c = label.size(1);
        Tensor weight = zeros(x.Columns, c, ScalarType.Float64, x.Device), bias = zeros(c, ScalarType.Float64, x.Device), plain = zeros_like(label);
        bool exact = x.IsWide;
        double first = double.NaN, least = double.PositiveInfinity;
        int stale = 0;
        for (long iteration = 0; ; iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            bias.copy_(BestOffset(plain, bias));
            Tensor share = plain.add(bias).softmax(1);
            Tensor gradient = weight.sub(x.TransposeTimes(label.sub(share).mul(strength), exact));
            double gap = gradient.square().sum().ToDouble() / 2, objective = (strength * Loss(plain.add(bias))) + (weight.square().sum().ToDouble() / 2);
            double relative = gap / Math.Max(objective - gap, 1e-300);
            told?.Invoke(iteration);
            stale = relative < least ? 0 : stale + 1;
            least = Math.Min(least, relative);
            if (relative <= tolerance || iteration >= maxIterations || stale >= Patience)
            {
                if (exact) return new Solution { Weight = weight, Bias = bias, Iterations = iteration, RelativeGap = relative };
                (exact, stale, least) = (true, 0, double.PositiveInfinity);
                plain.copy_(x.Times(weight, exact: true));
                continue;
            }
            double norm = Math.Sqrt(2 * gap);
            if (double.IsNaN(first)) first = norm;
            double goal = Math.Max(norm * Math.Min(0.25, Math.Sqrt(norm / first)), 0.3 * Math.Sqrt(2 * tolerance * objective));
            (Tensor direction, Tensor turn, Tensor change) = Direction(gradient, share, goal, cancellationToken);
            double slope = gradient.mul(direction).sum().ToDouble(), length = 1;
            for (int halving = 0; halving < MostHalvings; halving++, length /= 2)
            {
                using var trial = NewDisposeScope();
                Tensor moved = weight.add(direction.mul(length));
                double reached = (strength * Loss(plain.add(change.mul(length)).add(bias).add(turn.mul(length)))) + (moved.square().sum().ToDouble() / 2);
                if (reached <= objective + (1e-4 * slope * length) + (1e-13 * objective)) break;
            }
            weight.add_(direction.mul(length));
            bias.add_(turn.mul(length));
            if (exact && !x.IsWide) plain.copy_(x.Times(weight, exact: true));
            else plain.add_(change.mul(length));
        }
    }

    private double Loss(Tensor score) => score.logsumexp(1).sub(score.mul(label).sum([1])).sum().ToDouble();

    // Newton's method on c numbers; what all offsets share changes nothing and is kept at zero.
    private Tensor BestOffset(Tensor plain, Tensor start)
    {
        using var scope = NewDisposeScope();
        Tensor offset = start.sub(start.mean());
        double loss = Loss(plain.add(offset));
        for (int step = 0; step < MostOffsetSteps; step++)
        {
            using var inner = NewDisposeScope();
            Tensor share = plain.add(offset).softmax(1), pull = label.sub(share).sum([0]);
            if (pull.abs().max().ToDouble() <= 1e-13 * x.Rows) break;
            Tensor bend = share.sum([0]).diag().sub(share.t().mm(share));
            bend = bend.add(bend.diagonal().mean().add(1e-300));
            Tensor full = linalg.solve(bend, pull);
            full = full.sub(full.mean());
            double length = 1, reached = Loss(plain.add(offset).add(full));
            for (; length > 1e-10 && !(reached <= loss + (1e-14 * loss)); length /= 2) reached = Loss(plain.add(offset).add(full.mul(length / 2)));
            offset = offset.add(full.mul(length)).MoveToOuterDisposeScope();
            loss = reached;
        }
        return offset.alias().MoveToOuterDisposeScope();
    }

    // Conjugate gradients for the coefficients and the offsets together.
    private (Tensor Direction, Tensor Turn, Tensor Change) Direction(Tensor gradient, Tensor share, double goal, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        Tensor kappa = share.mul(share.neg().add(1)).mean([0]).mul(strength).clamp_min(1e-300);
        Tensor direction = zeros_like(gradient), turn = zeros_like(kappa), change = zeros_like(share), rest = gradient.neg(), restTurn = zeros_like(kappa);
        Tensor search = _preconditioner.Solve(rest, kappa), searchTurn = zeros_like(kappa);
        double power = rest.mul(search).sum().ToDouble();
        for (int step = 0; step < MostGradientSteps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            (Tensor back, Tensor there) = x.ThereAndBack(search, (product, start, size) => Curve(product.t().to_type(ScalarType.Float64).add(searchTurn), share.narrow(0, start, size)).t());
            Tensor image = search.add(back), imageTurn = Curve(there.add(searchTurn), share).sum([0]);
            double bend = search.mul(image).sum().ToDouble() + searchTurn.mul(imageTurn).sum().ToDouble();
            if (!(bend > 0)) break;
            double length = power / bend;
            direction.add_(search.mul(length));
            turn.add_(searchTurn.mul(length));
            change.add_(there.mul(length));
            rest.sub_(image.mul(length));
            restTurn.sub_(imageTurn.mul(length));
            if (Math.Sqrt(rest.square().sum().ToDouble() + (restTurn.square().sum().ToDouble() / x.Rows)) <= goal) break;
            Tensor next = _preconditioner.Solve(rest, kappa), nextTurn = restTurn.div(kappa.mul(x.Rows));
            double now = rest.mul(next).sum().ToDouble() + restTurn.mul(nextTurn).sum().ToDouble();
            search = next.add(search.mul(now / power)).MoveToOuterDisposeScope();
            searchTurn = nextTurn.add(searchTurn.mul(now / power)).MoveToOuterDisposeScope();
            power = now;
        }
        return (direction.MoveToOuterDisposeScope(), turn.MoveToOuterDisposeScope(), change.MoveToOuterDisposeScope());
    }

    // C(diag(p) − ppᵀ)t of each row.
    private Tensor Curve(Tensor score, Tensor share)
    {
        Tensor weighted = share.mul(score);
        return weighted.sub(share.mul(weighted.sum([1], keepdim: true))).mul(strength);
    }
}
