namespace LatentStitching.Adapters.Diffusion;

/// <summary>Whether images are encoded as they should be, or as published code did it.</summary>
public enum InversionCompatibility
{
    /// <summary>The encoder ends at the time at which the decoder begins.</summary>
    None,

    /// <summary>
    /// The image counts as already lying at the first time, each step asks the network at the time it leaves, and the last step goes to T − 1, while decoding begins at the last time of the
    /// leading grid: at 999 and 980 for 50 steps of 1000. So the latent is off by one end-point. For comparison with results made that way.
    /// </summary>
    PublishedOffByOne,
}
