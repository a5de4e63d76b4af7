namespace LatentStitching.Fitting;

/// <summary>How a strength is judged.</summary>
public enum RidgeCriterion
{
    /// <summary>
    /// The mean squared error of predicting each row by a fit without it, exactly: Allen, "The Relationship between Variable Selection and Data Augmentation and a Method for Prediction",
    /// Technometrics 16 (1974). Needs the rows. With <see cref="RidgePathOptions.Groups"/> each row by a fit without its group.
    /// </summary>
    LeaveOneOut,

    /// <summary>
    /// n·Σe²/(n − df)², df the trace of the hat matrix with the intercept's 1: Golub, Heath and Wahba, "Generalized Cross-Validation as a Method for Choosing a Good Ridge Parameter",
    /// Technometrics 21 (1979), 215–223, eq. 1.4. It is leave-one-out with every row's leverage replaced by the mean leverage, so the two differ where rows have unequal leverage. Needs no rows:
    /// it also chooses from <see cref="Pairing.PairStatistics"/>.
    /// </summary>
    GeneralisedCrossValidation,
}
