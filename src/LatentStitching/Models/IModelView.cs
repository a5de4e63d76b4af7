namespace LatentStitching.Models;

/// <summary>A model that sees another one in a fixed way, and so is told from others by that model and by the way.</summary>
internal interface IModelView
{
    /// <summary>The model that is seen; null for one that only looks like a view, and is told by its behaviour.</summary>
    ILatentModel? Viewed { get; }

    /// <summary>What the view adds to encoding, besides its name, image format and latent.</summary>
    string EncodingFacts { get; }

    /// <summary>What it adds to decoding.</summary>
    string DecodingFacts { get; }
}
