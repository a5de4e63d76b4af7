namespace LatentStitching.Mapping;

/// <summary>A function from one latent space to another.</summary>
public interface ILatentMap : IDisposable
{
    /// <summary>Width of the latents it takes.</summary>
    long SourceDimension { get; }

    /// <summary>Width of the latents it gives.</summary>
    long TargetDimension { get; }

    /// <summary>Maps latents.</summary>
    /// <param name="latents">Latent batch [n, <see cref="SourceDimension"/>], floating point. Not disposed.</param>
    /// <returns>Latent batch [n, <see cref="TargetDimension"/>] of the input's dtype and device, owned by the caller.</returns>
    Tensor Apply(Tensor latents);
}
