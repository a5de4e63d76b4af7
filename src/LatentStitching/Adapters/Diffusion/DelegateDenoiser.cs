using LatentStitching.Models;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>A network that is a function, which belongs to whoever wrote it.</summary>
internal sealed class DelegateDenoiser(ImageFormat image, Func<Tensor, Tensor, Tensor> predict, Device device) : IDenoiser
{
    public ImageFormat Image => image;

    public Device Device => device;

    public Tensor Predict(Tensor noisy, Tensor times) => predict(noisy, times);

    public void Dispose()
    {
        // Nothing is held.
    }
}
