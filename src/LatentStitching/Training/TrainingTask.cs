namespace LatentStitching.Training;

/// <summary>What a family teaches the loop: its weights, its losses, and what else a step changes.</summary>
internal abstract class TrainingTask
{
    /// <summary>Where batches go.</summary>
    public abstract Device Device { get; }

    /// <summary>The optimisers. A step may use each of them once or more.</summary>
    public abstract IReadOnlyList<OptimiserGroup> Groups { get; }

    /// <summary>State besides parameters that a step changes and a resumed run needs: running statistics, a codebook's counts, flags. Belongs to the model.</summary>
    public virtual IReadOnlyList<(string Name, Tensor Tensor)> Buffers => [];

    /// <summary>What else decides how the run goes, as text: weights of the loss, decays, what images are made by. A checkpoint of other settings is refused.</summary>
    public virtual string Settings => "";

    /// <summary>Fewest images of which a step can be taken: two where a normalisation over the batch would otherwise see one number.</summary>
    public virtual int LeastBatch => 1;

    /// <summary>Takes one step with <see cref="TrainingStep.Minimise"/>. Runs in a dispose scope of its own.</summary>
    /// <returns>The loss to report, finite.</returns>
    public abstract double Step(TrainingStep step);

    /// <summary>The loss of held-out images, with the model in evaluation mode and without gradients. Runs in a dispose scope of its own.</summary>
    /// <param name="batch">Image batch in [0, 1] on the task's device.</param>
    /// <param name="generator">Noise, the same after every pass.</param>
    /// <returns>The mean loss of the batch's images.</returns>
    public abstract double Validate(Tensor batch, Generator generator);

    /// <summary>Writes the model as it is to a folder.</summary>
    public abstract void WriteSnapshot(string folder);
}
