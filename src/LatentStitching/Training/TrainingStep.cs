using System.Globalization;

namespace LatentStitching.Training;

/// <summary>One step as its task sees it.</summary>
internal sealed class TrainingStep(IReadOnlyList<AdamOptimiser> optimisers, Tensor batch, Generator generator, long number, double rate)
{
    /// <summary>Image batch [n, c, h, w] in [0, 1] on the task's device. Must not be changed.</summary>
    public Tensor Batch => batch;

    /// <summary>Noise of this step: its own stream, so that a resumed run draws the same.</summary>
    public Generator Generator => generator;

    /// <summary>The step's number, from 1.</summary>
    public long Number => number;

    /// <summary>Minimises a loss by one optimiser: gradients, clipping, one update.</summary>
    /// <param name="group">Index of the task's group.</param>
    /// <param name="loss">A scalar.</param>
    /// <returns>The loss.</returns>
    /// <exception cref="InvalidOperationException">The loss is not finite; nothing was changed.</exception>
    public double Minimise(int group, Tensor loss)
    {
        double value = loss.ToDouble();
        if (!double.IsFinite(value))
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"The loss must stay finite, but it is {value} at step {number}. Lower the learning rate ({rate})."));
        }
        // A loss may reach the weights of the other groups too, as a generator's does through its discriminator.
        foreach (AdamOptimiser optimiser in optimisers) optimiser.Clear();
        loss.backward();
        optimisers[group].Step(rate);
        return value;
    }
}
