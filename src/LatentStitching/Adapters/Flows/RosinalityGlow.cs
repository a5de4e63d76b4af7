using LatentStitching.Adapters.Weights;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Flows;

/// <summary>Glow as rosinality/glow-pytorch lays it out: scales that may be negative, zero-initialised convolutions that pad with ones.</summary>
internal sealed class RosinalityGlow(GlowShape shape) : GlowDialect(shape)
{
    private const double Epsilon = 1e-6;

    public override string What => "the Glow of rosinality";

    public override GlowFactorNames Factors { get; } = new("invconv.w_p", "invconv.w_l", "invconv.w_s", "invconv.w_u", "invconv.s_sign");

    public override string Step(int level, int step) => $"blocks.{level}.flows.{step}.";

    public override Layout Weights()
    {
        Layout layout = new();
        for (int level = 0; level < Shape.Levels; level++)
        {
            long channels = Shape.Channels(level);
            for (int step = 0; step < Shape.Steps; step++) AddStep(layout, level, Step(level, step), channels);
            long inputs = Shape.IsTop(level) ? channels : channels / 2;
            AddZeroConvolution(layout, $"blocks.{level}.prior", inputs, 2 * Shape.LatentChannels(level));
        }
        return layout;
    }

    public override (Tensor Shift, Tensor Scale, Tensor LogScale) ActNorm(WeightSet weights, string step)
    {
        Tensor scale = Flatten(weights[step + "actnorm.scale"]);
        return (Flatten(weights[step + "actnorm.loc"]), scale, scale.abs().log());
    }

    public override void InitialiseActNorm(WeightSet weights, string step, Tensor batch)
    {
        (Tensor location, Tensor scale) = Standardise(batch);
        Copy(weights[step + "actnorm.loc"], location);
        Copy(weights[step + "actnorm.scale"], scale);
        Raise(weights, step + "actnorm");
    }

    /// <summary>Minus the mean and one over the (unbiased) deviation of each channel of a batch.</summary>
    public static (Tensor Location, Tensor Scale) Standardise(Tensor batch)
    {
        Tensor channels = batch.transpose(0, 1).flatten(1);
        return (channels.mean([1]).neg(), (channels.std(1) + Epsilon).reciprocal());
    }

    public override Tensor Couple(WeightSet weights, string step, Tensor kept, bool initialise)
    {
        Tensor x = weights.Convolve(kept, step + "coupling.net.0", padding: 1).relu_();
        x = weights.Convolve(x, step + "coupling.net.2").relu_();
        return ZeroConvolution(weights, step + "coupling.net.4", x);
    }

    public override (Tensor Shift, Tensor Gate) Halves(Tensor coupled)
    {
        long half = coupled.size(1) / 2;
        return (coupled.narrow(1, half, half), coupled.narrow(1, 0, half));
    }

    public override (Tensor Mean, Tensor LogDeviation) Prior(WeightSet weights, int level, Tensor? kept, long count, Tensor? classes)
    {
        Tensor parameters;
        if (kept is null)
        {
            long[] sizes = Shape.LatentShape(level);
            Tensor scale = weights[$"blocks.{level}.prior.scale"];
            // The same for every row, so one row is enough.
            parameters = ZeroConvolution(weights, $"blocks.{level}.prior", zeros([1, .. sizes], scale.dtype, scale.device)).expand(count, -1, -1, -1);
        }
        else
        {
            parameters = ZeroConvolution(weights, $"blocks.{level}.prior", kept);
        }
        long half = parameters.size(1) / 2;
        return (parameters.narrow(1, 0, half), parameters.narrow(1, half, half));
    }

    private static Tensor ZeroConvolution(WeightSet weights, string layer, Tensor x)
    {
        Tensor padded = nn.functional.pad(x, (1L, 1L, 1L, 1L), PaddingModes.Constant, 1);
        return weights.Convolve(padded, layer + ".conv") * weights[layer + ".scale"].Times(3).exp();
    }

    private static void AddZeroConvolution(Layout layout, string layer, long inputs, long outputs) =>
        layout.Add(layer + ".scale", [1, outputs, 1, 1], Initial.Zeros).Convolution(layer + ".conv", inputs, outputs, 3, initial: Initial.Zeros);

    private void AddStep(Layout layout, int level, string step, long channels)
    {
        layout.Add(step + "actnorm.loc", [1, channels, 1, 1], Initial.Zeros)
            .Add(step + "actnorm.scale", [1, channels, 1, 1], Initial.Ones)
            .Add(step + "actnorm" + Flag, [], Initial.Zeros, trainable: false);
        long[] square = [channels, channels];
        if (Shape.PermutationOf(level) == GlowPermutation.LuConvolution)
        {
            layout.Add(step + Factors.Lower, square, Initial.Zeros)
                .Add(step + Factors.LogDiagonal, [channels], Initial.Zeros)
                .Add(step + Factors.Upper, square, Initial.Zeros)
                .Add(step + Factors.Permutation, square, Initial.Zeros, trainable: false)
                .Add(step + "invconv.u_mask", square, (sizes, generator) => Triangle(sizes, generator, upper: true), trainable: false)
                .Add(step + "invconv.l_mask", square, (sizes, generator) => Triangle(sizes, generator, upper: false), trainable: false)
                .Add(step + Factors.Sign, [channels], Initial.Ones, trainable: false)
                .Add(step + "invconv.l_eye", square, (sizes, generator) => eye(sizes[0], dtype: ScalarType.Float32, device: generator.device), trainable: false);
        }
        else
        {
            layout.Add(step + Factors.Matrix, [channels, channels, 1, 1], Initial.Zeros);
        }
        layout.Convolution(step + "coupling.net.0", channels / 2, Shape.Hidden, 3, initial: Initial.Normal(0.05))
            .Convolution(step + "coupling.net.2", Shape.Hidden, Shape.Hidden, 1, initial: Initial.Normal(0.05));
        AddZeroConvolution(layout, step + "coupling.net.4", Shape.Hidden, Shape.Affine ? channels : channels / 2);
    }

    private static Tensor Triangle(long[] shape, Generator generator, bool upper)
    {
        using var scope = NewDisposeScope();
        Tensor ones = torch.ones(shape, ScalarType.Float32, generator.device);
        return (upper ? ones.triu(1) : ones.tril(-1)).MoveToOuterDisposeScope();
    }
}
