using TorchSharp.Modules;

namespace LatentStitching.Training;

/// <summary>Adam with decoupled weight decay, whose whole state is tensors that a checkpoint can hold, with a moving average of the weights beside it.</summary>
/// <remarks>Kingma and Ba, "Adam" (arXiv:1412.6980), algorithm 1, ε = 10⁻⁸; Loshchilov and Hutter (arXiv:1711.05101), algorithm 2.</remarks>
internal sealed class AdamOptimiser : IDisposable
{
    private const double Epsilon = 1e-8;
    private readonly OptimiserGroup _group;
    private readonly TrainingOptions _options;
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly Tensor[] _first;
    private readonly Tensor[] _second;
    private readonly Tensor[] _average;

    public AdamOptimiser(OptimiserGroup group, TrainingOptions options)
    {
        _group = group;
        _options = options;
        _beta1 = options.Beta1 ?? group.Beta1;
        _beta2 = options.Beta2 ?? group.Beta2;
        using var grad = no_grad();
        _first = [.. group.Parameters.Select(weight => zeros_like(weight.Parameter).DetachFromDisposeScope())];
        _second = [.. group.Parameters.Select(weight => zeros_like(weight.Parameter).DetachFromDisposeScope())];
        _average = options.EmaDecay is null || !group.Averaged ? [] : [.. group.Parameters.Select(weight => weight.Parameter.detach().clone().DetachFromDisposeScope())];
    }

    /// <summary>Steps taken.</summary>
    public long Steps { get; set; }

    /// <summary>Everything a resumed run needs, by name. Belongs to the optimiser.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State
    {
        get
        {
            for (int i = 0; i < _group.Parameters.Count; i++)
            {
                string name = $"{_group.Name}.{_group.Parameters[i].Name}";
                yield return ("weight." + name, _group.Parameters[i].Parameter);
                yield return ("first." + name, _first[i]);
                yield return ("second." + name, _second[i]);
                if (_average.Length > 0) yield return ("average." + name, _average[i]);
            }
        }
    }

    /// <summary>Forgets the gradients.</summary>
    public void Clear()
    {
        foreach ((_, Parameter parameter) in _group.Parameters) parameter.grad = null;
    }

    /// <summary>Changes the weights by their gradients.</summary>
    public void Step(double rate)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        if (_options.GradientClip is { } longest) nn.utils.clip_grad_norm_(_group.Parameters.Select(weight => weight.Parameter), longest);
        Steps++;
        double size = rate * _group.RateFactor, correction1 = 1 - Math.Pow(_beta1, Steps), correction2 = Math.Sqrt(1 - Math.Pow(_beta2, Steps));
        for (int i = 0; i < _first.Length; i++)
        {
            Parameter weight = _group.Parameters[i].Parameter;
            if (weight.grad is not { } gradient) continue;
            if (_options.WeightDecay > 0) weight.mul_(1 - (size * _options.WeightDecay));
            _first[i].mul_(_beta1).add_(gradient, alpha: 1 - _beta1);
            _second[i].mul_(_beta2).addcmul_(gradient, gradient, value: 1 - _beta2);
            Tensor scale = _second[i].sqrt().div_(correction2).add_(Epsilon);
            weight.addcdiv_(_first[i], scale, value: -size / correction1);
        }
        if (_options.EmaDecay is not { } decay) return;
        // Else the average would be of the first random weights for thousands of steps.
        decay = Math.Min(decay, (1.0 + Steps) / (10.0 + Steps));
        for (int i = 0; i < _average.Length; i++) _average[i].mul_(decay).add_(_group.Parameters[i].Parameter, alpha: 1 - decay);
    }

    /// <summary>Exchanges the weights and their moving average; a second call undoes it. Nothing happens where there is no average.</summary>
    public void SwapAverage()
    {
        using var grad = no_grad();
        for (int i = 0; i < _average.Length; i++)
        {
            using Tensor weight = _group.Parameters[i].Parameter.detach().clone();
            _group.Parameters[i].Parameter.copy_(_average[i]);
            _average[i].copy_(weight);
        }
    }

    public void Dispose()
    {
        foreach (Tensor tensor in (IEnumerable<Tensor>)[.. _first, .. _second, .. _average]) tensor.Dispose();
    }
}
