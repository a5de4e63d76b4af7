namespace LatentStitching.Studies;

/// <summary>What two models of a pair have in common: the types of Asperti and Tonelli (arXiv:2207.06812).</summary>
public enum MapKind
{
    /// <summary>Type 1: two trainings of one model.</summary>
    SameModel,

    /// <summary>Type 2: different models trained for the same objective, such as a VAE and a Split-VAE.</summary>
    SameObjective,

    /// <summary>Type 3: models trained for different objectives, such as a GAN and a VAE.</summary>
    DifferentObjective,
}
