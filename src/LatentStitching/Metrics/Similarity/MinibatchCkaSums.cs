using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Adds up minibatch CKA batch by batch; sums of parts merge. Holds three numbers.</summary>
/// <remarks>
/// <para>(Σ HSIC₁(K_b, L_b))/√(Σ HSIC₁(K_b, K_b)·Σ HSIC₁(L_b, L_b)) over batches b, HSIC₁ the debiased estimator. Each batch counts once, whatever its rows.</para>
/// <para>Thread safety: none while it grows. One instance a thread, merged at the end.</para>
/// <para>Source: Nguyen, Raghu and Kornblith (ICLR 2021, arXiv:2010.15327), eqs. 2–3.</para>
/// </remarks>
public sealed class MinibatchCkaSums
{
    private double _cross;
    private double _x;
    private double _y;

    /// <summary>Number of batches added.</summary>
    public long Batches { get; private set; }

    /// <summary>Number of rows added.</summary>
    public long Rows { get; private set; }

    /// <summary>CKA of the batches so far.</summary>
    /// <exception cref="InvalidOperationException">Nothing was added.</exception>
    public double Value => Batches > 0
        ? Cka.Ratio(_cross, _x, _y)
        : throw new InvalidOperationException("Value must be asked for after a batch was added, but there is none. Call Add.");

    /// <summary>Adds a batch.</summary>
    /// <param name="x">Latent batch [n, p], n at least 4, floating point, finite. Not disposed.</param>
    /// <param name="y">Latent batch [n, q], row i of the same image as row i of <paramref name="x"/>. Not disposed.</param>
    /// <exception cref="ArgumentException">The batches are not finite matrices with as many rows each and at least 4, on one device, that vary.</exception>
    public void Add(Tensor x, Tensor y)
    {
        LinearCka cka = new(CkaEstimator.Debiased);
        using PreparedLatents left = cka.Prepare(x, nameof(x));
        using PreparedLatents right = cka.Prepare(y, nameof(y));
        TensorGuard.SameRows(x, y, nameof(x), nameof(y));
        TensorGuard.SameDevice(x, y, nameof(x), nameof(y));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double n = x.size(0), share = 1 / (n * (n - 3));
        _cross += share * LinearHsic.Cross(left, right, debiased: true);
        _x += share * LinearHsic.SelfOf(left);
        _y += share * LinearHsic.SelfOf(right);
        Batches++;
        Rows += x.size(0);
    }

    /// <summary>Adds the sums of other batches.</summary>
    /// <param name="other">The other sums. Not changed.</param>
    public void Merge(MinibatchCkaSums other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _cross += other._cross;
        _x += other._x;
        _y += other._y;
        Batches += other.Batches;
        Rows += other.Rows;
    }

    /// <summary>Says what was added.</summary>
    /// <returns>For example "minibatch CKA of 36 batches, 9216 rows".</returns>
    public override string ToString() => $"minibatch CKA of {Batches} batches, {Rows} rows";
}
