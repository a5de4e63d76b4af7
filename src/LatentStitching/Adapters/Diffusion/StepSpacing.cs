namespace LatentStitching.Adapters.Diffusion;

/// <summary>Which of the T times of a schedule a few steps visit.</summary>
public enum StepSpacing
{
    /// <summary>From T − 1 downwards in strides of T/steps, so that the latent lies where the noise is strongest: Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed" (arXiv:2305.08891), table 2.</summary>
    Trailing,

    /// <summary>From 0 (or an offset) upwards in strides of ⌊T/steps⌋, as DDIM's code and diffusers by default. The last time stays a stride short of T.</summary>
    Leading,

    /// <summary>Equal strides from 0 to T − 1, the 0 itself left out, as DPM-Solver's code.</summary>
    Linspace,

    /// <summary>Squares of equal strides from 0 to √(0.8·T), rounded down: "quad" of DDIM's code.</summary>
    Quadratic,
}
