namespace LatentStitching.Adapters.Weights;

/// <summary>One weight of a network: its name in checkpoints, its shape, and how it begins.</summary>
/// <param name="Name">The published name, for example "encoder.conv1.weight".</param>
/// <param name="Shape">The shape.</param>
/// <param name="Initial">Makes the first values: a shape and a generator → float32.</param>
/// <param name="Trainable">False for buffers, which a checkpoint holds and an optimiser leaves alone.</param>
internal sealed record WeightSpec(string Name, long[] Shape, WeightInitial Initial, bool Trainable = true);

/// <summary>Makes first values of a weight on the generator's device, float32.</summary>
internal delegate Tensor WeightInitial(long[] shape, Generator generator);
