using LatentStitching.Adapters.Weights;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Flows;

/// <summary>Glow as y0ast/Glow-PyTorch lays it out: logarithms of scales, normalised convolutions within couplings, shift and gate in alternate channels, a prior that may depend on a class.</summary>
internal sealed class Y0astGlow(GlowShape shape) : GlowDialect(shape)
{
    private const double Epsilon = 1e-6;

    public override string What => "the Glow of y0ast";

    public override GlowFactorNames Factors { get; } = new("invconv.p", "invconv.lower", "invconv.log_s", "invconv.upper", "invconv.sign_s");

    private int Top => Shape.Levels - 1;

    // Squeezes and splits count as layers: squeeze, K steps, split, squeeze, ...
    public override string Step(int level, int step) => $"flow.layers.{(level * (Shape.Steps + 2)) + 1 + step}.";

    public override Layout Weights()
    {
        Layout layout = new();
        long[] top = Shape.LatentShape(Top);
        layout.Add("prior_h", [1, 2 * top[0], top[1], top[2]], Initial.Zeros, trainable: false);
        for (int level = 0; level < Shape.Levels; level++)
        {
            long channels = Shape.Channels(level);
            for (int step = 0; step < Shape.Steps; step++) AddStep(layout, Step(level, step), channels);
            if (!Shape.IsTop(level)) AddZeroConvolution(layout, Split(level), channels / 2, channels);
        }
        if (Shape.LearnedTop) AddZeroConvolution(layout, "learn_top_fn", 2 * top[0], 2 * top[0]);
        if (Shape.Classes > 0)
        {
            AddZeroLinear(layout, "project_ycond", Shape.Classes, 2 * top[0]);
            AddZeroLinear(layout, "project_class", top[0], Shape.Classes);
        }
        return layout;
    }

    public override (Tensor Shift, Tensor Scale, Tensor LogScale) ActNorm(WeightSet weights, string step)
    {
        Tensor logs = Flatten(weights[step + "actnorm.logs"]);
        return (Flatten(weights[step + "actnorm.bias"]), logs.exp(), logs);
    }

    public override void InitialiseActNorm(WeightSet weights, string step, Tensor batch) => Standardise(weights, step + "actnorm", batch);

    public override Tensor Couple(WeightSet weights, string step, Tensor kept, bool initialise)
    {
        Tensor x = Normalised(weights, step + "block.0", kept, padding: 1, initialise).relu_();
        x = Normalised(weights, step + "block.2", x, padding: 0, initialise).relu_();
        return ZeroConvolution(weights, step + "block.4", x);
    }

    public override (Tensor Shift, Tensor Gate) Halves(Tensor coupled) => Alternate(coupled);

    public override (Tensor Mean, Tensor LogDeviation) Prior(WeightSet weights, int level, Tensor? kept, long count, Tensor? classes)
    {
        if (kept is not null) return Alternate(ZeroConvolution(weights, Split(level), kept));
        Tensor parameters = weights["prior_h"];
        if (Shape.LearnedTop) parameters = ZeroConvolution(weights, "learn_top_fn", parameters);
        parameters = parameters.expand(count, -1, -1, -1);
        if (classes is not null) parameters = parameters + ZeroLinear(weights, "project_ycond", classes).unsqueeze(2).unsqueeze(3);
        long half = parameters.size(1) / 2;
        return (parameters.narrow(1, 0, half), parameters.narrow(1, half, half));
    }

    /// <summary>Logits of the classes from the top level [n, c, h, w].</summary>
    public static Tensor ClassLogits(WeightSet weights, Tensor top) => ZeroLinear(weights, "project_class", top.mean([2, 3]));

    private string Split(int level) => $"flow.layers.{(level * (Shape.Steps + 2)) + Shape.Steps + 1}.conv";

    private static (Tensor Even, Tensor Odd) Alternate(Tensor x)
    {
        Tensor pairs = x.reshape(x.size(0), x.size(1) / 2, 2, x.size(2), x.size(3));
        return (pairs.select(2, 0), pairs.select(2, 1));
    }

    // A convolution without a bias of its own, then (x + bias)·exp(logs): the normalisation's bias serves as the convolution's.
    private static Tensor Normalised(WeightSet weights, string layer, Tensor x, long padding, bool initialise)
    {
        Tensor kernel = weights[layer + ".conv.weight"];
        if (initialise) Standardise(weights, layer + ".actnorm", nn.functional.conv2d(x, kernel, padding: [padding, padding]));
        Tensor convolved = nn.functional.conv2d(x, kernel, Flatten(weights[layer + ".actnorm.bias"]), padding: [padding, padding]);
        return convolved * weights[layer + ".actnorm.logs"].exp();
    }

    private static void Standardise(WeightSet weights, string layer, Tensor batch)
    {
        Tensor bias = batch.mean([0, 2, 3], keepdim: true).neg();
        Tensor variance = (batch + bias).square().mean([0, 2, 3], keepdim: true);
        Copy(weights[layer + ".bias"], bias);
        Copy(weights[layer + ".logs"], (variance.sqrt() + Epsilon).log().neg());
        Raise(weights, layer);
    }

    private static Tensor ZeroConvolution(WeightSet weights, string layer, Tensor x) =>
        weights.Convolve(x, layer + ".conv", padding: 1) * weights[layer + ".logs"].Times(3).exp();

    private static Tensor ZeroLinear(WeightSet weights, string layer, Tensor x) =>
        weights.Linear(x, layer + ".linear") * weights[layer + ".logs"].Times(3).exp();

    private static void AddZeroConvolution(Layout layout, string layer, long inputs, long outputs) =>
        layout.Add(layer + ".logs", [outputs, 1, 1], Initial.Zeros).Convolution(layer + ".conv", inputs, outputs, 3, initial: Initial.Zeros);

    private static void AddZeroLinear(Layout layout, string layer, long inputs, long outputs) =>
        layout.Add(layer + ".logs", [outputs], Initial.Zeros).Linear(layer + ".linear", inputs, outputs, initial: Initial.Zeros);

    private static void AddActNorm(Layout layout, string layer, long channels) =>
        layout.Add(layer + ".bias", [1, channels, 1, 1], Initial.Zeros)
            .Add(layer + ".logs", [1, channels, 1, 1], Initial.Zeros)
            .Add(layer + Flag, [], Initial.Zeros, trainable: false);

    private void AddStep(Layout layout, string step, long channels)
    {
        AddActNorm(layout, step + "actnorm", channels);
        long[] square = [channels, channels];
        switch (Shape.Permutation)
        {
            case GlowPermutation.LuConvolution:
                layout.Add(step + Factors.Lower, square, Initial.Zeros)
                    .Add(step + Factors.LogDiagonal, [channels], Initial.Zeros)
                    .Add(step + Factors.Upper, square, Initial.Zeros)
                    .Add(step + Factors.Permutation, square, Initial.Zeros, trainable: false)
                    .Add(step + Factors.Sign, [channels], Initial.Ones, trainable: false);
                break;
            case GlowPermutation.Convolution:
                layout.Add(step + Factors.Matrix, square, Initial.Zeros);
                break;
            default:
                layout.Add(step + Factors.Order, [channels], Initial.Zeros, trainable: false);
                break;
        }
        long half = channels / 2, hidden = Shape.Hidden;
        layout.Convolution(step + "block.0.conv", half, hidden, 3, bias: false, initial: Initial.Normal(0.05));
        AddActNorm(layout, step + "block.0.actnorm", hidden);
        layout.Convolution(step + "block.2.conv", hidden, hidden, 1, bias: false, initial: Initial.Normal(0.05));
        AddActNorm(layout, step + "block.2.actnorm", hidden);
        AddZeroConvolution(layout, step + "block.4", hidden, Shape.Affine ? channels : half);
    }
}
