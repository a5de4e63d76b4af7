using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>DDIM both ways on one grid: Song, Meng and Ermon, "Denoising Diffusion Implicit Models" (arXiv:2010.02502), eq. 12 and 16.</summary>
internal static class DdimSampler
{
    // Answers that a refinement remembers: more gain little and cost memory.
    private const int Window = 3;

    /// <summary>Latent → image.</summary>
    /// <param name="latent">[n, c, h, w] at the grid's last node.</param>
    /// <param name="grid">The way.</param>
    /// <param name="predictor">The network.</param>
    /// <param name="eta">0 for the deterministic walk, 1 for DDPM's noise.</param>
    /// <param name="noise">The noise of a step, counted from 0 in order of decoding; needed where eta is positive.</param>
    public static Tensor Decode(Tensor latent, TimeGrid grid, NoisePredictor predictor, double eta = 0, Func<int, Tensor>? noise = null)
    {
        Tensor x = latent;
        for (int node = grid.Steps; node > 0; node--)
        {
            using var scope = NewDisposeScope();
            (double from, double to) = (grid.AlphaBars[node], grid.AlphaBars[node - 1]);
            Tensor output = predictor.Predict(x, grid.Times[node - 1]);
            Tensor next = eta == 0 ? predictor.Move(x, output, from, to) : Noisy(node, output, from, to);
            x = Pass(next, x, latent);
        }
        return x;

        Tensor Noisy(int node, Tensor output, double from, double to)
        {
            // Eq. 16; eta 1 is the posterior's variance of Ho et al.
            double sigma = eta * Math.Sqrt((1 - to) / (1 - from) * (1 - (from / to)));
            (Tensor image, Tensor direction) = predictor.Split(x, output, from);
            Tensor mean = image.Times(Math.Sqrt(to)) + direction.Times(Math.Sqrt(1 - to - (sigma * sigma)));
            return mean + noise!(grid.Steps - node).Times(sigma);
        }
    }

    /// <summary>Image → latent: each step undoes a step of <see cref="Decode"/>, the better the more refinements there are.</summary>
    /// <param name="image">[n, c, h, w] at the grid's node 0.</param>
    /// <param name="grid">The way.</param>
    /// <param name="predictor">The network.</param>
    /// <param name="refinements">Fixed-point iterations a step.</param>
    public static Tensor Encode(Tensor image, TimeGrid grid, NoisePredictor predictor, int refinements = 0)
    {
        Tensor x = image;
        for (int node = 1; node <= grid.Steps; node++)
        {
            using var scope = NewDisposeScope();
            (double from, double to) = (grid.AlphaBars[node - 1], grid.AlphaBars[node]);
            int time = grid.Times[node - 1];
            Tensor output = predictor.Predict(x, time);
            // A network of images says nothing of the noise of an image that has none.
            Tensor next = predictor.Prediction == PredictionType.Sample && from == 1 && predictor.IsLinear ? Undo(x, predictor.Noise(x, output, to), from, to) : predictor.Move(x, output, from, to);
            if (refinements > 0) next = Refine(x, next, node);
            x = Pass(next, x, image);
        }
        return x;

        Tensor Refine(Tensor moved, Tensor plain, int node)
        {
            (double from, double to) = (grid.AlphaBars[node - 1], grid.AlphaBars[node]);
            AndersonMixing mixing = new(Window);
            // The plain answer is where the iteration starts but not part of the mixing: with large steps its residual leads the second answer astray.
            Tensor point = plain;
            for (int i = 0; i < refinements; i++) point = mixing.Next(point, Undo(moved, predictor.Noise(point, predictor.Predict(point, grid.Times[node - 1]), to), from, to));
            return point;
        }
    }

    /// <summary>Image → latent as published code does it: see <see cref="InversionCompatibility.PublishedOffByOne"/>.</summary>
    /// <param name="image">[n, c, h, w], taken to lie at the grid's first time.</param>
    /// <param name="grid">The decoder's way.</param>
    /// <param name="lastAlphaBar">ᾱ of the schedule's last time.</param>
    /// <param name="predictor">The network.</param>
    public static Tensor EncodeOffByOne(Tensor image, TimeGrid grid, double lastAlphaBar, NoisePredictor predictor)
    {
        Tensor x = image;
        for (int node = 1; node <= grid.Steps; node++)
        {
            using var scope = NewDisposeScope();
            double to = node < grid.Steps ? grid.AlphaBars[node + 1] : lastAlphaBar;
            x = Pass(predictor.Move(x, predictor.Predict(x, grid.Times[node - 1]), grid.AlphaBars[node], to), x, image);
        }
        return x;
    }

    // x' = a·x + b·ε solved for x.
    private static Tensor Undo(Tensor moved, Tensor noise, double movedAlphaBar, double alphaBar)
    {
        double a = Math.Sqrt(movedAlphaBar / alphaBar);
        double b = Math.Sqrt(1 - movedAlphaBar) - (a * Math.Sqrt(1 - alphaBar));
        return moved.Over(a) - noise.Times(b / a);
    }

    // The step's result leaves the step's scope, and what it came from is freed unless it is the caller's.
    private static Tensor Pass(Tensor next, Tensor before, Tensor start)
    {
        Tensor passed = next.MoveToOuterDisposeScope();
        if (!ReferenceEquals(before, start)) before.Dispose();
        return passed;
    }
}
