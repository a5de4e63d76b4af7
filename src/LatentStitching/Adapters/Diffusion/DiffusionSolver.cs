namespace LatentStitching.Adapters.Diffusion;

/// <summary>How latents are decoded.</summary>
public enum DiffusionSolver
{
    /// <summary>Song, Meng and Ermon, "Denoising Diffusion Implicit Models" (arXiv:2010.02502), eq. 12 with σ = 0: the inverse of the encoder.</summary>
    Ddim,

    /// <summary>Lu et al., "DPM-Solver++" (arXiv:2211.01095), multistep: fewer steps for the same image. Order 1 is DDIM.</summary>
    DpmSolverPlusPlus,
}
