namespace LatentStitching.Probing;

/// <summary>By what attributes are ranked.</summary>
public enum AgreementMeasure
{
    /// <summary>Cohen's κ between the predictions on true and on mapped latents: agreement beyond chance, so that a rare attribute is not ahead merely because both say "no". The default.</summary>
    Kappa,

    /// <summary>Percentage of equal predictions, the studies' own number.</summary>
    EqualPredictions,

    /// <summary>Accuracy of the target's probe on mapped latents, in percent.</summary>
    MappedAccuracy,
}
