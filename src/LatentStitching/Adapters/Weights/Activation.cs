namespace LatentStitching.Adapters.Weights;

/// <summary>What goes from layer to layer.</summary>
internal static class Activation
{
    /// <summary>Hands a layer's output on and frees the input that it came from, unless that was given by the caller.</summary>
    /// <remarks>Activations that all live until the end of a call take memory that is fetched anew for each; what a gradient needs lives on without its handle.</remarks>
    /// <param name="input">What the layer took.</param>
    /// <param name="output">What it made; it may be a view of the input.</param>
    /// <param name="given">The caller's tensor, which stays.</param>
    public static Tensor Pass(Tensor input, Tensor output, Tensor given)
    {
        if (!ReferenceEquals(input, given) && !ReferenceEquals(input, output)) input.Dispose();
        return output;
    }

    /// <summary>x·σ(x), which takes the place of x unless a gradient needs x later. The handle of x goes over into the result.</summary>
    public static Tensor Swish(Tensor x)
    {
        if (!x.requires_grad) return x.silu_();
        using Tensor mine = x;
        return x.silu();
    }
}
