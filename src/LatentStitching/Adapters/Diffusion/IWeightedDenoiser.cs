using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>A network of the library's own, whose weights can be trained and written.</summary>
internal interface IWeightedDenoiser : IDenoiser
{
    /// <summary>The network's name in model folders.</summary>
    string Kind { get; }

    WeightSet Weights { get; }

    /// <summary>Share of activations dropped in training.</summary>
    double Dropout { get; }

    /// <summary>As <see cref="IDenoiser.Predict"/>, with activations dropped where a generator is given.</summary>
    Tensor Forward(Tensor noisy, Tensor times, Generator? dropout);
}
