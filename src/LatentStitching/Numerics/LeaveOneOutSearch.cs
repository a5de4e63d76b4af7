namespace LatentStitching.Numerics;

/// <summary>Finds the strength of least leave-one-out error, summed over all targets, without evaluating the others: each gets an interval that holds its error, and only those whose interval reaches below the least error known are evaluated.</summary>
/// <remarks>
/// <para>The residuals R(α) = Y − U·diag(λ/(λ+α))·Z, Z = UᵀY, lie in one family: by its eigenvalues and the norms of Z's rows alone every inner product ⟨R(α), R(β)⟩ is known, and with it the combination R̃ of evaluated members that is nearest to
/// R(α), and the distance ‖E‖, E = R(α) − R̃. With wᵢ = 1/(1 − hᵢ)², which are cheap for all strengths, and any w̄,
/// Σ wᵢ‖rᵢ‖² = Σ wᵢ‖r̃ᵢ‖² + w̄(2⟨R̃, E⟩ + ‖E‖²) up to 2‖E‖·√(Σ(wᵢ − w̄)²‖r̃ᵢ‖²) + max|wᵢ − w̄|·‖E‖², by Cauchy and Schwarz: leverages of nearly one size leave nearly nothing open. Rounding of the combination, which grows with its shares, is added.
/// Inner products from norms suppose that U is orthonormal. It is so up to about ε·λ₁/(√λⱼ√λₖ) between columns j and k, which widens the interval.</para>
/// <para>The tensors belong to the dispose scope that is open at the call.</para>
/// </remarks>
internal sealed class LeaveOneOutSearch
{
    // Of what an eigendecomposition leaves of orthogonality, relative to λ₁, and of rounding in sums of squares.
    private const double Rounding = 1e-14;
    // Singular values below this share of the largest tell members apart by too little to combine them.
    private const double Alike = 1e-6;
    private readonly RidgePath _path;
    private readonly double[] _alphas;
    private readonly ResidualFamily _family;
    private readonly Tensor _left;    // α/(λ + α), [k, r]
    private readonly Tensor _weights; // 1/(1 − hᵢ)², [k, n]
    private readonly bool[] _judged;  // whether the leverages tell a strength's error
    private readonly Tensor _energy;  // ‖Z_j‖², [r]
    private readonly Tensor _loss;    // how much each direction may have lost of orthogonality, times its norm in Z, [r]
    private readonly List<int> _members = [];
    private double _rest, _restSlack; // ‖Y − UZ‖² and how far it may be off

    private LeaveOneOutSearch(RidgePath path, double[] alphas)
    {
        _path = path;
        _alphas = alphas;
        _left = stack(alphas.Select(path.Source.LeftOver));
        Tensor leveragesLeft = path.Source.LeveragesLeft(_left);
        _judged = [.. Enumerable.Range(0, alphas.Length).Select(i => path.IsJudged(leveragesLeft[i]))];
        _weights = leveragesLeft.Squared().reciprocal_();
        _energy = path.Shares.square().sum([1]);
        _loss = path.IsPrimal && !path.Source.IsOrthonormal ? _energy.div(path.Source.Eigenvalues).mul_(path.Source.Eigenvalues.max()).sqrt_() : _energy.sqrt();
        _rest = path.IsPrimal ? Math.Max(0, path.TargetSumOfSquares - _energy.sum().ToDouble()) : 0;
        _family = ResidualFamily.Of(path, _rest);
        Errors = new double[alphas.Length];
        Bounds = [.. Enumerable.Repeat(double.PositiveInfinity, alphas.Length)];
        Training = new double[alphas.Length];
    }

    /// <summary>Σ of squared leave-one-out residuals, by strength: to within <see cref="Bounds"/>.</summary>
    public double[] Errors { get; }

    /// <summary>How far <see cref="Errors"/> may be off; 0 for those that were evaluated.</summary>
    public double[] Bounds { get; }

    /// <summary>Σ of squared training residuals, by strength.</summary>
    public double[] Training { get; }

    /// <summary>Whether the evaluation of all strengths takes long enough to avoid it.</summary>
    public static bool IsWorthwhile(RidgePath path, int strengths) => strengths > 2 && 2.0 * strengths * path.Target.Rows * path.Shares.size(0) * path.Shares.size(1) > (1L << 31);

    /// <summary>Searches the strengths, ascending. The least error is an evaluated one, and no other is smaller.</summary>
    public static LeaveOneOutSearch Run(RidgePath path, double[] alphas, CancellationToken cancellationToken)
    {
        LeaveOneOutSearch search = new(path, alphas);
        for (int next = search.First(); next >= 0; next = search.Next())
        {
            cancellationToken.ThrowIfCancellationRequested();
            search.Evaluate(next);
        }
        search.Dismiss();
        return search;
    }

    // The least by generalised cross-validation, which needs no rows; −1 if no strength can be judged.
    private int First()
    {
        int least = -1;
        double score = double.PositiveInfinity;
        double[] known = [.. _left.square().mv(_energy).add_(_rest).cpu().data<double>()];
        for (int i = 0; i < _alphas.Length; i++)
        {
            if (!_judged[i]) continue;
            double own = known[i] / Math.Pow(_path.DegreesLeft(_alphas[i]), 2);
            if (own < score) (least, score) = (i, own);
        }
        return least;
    }

    // The strength that may be least, of those not evaluated; −1 if none may. What has no bound is evaluated too.
    private int Next()
    {
        double least = double.PositiveInfinity, lowest = double.PositiveInfinity;
        int next = -1;
        for (int i = 0; i < _alphas.Length; i++)
        {
            if (Bounds[i] == 0 && Errors[i] < least) least = Errors[i];
        }
        for (int i = 0; i < _alphas.Length; i++)
        {
            if (Bounds[i] == 0 || !_judged[i]) continue;
            double low = double.IsFinite(Errors[i]) && double.IsFinite(Bounds[i]) ? Errors[i] - Bounds[i] : double.NegativeInfinity;
            if (low <= least && (next < 0 || low < lowest)) (next, lowest) = (i, low);
        }
        return next;
    }

    // What cannot be judged is no candidate, exactly.
    private void Dismiss()
    {
        double[] training = [.. _left.square().mv(_energy).add_(_rest).cpu().data<double>()];
        for (int i = 0; i < _alphas.Length; i++)
        {
            if (!_judged[i]) (Errors[i], Bounds[i], Training[i]) = (double.PositiveInfinity, 0, training[i]);
        }
    }

    private void Evaluate(int index)
    {
        Bounds[index] = 0;
        if (!_family.HasRoom)
        {
            using var scope = NewDisposeScope();
            Tensor sums = _path.Errors(_alphas[index]).sum([1]);
            (Errors[index], Training[index]) = (sums[0].ToDouble(), sums[1].ToDouble());
            return;
        }
        Tensor squares = _family.Add(_left[index]);
        (Errors[index], Training[index]) = (squares.dot(_weights[index]).ToDouble(), squares.sum().ToDouble());
        _members.Add(index);
        if (_path.IsPrimal && _members.TrueForAll(member => Training[index] <= Training[member])) Know(index);
        Bound();
    }

    // Σy² less what the source explains cancels; an evaluated sum of squares less what its strength leaves of that does not.
    private void Know(int index)
    {
        _rest = Math.Max(0, Training[index] - _left[index].square().dot(_energy).ToDouble());
        double lost = _left[index].add(1).dot(_loss).ToDouble();
        _restSlack = (Rounding * lost * lost) + (10 * Rounding * Training[index]);
    }

    private void Bound()
    {
        using var scope = NewDisposeScope();
        Tensor known = cat([_left.mul(_energy.sqrt()), full(_left.size(0), 1, Math.Sqrt(_rest), ScalarType.Float64, device: _left.device)], 1);
        Tensor members = tensor(_members.ConvertAll(member => (long)member).ToArray(), device: _left.device), evaluated = known.index_select(0, members);
        Tensor norms = evaluated.norm(1, keepdim: true).clamp_min_(double.Epsilon);
        Tensor shares = known.mm(linalg.pinv(evaluated.div(norms), rtol: Alike)).div_(norms.t()), near = shares.mm(evaluated), apart = known.sub(near);
        Tensor squares = apart.square().sum([1]), inner = apart.mul(near).sum([1]);
        Tensor nearLeft = shares.mm(_left.index_select(0, members)), sum = shares.sum([1]), open = sum.sub(1).abs_();
        // By how much norms may mistake inner products: of E and R̃, and of E with itself.
        double rest = _path.IsPrimal ? _loss.sum().ToDouble() : 0;
        Tensor lostApart = _left.sub(nearLeft).abs_().mv(_loss).add_(open.mul(rest)), lostNear = nearLeft.abs_().mv(_loss).add_(sum.abs().mul(rest));
        Tensor own = lostApart.square().mul_(Rounding).add_(open.square().mul_(_restSlack));
        Tensor both = lostApart.mul(lostNear).mul_(Rounding).add_(open.mul(sum.abs()).mul_(_restSlack));

        Tensor rows = _family.SquaredNorms(shares), weighted = _weights.mul(rows), errors = weighted.sum([1]), mean = errors.div(rows.sum([1]).clamp_min_(double.Epsilon));
        Tensor spread = _weights.sub(mean.unsqueeze(1)), most = spread.abs().amax([1]), distance = squares.add(own);
        Tensor bounds = distance.sqrt().mul_(spread.square().mul_(rows).sum([1]).sqrt_()).mul_(2).add_(most.mul(distance)).add_(both.mul(2).add_(own).mul_(mean)).add_(errors.mul(10 * Rounding));
        // Members that are alike come with large shares of opposite signs, whose rounding the sum keeps.
        bounds.add_(_family.WeightedNorms(_weights).mul_(shares.abs()).sum([1]).square().mul_(Rounding));
        double[] estimate = [.. errors.add(inner.mul(2).add_(squares).mul_(mean)).cpu().data<double>()], bound = [.. bounds.cpu().data<double>()];
        double[] training = [.. known.square().sum([1]).cpu().data<double>()];
        for (int i = 0; i < _alphas.Length; i++)
        {
            if (Bounds[i] != 0 && _judged[i]) (Errors[i], Bounds[i], Training[i]) = (estimate[i], bound[i], training[i]);
        }
    }
}
