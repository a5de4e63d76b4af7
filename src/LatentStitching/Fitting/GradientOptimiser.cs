namespace LatentStitching.Fitting;

/// <summary>How <see cref="GradientDescentFitter"/> turns gradients into steps.</summary>
public enum GradientOptimiser
{
    /// <summary>Adam with β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸ (Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1), as in torch.optim.</summary>
    Adam,

    /// <summary>Steps down the gradient, with heavy-ball momentum v ← μv + g, W ← W − ηv, as in torch.optim (Polyak 1964, without dampening).</summary>
    Sgd,
}
