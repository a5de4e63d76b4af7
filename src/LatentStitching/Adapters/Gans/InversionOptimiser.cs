namespace LatentStitching.Adapters.Gans;

/// <summary>How a <see cref="LatentOptimisation"/> goes down.</summary>
public enum InversionOptimiser
{
    /// <summary>Adam: Kingma and Ba (arXiv:1412.6980), algorithm 1.</summary>
    Adam,

    /// <summary>L-BFGS with a history, a line search and a step of its own for each image: Nocedal and Wright, "Numerical optimization" (2006), algorithms 7.4 and 3.1.</summary>
    Lbfgs,
}
