namespace LatentStitching.Adapters.Autoencoders;

/// <summary>What a network needs to know to run as in training: noise for dropout, and how far the run is for its running statistics.</summary>
/// <param name="generator">Noise of the step.</param>
/// <param name="step">The step's number, from 1.</param>
internal sealed class TrainingPass(Generator generator, long step)
{
    public Generator Generator => generator;

    public long Step => step;
}
