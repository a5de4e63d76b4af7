namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The least reconstruction error of the steps so far, which balances the two terms of an objective. A plain number: no gradient flows through it.</summary>
internal sealed class RunningMinimum
{
    public double Value { get; set; } = double.PositiveInfinity;

    public double Update(Tensor error) => Value = Math.Min(Value, error.ToDouble());
}
