using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>A network of the library's own, whose weights can be trained.</summary>
internal interface IWeightedDenoiser : IDenoiser
{
    WeightSet Weights { get; }
}
