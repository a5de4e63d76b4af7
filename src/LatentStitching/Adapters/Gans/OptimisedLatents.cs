namespace LatentStitching.Adapters.Gans;

/// <summary>What <see cref="LatentOptimisation"/> found. Owns its tensor.</summary>
public sealed class OptimisedLatents : IDisposable
{
    internal OptimisedLatents(Tensor latents, IReadOnlyList<double> errors, IReadOnlyList<int> starts)
    {
        Latents = latents;
        (Errors, Starts) = (errors, starts);
    }

    /// <summary>Latent batch [n, D], on the generator's device. Disposed with this object.</summary>
    public Tensor Latents { get; }

    /// <summary>Mean squared error of each image's pixels, in squared units of [0, 1].</summary>
    public IReadOnlyList<double> Errors { get; }

    /// <summary>The start from which each image's latent came, from 0.</summary>
    public IReadOnlyList<int> Starts { get; }

    /// <summary>Frees the latents.</summary>
    public void Dispose() => Latents.Dispose();
}
