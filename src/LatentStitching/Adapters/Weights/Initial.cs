namespace LatentStitching.Adapters.Weights;

/// <summary>First values of weights. TorchSharp's own ignore their generator.</summary>
internal static class Initial
{
    public static WeightInitial Zeros { get; } = Constant(0);

    public static WeightInitial Ones { get; } = Constant(1);

    public static WeightInitial Constant(double value) => (shape, generator) => full(shape, value, ScalarType.Float32, generator.device);

    /// <summary>Uniform in ±bound.</summary>
    public static WeightInitial Uniform(double bound) => (shape, generator) =>
    {
        using var scope = NewDisposeScope();
        return rand(shape, ScalarType.Float32, generator.device, generator: generator).mul(2 * bound).sub(bound).MoveToOuterDisposeScope();
    };

    /// <summary>Gaussian of mean zero.</summary>
    public static WeightInitial Normal(double deviation = 1) => (shape, generator) =>
    {
        using var scope = NewDisposeScope();
        return randn(shape, ScalarType.Float32, generator.device, generator: generator).mul(deviation).MoveToOuterDisposeScope();
    };

    /// <summary>PyTorch's default for convolutions and linear layers, weights and biases alike: uniform in ±1/√fan-in.</summary>
    public static WeightInitial FanIn(long fan) => Uniform(1 / Math.Sqrt(fan));

    /// <summary>He et al. (2015) for layers before a ReLU: uniform in ±√(6/fan-in).</summary>
    public static WeightInitial He(long fan) => Uniform(Math.Sqrt(6.0 / fan));

    /// <summary>Glorot and Bengio (2010), Keras's default: uniform in ±√(6/(fan-in + fan-out)).</summary>
    public static WeightInitial Glorot(long fanIn, long fanOut) => Uniform(Math.Sqrt(6.0 / (fanIn + fanOut)));
}
