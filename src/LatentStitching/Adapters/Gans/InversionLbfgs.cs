namespace LatentStitching.Adapters.Gans;

/// <summary>L-BFGS on rows that do not meet, each with its own curvature pairs and line search: Nocedal and Wright, "Numerical optimization" (2006), algorithms 7.4 (two-loop recursion) and 3.1 (backtracking).</summary>
/// <remarks>Backtracking alone does not promise positive curvature, so a pair without it is left out of its row: Li and Fukushima, "On the global convergence of the BFGS method" (2001), the cautious update.</remarks>
internal sealed class InversionLbfgs : IInversionSteps
{
    private const int History = 10;
    private const int Halvings = 12;
    private const double Armijo = 1e-4;
    private const double LeastCurvature = 1e-10;

    private readonly double _firstStep;
    private readonly Tensor _moves; // [History, m, D], a ring
    private readonly Tensor _changes;
    private readonly Tensor _inverse; // [History, m]: 1/(s·y), or 0 where the pair is left out
    private readonly Tensor _scale; // [m, 1]: s·y/y·y of the last pair, or 0 before there is one
    private Tensor _going; // [k]: rows that may go further down
    private int _pairs;

    public InversionLbfgs(LatentOptimisationOptions options, Tensor latents)
    {
        _firstStep = options.LearningRate;
        (long rows, long width) = (latents.size(0), latents.size(1));
        _moves = zeros([History, rows, width], latents.dtype, latents.device);
        _changes = zeros_like(_moves);
        _inverse = zeros([History, rows, 1], latents.dtype, latents.device);
        _scale = zeros([rows, 1], latents.dtype, latents.device);
        _going = arange(rows, ScalarType.Int64, device: latents.device);
    }

    public bool Finished => _going.size(0) == 0;

    public (Tensor Values, Tensor Gradient) Take(InversionObjective objective, Tensor images, Tensor latents, Tensor values, Tensor gradient)
    {
        Tensor direction = Direction(gradient), slope = Dot(gradient, direction).squeeze(1);
        Tensor move = zeros_like(latents), newValues = values.clone(), newGradient = gradient.clone();
        Tensor pending = _going;
        double length = 1;
        for (int trial = 0; trial <= Halvings && pending.size(0) > 0; trial++, length /= 2)
        {
            Tensor step = direction.index_select(0, pending) * length;
            (Tensor tried, Tensor triedGradient) = objective.Evaluate(latents.index_select(0, pending) + step, images.index_select(0, pending));
            Tensor before = values.index_select(0, pending);
            // Less, not only no more: at the end of what float32 can tell, the wanted descent is none.
            Tensor accepted = tried.le(before + slope.index_select(0, pending) * (Armijo * length)).logical_and(tried.lt(before));
            Tensor rows = pending.masked_select(accepted), kept = accepted.nonzero().flatten();
            move.index_copy_(0, rows, step.index_select(0, kept));
            newValues.index_copy_(0, rows, tried.index_select(0, kept));
            newGradient.index_copy_(0, rows, triedGradient.index_select(0, kept));
            pending = pending.masked_select(accepted.logical_not());
        }
        latents.add_(move);
        if (pending.size(0) > 0) Stop(pending);
        Remember(move, newGradient - gradient);
        if (pending.size(0) > 0) Forget(pending);
        return (newValues, newGradient);
    }

    private Tensor Direction(Tensor gradient)
    {
        Tensor q = gradient.clone();
        int count = Math.Min(_pairs, History);
        Tensor[] weights = new Tensor[count];
        for (int i = 0; i < count; i++)
        {
            int slot = (_pairs - 1 - i) % History;
            weights[i] = _inverse[slot] * Dot(_moves[slot], q);
            q.sub_(weights[i] * _changes[slot]);
        }
        Tensor norm = gradient.norm(1, keepdim: true, p: 2f).clamp_min(double.Epsilon);
        q.mul_(where(_scale.gt(0), _scale, _firstStep / norm.clamp_min(1e-30)));
        for (int i = count - 1; i >= 0; i--)
        {
            int slot = (_pairs - 1 - i) % History;
            q.add_(_moves[slot] * (weights[i] - _inverse[slot] * Dot(_changes[slot], q)));
        }
        return q.neg();
    }

    private void Remember(Tensor move, Tensor change)
    {
        int slot = _pairs++ % History;
        Tensor curvature = Dot(move, change), size = Dot(change, change);
        Tensor good = curvature.gt(size * LeastCurvature).logical_and(curvature.gt(0));
        _moves[slot].copy_(move);
        _changes[slot].copy_(change);
        _inverse[slot].copy_(where(good, curvature.reciprocal(), zeros_like(curvature)));
        _scale.copy_(where(good, curvature / size, _scale));
    }

    // A row in which not even a short step along the gradient goes down is at its end.
    private void Stop(Tensor rows)
    {
        Tensor stopped = rows.masked_select(_scale.index_select(0, rows).flatten().eq(0));
        if (stopped.size(0) == 0) return;
        Tensor keep = _going.unsqueeze(1).ne(stopped.unsqueeze(0)).all(1);
        Tensor left = _going.masked_select(keep).MoveToOuterDisposeScope();
        _going.Dispose();
        _going = left;
    }

    // Where no step went down, the curvature is wrong: begin anew along the gradient.
    private void Forget(Tensor rows)
    {
        _inverse.index_fill_(1, rows, 0);
        _scale.index_fill_(0, rows, 0);
    }

    private static Tensor Dot(Tensor a, Tensor b) => (a * b).sum([1], keepdim: true);
}
