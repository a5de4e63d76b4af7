namespace LatentStitching.Studies;

/// <summary>What a number of a study is about.</summary>
public enum StudyQuantity
{
    /// <summary>Mapped latents against the target's own.</summary>
    Latent,

    /// <summary>Two latent spaces as they are, without a map.</summary>
    Similarity,

    /// <summary>Decoded images against the images themselves.</summary>
    Image,

    /// <summary>Decoded images against what the target decodes from its own latents.</summary>
    ImageToOwn,

    /// <summary>All decoded images together against all images together, by their features.</summary>
    Distribution,

    /// <summary>Share of the way from the mean image to the target's own reconstruction.</summary>
    Recovered,

    /// <summary>Accuracy of a probe, both classes weighing alike.</summary>
    BalancedAccuracy,

    /// <summary>Share of rows that a probe labels rightly.</summary>
    Accuracy,

    /// <summary>Accuracy on mapped latents minus accuracy on the target's own.</summary>
    AccuracyChange,

    /// <summary>Share of rows to which a probe gives the same label on mapped latents and on the target's own.</summary>
    Agreement,

    /// <summary>What is left of a latent after a map there and a map back.</summary>
    Cycle,

    /// <summary>A map through a third space against the target's own latents.</summary>
    Path,

    /// <summary>How sharp decoded images are, whatever they show.</summary>
    Sharpness,
}
