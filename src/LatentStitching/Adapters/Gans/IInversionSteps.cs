namespace LatentStitching.Adapters.Gans;

/// <summary>An optimiser of rows that do not meet. Its state belongs to the dispose scope that is open when it is made.</summary>
internal interface IInversionSteps
{
    /// <summary>Whether no row can go further down.</summary>
    bool Finished { get; }

    /// <summary>Moves the latents in place.</summary>
    /// <param name="objective">The objective.</param>
    /// <param name="images">The images [m, c, h, w].</param>
    /// <param name="latents">The latents [m, D], changed.</param>
    /// <param name="values">The objective where the latents are, [m].</param>
    /// <param name="gradient">Its gradient there, [m, D].</param>
    /// <returns>Objective and gradient where the latents now are.</returns>
    (Tensor Values, Tensor Gradient) Take(InversionObjective objective, Tensor images, Tensor latents, Tensor values, Tensor gradient);
}
