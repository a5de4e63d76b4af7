namespace LatentStitching.Probing;

/// <summary>Minimises C Σᵢ mᵢ ℓ(zᵢ·w + b, yᵢ) + ½‖w‖² for many columns of labels at once: Newton's method whose steps are found by conjugate gradients.</summary>
/// <remarks>
/// <para>Every column has labels, rows (m in {0, 1}) and a strength of its own; products with the latents and the preconditioner are shared. The offset is at its best throughout, so the residuals sum to zero and
/// ½‖∇‖² is the duality gap: the residuals are a dual point, and the Fenchel-Young inequality of each row is an equality there. It is judged in float64 whatever the latents' precision.</para>
/// <para>Sources: Lin, Weng and Keerthi, "Trust Region Newton Method for Logistic Regression", JMLR 9 (2008) (truncated Newton steps); Keerthi and DeCoste, "A Modified Finite Newton Method for Fast Solution of Large
/// Scale Linear SVMs", JMLR 6 (2005) (the squared hinge).</para>
/// </remarks>
internal sealed class SmoothProbeSolver(ProbeMatrix x, ProbeLoss loss)
{
    private const int MostGradientSteps = 200;
    private const int MostHalvings = 50;
    private const int Patience = 25; // steps without a better gap: rounding
    private readonly SpectrumPreconditioner _preconditioner = new(x);

    /// <summary>Solved columns: tensors of the open scope, and how it went.</summary>
    public sealed class Solution
    {
        public required Tensor Weight { get; init; } // [d, q], of centred latents
        public required Tensor Bias { get; init; }   // [q]
        public required Tensor Scores { get; init; } // [n, q], with the offset
        public required long[] Iterations { get; init; }
        public required double[] RelativeGap { get; init; }
        public required bool[] Converged { get; init; }
    }

    /// <summary>Solves. <paramref name="label"/> and <paramref name="mask"/> are [n, q], <paramref name="strength"/> is [q], <paramref name="start"/> [d, q] or null; all float64.</summary>
    public Solution Solve(Tensor label, Tensor mask, Tensor strength, Tensor? start, double tolerance, long maxIterations, Action<long>? told, CancellationToken cancellationToken)
    {
        int q = (int)label.size(1);
        Tensor weight = start?.clone() ?? zeros(x.Columns, q, ScalarType.Float64, x.Device), bias = zeros(q, ScalarType.Float64, x.Device);
        Tensor scores = start is null ? zeros(x.Rows, q, ScalarType.Float64, x.Device) : x.Times(weight, exact: true);
        Tensor first = full_like(bias, double.NaN);
        long[] iterations = new long[q];
        double[] gaps = new double[q];
        double[] least = [.. Enumerable.Repeat(double.PositiveInfinity, q)];
        int[] stale = new int[q];
        bool[] converged = new bool[q];
        bool exact = x.IsWide;
        int[] open = [.. Enumerable.Range(0, q)];
        for (long iteration = 0; ; iteration++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            Tensor index = ProbeColumns.Places(open, x.Device);
            Tensor y = label.index_select(1, index), m = mask.index_select(1, index), c = strength.index_select(0, index);
            Tensor w = weight.index_select(1, index), s = scores.index_select(1, index);
            Tensor b = ProbeIntercept.Best(loss, s, y, m, bias.index_select(0, index));
            bias.index_copy_(0, index, b);
            Tensor moved = s.add(b), shares = m.mul(c);
            Tensor curvature = loss.Curvature(moved, y).mul(shares);
            Tensor both = x.TransposeTimes(cat([loss.Residual(moved, y).mul(shares), curvature], 1), exact);
            Tensor gradient = w.sub(both.narrow(1, 0, open.Length)), lean = both.narrow(1, open.Length, open.Length);
            Tensor objective = loss.Value(moved, y).mul(shares).sum([0]).add(w.square().sum([0]).div(2));
            Tensor norm = gradient.square().sum([0]).sqrt();
            Tensor relative = norm.square().div(2).div(objective.sub(norm.square().div(2)).clamp_min(1e-300));
            double[] reached = relative.cpu().data<double>().ToArray();
            List<int> left = [];
            for (int i = 0; i < open.Length; i++)
            {
                gaps[open[i]] = reached[i];
                converged[open[i]] = reached[i] <= tolerance;
                iterations[open[i]] = iteration;
                stale[open[i]] = reached[i] < least[open[i]] ? 0 : stale[open[i]] + 1;
                least[open[i]] = Math.Min(least[open[i]], reached[i]);
                if (!converged[open[i]] && stale[open[i]] < Patience) left.Add(i);
            }
            told?.Invoke(iteration);
            bool stop = iteration >= maxIterations;
            if (left.Count == 0 || stop)
            {
                if (exact) break;
                // The last word is float64's, on every column, also on those that ran out of iterations.
                exact = true;
                scores.copy_(x.Times(weight, exact: true));
                open = [.. Enumerable.Range(0, q)];
                continue;
            }
            Tensor keep = ProbeColumns.Places(left, x.Device);
            index = index.index_select(0, keep);
            (y, m, c, w, s, b) = (y.index_select(1, keep), m.index_select(1, keep), c.index_select(0, keep), w.index_select(1, keep), s.index_select(1, keep), b.index_select(0, keep));
            (curvature, gradient, lean, objective, norm) = (curvature.index_select(1, keep), gradient.index_select(1, keep), lean.index_select(1, keep), objective.index_select(0, keep), norm.index_select(0, keep));
            Tensor begun = first.index_select(0, index);
            begun = where(begun.isnan(), norm, begun);
            first.index_copy_(0, index, begun);
            // Loose far away, ever finer near the minimum, but no finer than the tolerance asks for.
            Tensor goal = norm.mul(norm.div(begun).sqrt().clamp_max(0.25)).maximum(objective.mul(2 * tolerance).sqrt().mul(0.3));
            (Tensor direction, Tensor change) = Direction(gradient, curvature, lean, goal, cancellationToken);
            Tensor length = Length(y, m, c, w, s, b, gradient, objective, direction, change);
            w = w.add(direction.mul(length));
            weight.index_copy_(1, index, w);
            scores.index_copy_(1, index, exact && !x.IsWide ? x.Times(w, exact: true) : s.add(change.mul(length)));
            open = [.. left.Select(i => open[i])];
        }
        return new Solution { Weight = weight, Bias = bias, Scores = scores.add(bias), Iterations = iterations, RelativeGap = gaps, Converged = converged };
    }

    // Conjugate gradients for (I + XᵀDX − uuᵀ/ΣD)p = −g, u = XᵀD·1: the offset follows p.
    private (Tensor Direction, Tensor Change) Direction(Tensor gradient, Tensor curvature, Tensor lean, Tensor goal, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        Tensor turned = curvature.t().contiguous().to_type(x.IsWide ? ScalarType.Float64 : ScalarType.Float32);
        Tensor total = curvature.sum([0]), kappa = total.div(x.Rows);
        Tensor inverse = where(total.gt(0), total.clamp_min(1e-300).reciprocal(), zeros_like(total));
        Tensor direction = zeros_like(gradient), change = zeros_like(curvature), rest = gradient.neg();
        Tensor preconditioned = _preconditioner.Solve(rest, kappa), search = preconditioned, power = rest.mul(preconditioned).sum([0]);
        Tensor open = rest.square().sum([0]).sqrt().gt(goal);
        for (int step = 0; step < MostGradientSteps && open.any().ToBoolean(); step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var inner = NewDisposeScope();
            (Tensor back, Tensor there) = x.ThereAndBack(search, (product, start, size) => product.mul(turned.narrow(1, start, size)));
            Tensor image = search.add(back).sub(lean.mul(curvature.mul(there).sum([0]).mul(inverse)));
            Tensor bend = search.mul(image).sum([0]);
            Tensor length = where(open.logical_and(bend.gt(0)), power.div(bend.clamp_min(1e-300)), zeros_like(power));
            direction.add_(search.mul(length));
            change.add_(there.mul(length));
            rest.sub_(image.mul(length));
            preconditioned = _preconditioner.Solve(rest, kappa);
            Tensor now = rest.mul(preconditioned).sum([0]);
            search = preconditioned.add(search.mul(now.div(power.clamp_min(1e-300)))).MoveToOuterDisposeScope();
            power = now.MoveToOuterDisposeScope();
            open = open.logical_and(rest.square().sum([0]).sqrt().gt(goal)).MoveToOuterDisposeScope();
        }
        return (direction.MoveToOuterDisposeScope(), change.MoveToOuterDisposeScope());
    }

    // Halves the step of each column until its objective has fallen by a part of what the gradient promises (Armijo).
    private Tensor Length(Tensor y, Tensor m, Tensor c, Tensor w, Tensor s, Tensor b, Tensor gradient, Tensor objective, Tensor direction, Tensor change)
    {
        using var scope = NewDisposeScope();
        Tensor slope = gradient.mul(direction).sum([0]), shares = m.mul(c);
        Tensor length = ones_like(objective), squares = w.square().sum([0]), mixed = w.mul(direction).sum([0]), own = direction.square().sum([0]);
        for (int halving = 0; halving < MostHalvings; halving++)
        {
            Tensor score = s.add(change.mul(length));
            score = score.add(ProbeIntercept.Best(loss, score, y, m, b));
            Tensor reached = loss.Value(score, y).mul(shares).sum([0]).add(squares.add(mixed.mul(length).mul(2)).add(own.mul(length.square())).div(2));
            Tensor enough = reached.le(objective.add(slope.mul(length).mul(1e-4)).add(objective.mul(1e-13)));
            if (enough.all().ToBoolean()) break;
            length = where(enough, length, length.div(2));
        }
        return length.alias().MoveToOuterDisposeScope();
    }
}
