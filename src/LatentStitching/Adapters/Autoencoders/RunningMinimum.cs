namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The least reconstruction error of the steps so far, which balances the two terms of an objective. A plain number: no gradient flows through it.</summary>
internal sealed class RunningMinimum : IDisposable
{
    /// <summary>The value, [1] float64, where a training checkpoint finds it.</summary>
    public Tensor State { get; } = full([1], double.PositiveInfinity, ScalarType.Float64).DetachFromDisposeScope();

    /// <summary>Takes an error in and gives the least so far.</summary>
    public double Update(Tensor error)
    {
        double least = Math.Min(State.ToDouble(), error.ToDouble());
        using var grad = no_grad();
        State.fill_(least);
        return least;
    }

    /// <summary>Gives the least so far and leaves it, for held-out images.</summary>
    public double Read(Tensor error) => double.IsFinite(State.ToDouble()) ? State.ToDouble() : error.ToDouble();

    public void Dispose() => State.Dispose();
}
