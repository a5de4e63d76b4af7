using LatentStitching.Latents;
using LatentStitching.Models;

namespace LatentStitching.Studies;

/// <summary>A model under another name: checkpoints of one training share theirs.</summary>
internal sealed class RenamedModel(ILatentModel inner, string name) : ILatentModel, IFingerprinted
{
    private readonly string _fingerprint = ModelFingerprint.OfWhole(inner);

    public string Name => name;

    public ImageFormat Image => inner.Image;

    public LatentSpace Latent => inner.Latent;

    public string Fingerprint => _fingerprint;

    public Tensor Encode(Tensor images) => inner.Encode(images);

    public Tensor Decode(Tensor latents) => inner.Decode(latents);

    public object? GetService(Type serviceType) => serviceType == typeof(IFingerprinted) || serviceType == typeof(ILatentModel) ? this : inner.GetService(serviceType);

    public void Dispose() => inner.Dispose();
}
