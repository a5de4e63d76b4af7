namespace LatentStitching.Training;

/// <summary>How the step size of an optimiser goes on after its warm-up.</summary>
public enum LearningRateSchedule
{
    /// <summary>It stays.</summary>
    Constant,

    /// <summary>It falls to zero at the last step along half a cosine: Loshchilov and Hutter, "SGDR" (arXiv:1608.03983), eq. 5, one cycle.</summary>
    Cosine,
}
