namespace LatentStitching.Probing;

/// <summary>A convex loss ℓ(s, y) of a score s and a label y in {0, 1}, entry by entry, with what its minimisers need.</summary>
internal abstract class ProbeLoss
{
    public static ProbeLoss Logistic { get; } = new LogisticLoss();

    public static ProbeLoss SquaredHinge { get; } = new SquaredHingeLoss();

    public static ProbeLoss Squares { get; } = new SquaresLoss();

    /// <summary>Whether ℓ is a quadratic of curvature one everywhere.</summary>
    public virtual bool IsQuadratic => false;

    public abstract Tensor Value(Tensor score, Tensor label);

    /// <summary>−∂ℓ/∂s.</summary>
    public abstract Tensor Residual(Tensor score, Tensor label);

    /// <summary>∂²ℓ/∂s², or one of its values where it jumps.</summary>
    public abstract Tensor Curvature(Tensor score, Tensor label);

    /// <summary>−ℓ*(−r): a share's part of the dual objective.</summary>
    public abstract Tensor Dual(Tensor residual, Tensor label);

    private sealed class LogisticLoss : ProbeLoss
    {
        // log(1 + eˢ) − ys without overflow.
        public override Tensor Value(Tensor score, Tensor label) => score.clamp_min(0).sub(label.mul(score)).add(score.abs().neg().exp().log1p());

        public override Tensor Residual(Tensor score, Tensor label) => label.sub(score.sigmoid());

        public override Tensor Curvature(Tensor score, Tensor label) => score.sigmoid().mul(score.neg().sigmoid());

        public override Tensor Dual(Tensor residual, Tensor label)
        {
            Tensor share = label.sub(residual).clamp(0, 1);
            return Entropy(share).add(Entropy(share.neg().add(1)));
        }

        // −t log t, zero at zero.
        private static Tensor Entropy(Tensor share) => share.mul(share.clamp_min(1e-300).log()).neg();
    }

    private sealed class SquaredHingeLoss : ProbeLoss
    {
        public override Tensor Value(Tensor score, Tensor label) => Missing(score, label).square();

        public override Tensor Residual(Tensor score, Tensor label) => Missing(score, label).mul(Side(label)).mul(2);

        public override Tensor Curvature(Tensor score, Tensor label) => Missing(score, label).gt(0).to_type(ScalarType.Float64).mul(2);

        // ℓ(m) = max(0, 1 − m)² has ℓ*(−a) = a²/4 − a for a ≥ 0.
        public override Tensor Dual(Tensor residual, Tensor label)
        {
            Tensor share = residual.mul(Side(label));
            return share.sub(share.square().div(4));
        }

        private static Tensor Side(Tensor label) => label.mul(2).sub(1);

        private static Tensor Missing(Tensor score, Tensor label) => Side(label).mul(score).neg().add(1).clamp_min(0);
    }

    private sealed class SquaresLoss : ProbeLoss
    {
        public override bool IsQuadratic => true;

        public override Tensor Value(Tensor score, Tensor label) => score.sub(label).square().div(2);

        public override Tensor Residual(Tensor score, Tensor label) => label.sub(score);

        public override Tensor Curvature(Tensor score, Tensor label) => ones_like(score);

        public override Tensor Dual(Tensor residual, Tensor label) => residual.mul(label).sub(residual.square().div(2));
    }
}
