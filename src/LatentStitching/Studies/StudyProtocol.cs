namespace LatentStitching.Studies;

/// <summary>Which images a number rests on.</summary>
public enum StudyProtocol
{
    /// <summary>The study's images, encoded by both models.</summary>
    SharedImages,

    /// <summary>Images that a model without an encoder drew from its prior; their true latents are known.</summary>
    Synthetic,
}
