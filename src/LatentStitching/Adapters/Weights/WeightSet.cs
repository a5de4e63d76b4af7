using LatentStitching.Checkpoints;
using LatentStitching.Numerics;
using TorchSharp.Modules;

namespace LatentStitching.Adapters.Weights;

/// <summary>The weights of a network by name, with the layers that use them. Owns its tensors, which outlive every dispose scope.</summary>
/// <remarks>Trainable weights are parameters; buffers are plain tensors. A network is a layout of weights and functions over them: nothing else holds state.</remarks>
internal sealed class WeightSet : IDisposable
{
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];

    private WeightSet()
    {
    }

    /// <summary>Names and tensors in the published order; they belong to the set.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> All => [.. _names.Select(name => (name, _tensors[name]))];

    /// <summary>What an optimiser changes, in the published order.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Trainable => [.. _names.Where(name => _tensors[name] is Parameter).Select(name => (name, (Parameter)_tensors[name]))];

    /// <summary>What an optimiser leaves alone and training may change all the same, in the published order.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> Buffers => [.. All.Where(weight => weight.Tensor is not Parameter)];

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => _tensors.Values.OfType<Parameter>().Sum(weight => weight.numel());

    public Tensor this[string name] => _tensors[name];

    /// <summary>Makes first values; the same seed gives the same bytes.</summary>
    public static WeightSet Create(Layout layout, ulong seed, Device device, ScalarType dtype = ScalarType.Float32)
    {
        WeightSet weights = new();
        using Generator generator = new(seed, device);
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        foreach (WeightSpec spec in layout.Weights) weights.Add(spec, spec.Initial(spec.Shape, generator).to_type(dtype));
        return weights;
    }

    /// <summary>Copies the weights of a checkpoint; every missing, unexpected or misshapen key is named at once.</summary>
    /// <param name="layout">What is needed.</param>
    /// <param name="state">What is there. Not disposed.</param>
    /// <param name="what">What the weights are of, for the text: "the VAE of Burgess et al.".</param>
    /// <param name="path">Where they come from, for the text.</param>
    /// <param name="device">Where they go.</param>
    /// <param name="dtype">What they become.</param>
    /// <exception cref="InvalidDataException">A key is missing, unexpected or misshapen, or a tensor is not floating point or not finite.</exception>
    public static WeightSet From(Layout layout, StateDictionary state, string what, string path, Device device, ScalarType dtype = ScalarType.Float32)
    {
        var report = WeightReport.Compare(state, [.. layout.Weights.Select(spec => (spec.Name, (IReadOnlyList<long>)spec.Shape))]);
        if (!report.IsExact) throw new InvalidDataException($"{path} must hold exactly the weights of {what}, but {report}.");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        foreach (WeightSpec spec in layout.Weights)
        {
            if (!state[spec.Name].is_floating_point() || !TensorGuard.IsFinite(state[spec.Name]))
            {
                throw new InvalidDataException($"{path} must hold finite floating-point weights of {what}, but {spec.Name} is {state[spec.Name].dtype} or holds NaN or infinite numbers.");
            }
        }
        WeightSet weights = new();
        // Contiguous, because a product over a transposed view rounds otherwise than over its copy read back from a file.
        foreach (WeightSpec spec in layout.Weights) weights.Add(spec, state[spec.Name].to(dtype, device, copy: true).contiguous());
        return weights;
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _tensors.Values) tensor.Dispose();
    }

    public Tensor Linear(Tensor x, string layer) => nn.functional.linear(x, _tensors[layer + ".weight"], Bias(layer));

    public Tensor Convolve(Tensor x, string layer, long stride = 1, long padding = 0) =>
        nn.functional.conv2d(x, _tensors[layer + ".weight"], Bias(layer), strides: [stride, stride], padding: [padding, padding]);

    public Tensor ConvolveTransposed(Tensor x, string layer, long stride = 1, long padding = 0, long outputPadding = 0) =>
        nn.functional.conv_transpose2d(x, _tensors[layer + ".weight"], Bias(layer), strides: [stride, stride], padding: [padding, padding], output_padding: [outputPadding, outputPadding]);

    public Tensor GroupNormalise(Tensor x, string layer, long groups, double eps = 1e-5) =>
        nn.functional.group_norm(x, groups, _tensors[layer + ".weight"], _tensors[layer + ".bias"], eps);

    /// <summary>Batch normalisation: by the batch and with running statistics brought up to date when training, by the running statistics else.</summary>
    public Tensor BatchNormalise(Tensor x, string layer, bool training, double momentum = 0.1, double eps = 1e-5) =>
        nn.functional.batch_norm(x, _tensors[layer + ".running_mean"], _tensors[layer + ".running_var"], _tensors[layer + ".weight"], _tensors[layer + ".bias"], training, momentum, eps);

    private Tensor? Bias(string layer) => _tensors.GetValueOrDefault(layer + ".bias");

    // A parameter takes the tensor's handle over.
    private void Add(WeightSpec spec, Tensor values)
    {
        Tensor held = spec.Trainable ? new Parameter(values) : values;
        held.DetachFromDisposeScope();
        _tensors.Add(spec.Name, held);
        _names.Add(spec.Name);
    }
}
