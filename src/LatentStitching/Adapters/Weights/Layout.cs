namespace LatentStitching.Adapters.Weights;

/// <summary>Collects the weights of a network in the published order.</summary>
internal sealed class Layout
{
    private readonly List<WeightSpec> _weights = [];

    public IReadOnlyList<WeightSpec> Weights => _weights;

    public Layout Add(string name, long[] shape, WeightInitial initial, bool trainable = true)
    {
        _weights.Add(new WeightSpec(name, shape, initial, trainable));
        return this;
    }

    /// <summary>A linear layer, as PyTorch begins it unless told otherwise.</summary>
    public Layout Linear(string layer, long inputs, long outputs, bool bias = true, WeightInitial? initial = null)
    {
        Add(layer + ".weight", [outputs, inputs], initial ?? Initial.FanIn(inputs));
        return bias ? Add(layer + ".bias", [outputs], initial is null ? Initial.FanIn(inputs) : Initial.Zeros) : this;
    }

    /// <summary>A convolution with a square kernel, as PyTorch begins it unless told otherwise.</summary>
    public Layout Convolution(string layer, long inputs, long outputs, long kernel, bool bias = true, WeightInitial? initial = null)
    {
        long fan = inputs * kernel * kernel;
        Add(layer + ".weight", [outputs, inputs, kernel, kernel], initial ?? Initial.FanIn(fan));
        return bias ? Add(layer + ".bias", [outputs], initial is null ? Initial.FanIn(fan) : Initial.Zeros) : this;
    }

    /// <summary>A transposed convolution with a square kernel, as PyTorch begins it unless told otherwise: its fan is that of its weight's second axis.</summary>
    public Layout TransposedConvolution(string layer, long inputs, long outputs, long kernel, bool bias = true, WeightInitial? initial = null)
    {
        long fan = outputs * kernel * kernel;
        Add(layer + ".weight", [inputs, outputs, kernel, kernel], initial ?? Initial.FanIn(fan));
        return bias ? Add(layer + ".bias", [outputs], initial is null ? Initial.FanIn(fan) : Initial.Zeros) : this;
    }

    /// <summary>Scale and shift of a normalisation over channels.</summary>
    public Layout Normalisation(string layer, long channels) =>
        Add(layer + ".weight", [channels], Initial.Ones).Add(layer + ".bias", [channels], Initial.Zeros);

    /// <summary>A batch normalisation with its running statistics.</summary>
    public Layout BatchNormalisation(string layer, long channels) =>
        Normalisation(layer, channels).Add(layer + ".running_mean", [channels], Initial.Zeros, trainable: false).Add(layer + ".running_var", [channels], Initial.Ones, trainable: false);
}
