namespace LatentStitching.Supports;

/// <summary>Chooses the few images on which a map is fitted.</summary>
/// <remarks>Choices are nested: the first m of a longer choice are the choice of m. A selector holds options alone and may be used from several threads.</remarks>
public interface ISupportSelector
{
    /// <summary>The choices that a result depends on, for example "support|by:k-centre|seed:0".</summary>
    string Signature { get; }

    /// <summary>Chooses.</summary>
    /// <param name="latents">Latent batch [n, d] of the candidates, floating point, finite: the source's, since the map's fit rests on it. Not disposed.</param>
    /// <param name="count">How many, from 1 to the number of candidates.</param>
    /// <param name="cancellationToken">Cancels; no tensor is left alive.</param>
    /// <returns>Different rows of <paramref name="latents"/>, the most wanted first.</returns>
    IReadOnlyList<long> Select(Tensor latents, int count, CancellationToken cancellationToken = default);
}
