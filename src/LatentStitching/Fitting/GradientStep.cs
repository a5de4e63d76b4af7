namespace LatentStitching.Fitting;

/// <summary>The state of an optimiser and its step, in place. The state belongs to the dispose scope that is open when it is made.</summary>
internal sealed class GradientStep
{
    private const double FirstDecay = 0.9;
    private const double SecondDecay = 0.999;
    private const double Epsilon = 1e-8;

    private readonly GradientDescentOptions _options;
    private readonly Tensor _first;
    private readonly Tensor? _second;
    private readonly bool _decays;
    private long _steps;

    public GradientStep(GradientDescentOptions options, Tensor parameters, bool decays)
    {
        _options = options;
        _decays = decays;
        _first = zeros_like(parameters);
        _second = options.Optimiser == GradientOptimiser.Adam ? zeros_like(parameters) : null;
    }

    /// <summary>Changes the parameters by one step against the gradient.</summary>
    public void Take(Tensor parameters, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        double rate = _options.LearningRate * (_decays ? (1 + Math.Cos(Math.PI * _steps / _options.MaxIterations)) / 2 : 1);
        _steps++;
        if (_second is null)
        {
            _first.mul_(_options.Momentum).add_(gradient);
            parameters.sub_(_first.mul(rate));
            return;
        }
        _first.mul_(FirstDecay).add_(gradient.mul(1 - FirstDecay));
        _second.mul_(SecondDecay).add_(gradient.square().mul(1 - SecondDecay));
        Tensor root = _second.div(1 - Math.Pow(SecondDecay, _steps)).sqrt().add(Epsilon);
        parameters.sub_(_first.div(root).mul(rate / (1 - Math.Pow(FirstDecay, _steps))));
    }
}
