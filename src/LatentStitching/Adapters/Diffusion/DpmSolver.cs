namespace LatentStitching.Adapters.Diffusion;

/// <summary>DPM-Solver++ in its multistep form, by predictions of the image: Lu et al., "DPM-Solver++" (arXiv:2211.01095), algorithm 2 for order 2.</summary>
/// <remarks>
/// Order 3 is the Taylor expansion of the paper's section 4 with divided differences of the last three predictions, exact where the prediction is quadratic in λ. The authors' code (and those that follow it)
/// takes half of the second derivative there, which leaves order 2.
/// </remarks>
internal static class DpmSolver
{
    // Below so many steps the last ones are of lower order, which the authors' code found stabler.
    private const int FewSteps = 15;

    /// <summary>Latent → image.</summary>
    /// <param name="latent">[n, c, h, w] at the grid's last node.</param>
    /// <param name="grid">The way.</param>
    /// <param name="predictor">The network.</param>
    /// <param name="order">1 to 3.</param>
    /// <param name="threshold">Bounds of predicted images, or null.</param>
    /// <param name="bound">The pixel range's half width, the unit of the threshold.</param>
    /// <param name="lowerOrderAtEnd">Whether few steps end in lower order. The step to ᾱ = 1 is of order 1 in any case, as its log-SNR is infinite.</param>
    public static Tensor Decode(Tensor latent, TimeGrid grid, NoisePredictor predictor, int order, DynamicThreshold? threshold = null, double bound = 1, bool lowerOrderAtEnd = true)
    {
        using var scope = NewDisposeScope();
        Tensor x = latent;
        // Newest first.
        List<(Tensor Image, double Lambda)> history = [];
        for (int node = grid.Steps; node > 0; node--)
        {
            using var step = NewDisposeScope();
            (double from, double to) = (grid.AlphaBars[node], grid.AlphaBars[node - 1]);
            (Tensor image, _) = predictor.Split(x, predictor.Predict(x, grid.Times[node - 1]), from);
            if (threshold is not null) image = Bounded(image, threshold, bound);
            history.Insert(0, (image.MoveToOuterDisposeScope(), Lambda(from)));
            if (history.Count > order)
            {
                history[order].Image.Dispose();
                history.RemoveAt(order);
            }
            int allowed = Math.Min(order, history.Count);
            if (lowerOrderAtEnd && grid.Steps < FewSteps) allowed = Math.Min(allowed, node);
            if (to == 1) allowed = 1;
            Tensor next = Step(x, history, allowed, from, to).MoveToOuterDisposeScope();
            if (!ReferenceEquals(x, latent)) x.Dispose();
            x = next;
        }
        return x.MoveToOuterDisposeScope();
    }

    /// <summary>One step. The history holds predictions and their log-SNR, newest first, and at least as many as the order.</summary>
    internal static Tensor Step(Tensor x, List<(Tensor Image, double Lambda)> history, int order, double from, double to)
    {
        // λ = log(α/σ), h = λ_to − λ_from; e^{−h} is 0 where no noise is left.
        (double alpha, double sigma) = (Math.Sqrt(to), Math.Sqrt(1 - to));
        Tensor image = history[0].Image;
        double h = Lambda(to) - history[0].Lambda;
        double expm1 = to == 1 ? -1 : Math.Exp(-h) - 1;
        Tensor next = x * (sigma / Math.Sqrt(1 - from)) - image * (alpha * expm1);
        if (order == 1) return next;
        double r0 = (history[0].Lambda - history[1].Lambda) / h;
        Tensor first = (image - history[1].Image) / r0;
        if (order == 2) return next - first * (0.5 * alpha * expm1);
        double r1 = (history[1].Lambda - history[2].Lambda) / h;
        Tensor second = (history[1].Image - history[2].Image) / r1;
        Tensor slope = first + (first - second) * (r0 / (r0 + r1));
        Tensor curve = (first - second) * (2 / (r0 + r1));
        return next + slope * (alpha * ((expm1 / h) + 1)) - curve * (alpha * (((expm1 + h) / (h * h)) - 0.5));
    }

    private static double Lambda(double alphaBar) => 0.5 * Math.Log(alphaBar / (1 - alphaBar));

    private static Tensor Bounded(Tensor image, DynamicThreshold threshold, double bound)
    {
        Tensor quantile = image.abs().flatten(1).quantile(tensor(threshold.Quantile, image.dtype, image.device), dim: 1);
        Tensor scale = (quantile / bound).clamp_min(1).clamp_max(threshold.Maximum).reshape(-1, 1, 1, 1);
        Tensor limit = scale * bound;
        return image.minimum(limit).maximum(-limit) / scale;
    }
}
