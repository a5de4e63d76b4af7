using LatentStitching.Checkpoints;

namespace LatentStitching.Numerics;

/// <summary>The float32 weights of a published network by their published names, and the layers made of them. Owns its tensors.</summary>
internal sealed class NetworkWeights : IDisposable
{
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    /// <summary>Number of trainable numbers.</summary>
    public long Count => _tensors.Values.Sum(tensor => tensor.numel());

    public Device Device { get; private init; } = CPU;

    public Tensor this[string name] => _tensors[name];

    /// <summary>Takes the named weights of a state dictionary. Every missing, misshapen and unexpected key is named at once.</summary>
    /// <param name="state">The state dictionary. Not disposed.</param>
    /// <param name="source">What an error text calls it: its path.</param>
    /// <param name="network">What an error text calls the network.</param>
    /// <param name="layout">The names and shapes.</param>
    /// <param name="unused">Whether a name belongs to the network but not to the part that is used.</param>
    /// <param name="device">Where to take them.</param>
    /// <exception cref="InvalidDataException">Keys are missing, misshapen or unexpected, or a weight is not a finite floating-point number.</exception>
    public static NetworkWeights Of(
        StateDictionary state, string source, string network, IEnumerable<(string Name, long[] Shape)> layout, Func<string, bool> unused, Device device)
    {
        (string Name, long[] Shape)[] expected = [.. layout];
        var report = WeightReport.Compare(state, [.. expected.Select(weight => (weight.Name, (IReadOnlyList<long>)weight.Shape))]);
        report = report with { Unexpected = [.. report.Unexpected.Where(name => !unused(name))] };
        if (!report.IsExact) throw new InvalidDataException($"{source} must hold the weights of {network}, but {report}.");
        if (expected.FirstOrDefault(weight => !state[weight.Name].is_floating_point()).Name is { } integer)
        {
            throw new InvalidDataException($"{source} must hold floating-point weights of {network}, but {integer} is {state[integer].dtype}.");
        }
        NetworkWeights weights = new() { Device = device };
        foreach ((string name, _) in expected) weights.Set(name, state[name].to(ScalarType.Float32, device, copy: true));
        foreach ((string name, Tensor tensor) in weights._tensors)
        {
            using Tensor sum = tensor.sum(ScalarType.Float64);
            if (double.IsFinite(sum.ToDouble())) continue;
            weights.Dispose();
            throw new InvalidDataException($"{source} must hold finite weights, but {name} has NaN or infinite entries.");
        }
        return weights;
    }

    /// <summary>Puts a tensor under a name, and frees what was there.</summary>
    public void Set(string name, Tensor tensor)
    {
        if (_tensors.TryGetValue(name, out Tensor? before)) before.Dispose();
        _tensors[name] = tensor.DetachFromDisposeScope();
    }

    public void Remove(string name)
    {
        if (_tensors.Remove(name, out Tensor? tensor)) tensor.Dispose();
    }

    /// <summary>Convolution with bias, then ReLU.</summary>
    public Tensor ConvolveRelu(Tensor x, string layer, long[] strides, long[] padding) =>
        nn.functional.conv2d(x, _tensors[layer + ".weight"], _tensors[layer + ".bias"], strides, padding).relu_();

    /// <summary>The same with the stride and padding of both axes given once.</summary>
    public Tensor ConvolveRelu(Tensor x, string layer, long stride = 1, long padding = 0) => ConvolveRelu(x, layer, [stride, stride], [padding, padding]);

    public void Dispose()
    {
        foreach (Tensor tensor in _tensors.Values) tensor.Dispose();
    }
}
