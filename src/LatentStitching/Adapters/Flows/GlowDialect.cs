using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Flows;

/// <summary>What one published layout of Glow does in its own way: names, normalisation, the networks of couplings and priors. Holds no state but the sizes.</summary>
internal abstract class GlowDialect(GlowShape shape)
{
    /// <summary>The end of the names of flags that tell whether a normalisation has taken its first values from data.</summary>
    public const string Flag = ".initialized";

    public GlowShape Shape { get; } = shape;

    /// <summary>What the weights are of, for texts.</summary>
    public abstract string What { get; }

    /// <summary>Names of a 1×1 convolution's factors, after a step's prefix.</summary>
    public abstract GlowFactorNames Factors { get; }

    public static GlowDialect Of(GlowShape shape) => shape.Layout == GlowLayout.Rosinality ? new RosinalityGlow(shape) : new Y0astGlow(shape);

    /// <summary>Every weight in the published order.</summary>
    public abstract Layout Weights();

    /// <summary>What a step's names begin with; both count from 0.</summary>
    public abstract string Step(int level, int step);

    /// <summary>The normalisation of a step's channels, y = (x + shift)·scale, each [c], with log|scale|.</summary>
    public abstract (Tensor Shift, Tensor Scale, Tensor LogScale) ActNorm(WeightSet weights, string step);

    /// <summary>Sets a step's normalisation so that a batch leaves it with mean 0 and deviation 1.</summary>
    public abstract void InitialiseActNorm(WeightSet weights, string step, Tensor batch);

    /// <summary>A coupling's network on the kept half. Where it normalises within, those take their first values from the batch if asked.</summary>
    public abstract Tensor Couple(WeightSet weights, string step, Tensor kept, bool initialise);

    /// <summary>Cuts what a coupling's network gives into shift and gate; the scale is sigmoid(gate + 2).</summary>
    public abstract (Tensor Shift, Tensor Gate) Halves(Tensor coupled);

    /// <summary>The Gaussian of a level's part of the latent, given what the level hands on (null at the top).</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="level">The level, from 0.</param>
    /// <param name="kept">The half of the channels that goes on to the next level; null at the top.</param>
    /// <param name="count">Rows.</param>
    /// <param name="classes">One-hot classes [count, classes], or null.</param>
    public abstract (Tensor Mean, Tensor LogDeviation) Prior(WeightSet weights, int level, Tensor? kept, long count, Tensor? classes);

    protected static Tensor Flatten(Tensor weight) => weight.reshape(-1);

    protected static void Copy(Tensor weight, Tensor values)
    {
        using var grad = no_grad();
        weight.copy_(values.reshape(weight.shape));
    }

    protected static void Raise(WeightSet weights, string layer)
    {
        using var grad = no_grad();
        weights[layer + Flag].fill_(1);
    }
}

/// <summary>Names of the factors of a 1×1 convolution, after a step's prefix.</summary>
internal sealed record GlowFactorNames(string Permutation, string Lower, string LogDiagonal, string Upper, string Sign, string Matrix = "invconv.weight", string Order = "shuffle.indices");
