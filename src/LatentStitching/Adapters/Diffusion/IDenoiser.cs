using LatentStitching.Models;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>The network of a diffusion model: it is shown a noisy image and the time, and predicts the noise (or what <see cref="PredictionType"/> says).</summary>
public interface IDenoiser : IDisposable
{
    /// <summary>The images that the network takes.</summary>
    ImageFormat Image { get; }

    /// <summary>Where the network computes.</summary>
    Device Device { get; }

    /// <summary>Predicts. Called within a dispose scope of the caller's, so that temporaries may be left behind.</summary>
    /// <param name="noisy">Noisy images [n, c, h, w], float32, on <see cref="Device"/>, in the network's own range of pixels. Must not be changed.</param>
    /// <param name="times">Times of the schedule, from 0 to T − 1, [n], float32, on <see cref="Device"/>. Must not be changed.</param>
    /// <returns>The prediction, of the images' shape.</returns>
    Tensor Predict(Tensor noisy, Tensor times);
}
