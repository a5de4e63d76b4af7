namespace LatentStitching.Adapters.Diffusion;

/// <summary>Anderson's acceleration of a fixed-point iteration x = G(x), each row by itself.</summary>
/// <remarks>
/// Anderson, "Iterative Procedures for Nonlinear Integral Equations" (1965); Walker and Ni, "Anderson Acceleration for Fixed-Point Iterations" (2011), in differences: of the last answers it takes the
/// combination whose residual G(x) − x is smallest. Pan et al. (arXiv:2309.04907) use it for diffusion inversion.
/// </remarks>
/// <param name="window">Answers remembered besides the newest.</param>
internal sealed class AndersonMixing(int window)
{
    // Relative to the largest diagonal entry: beneath it, differences are the rounding of float32.
    private const double Ridge = 1e-6;
    private readonly List<(Tensor Answer, Tensor Residual)> _history = [];

    /// <summary>The next point to try.</summary>
    /// <param name="point">x, [n, ...].</param>
    /// <param name="answer">G(x), of the same shape.</param>
    public Tensor Next(Tensor point, Tensor answer)
    {
        Tensor newest = answer.flatten(1), residual = newest - point.flatten(1);
        Tensor mixed = newest;
        if (_history.Count > 0)
        {
            // Rows n, one difference an entry, D numbers.
            Tensor residuals = stack(_history.Select(entry => residual - entry.Residual), 1);
            Tensor answers = stack(_history.Select(entry => newest - entry.Answer), 1);
            Tensor gram = residuals.bmm(residuals.transpose(1, 2));
            Tensor size = gram.diagonal(0, 1, 2).amax([1]).clamp_min(1e-30).reshape(-1, 1, 1);
            Tensor identity = eye(_history.Count, dtype: gram.dtype, device: gram.device);
            Tensor right = residuals.bmm(residual.unsqueeze(2));
            // Where nothing changes any more, the right-hand side is zero and so is the answer.
            Tensor weights = linalg.solve(gram / size + identity * Ridge, right / size);
            mixed = newest - answers.transpose(1, 2).bmm(weights).squeeze(2);
        }
        _history.Insert(0, (newest, residual));
        if (_history.Count > window) _history.RemoveAt(window);
        return mixed.reshape(answer.shape);
    }
}
