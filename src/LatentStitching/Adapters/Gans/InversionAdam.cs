namespace LatentStitching.Adapters.Gans;

/// <summary>Adam on latents, its step size going to zero along half a cosine: Kingma and Ba (arXiv:1412.6980), algorithm 1; Loshchilov and Hutter (arXiv:1608.03983), eq. 5 without restarts.</summary>
internal sealed class InversionAdam(LatentOptimisationOptions options, Tensor latents) : IInversionSteps
{
    private const double FirstDecay = 0.9;
    private const double SecondDecay = 0.999;
    private const double Epsilon = 1e-8;
    private readonly Tensor _first = zeros_like(latents);
    private readonly Tensor _second = zeros_like(latents);
    private int _steps;

    public bool Finished => false;

    public (Tensor Values, Tensor Gradient) Take(InversionObjective objective, Tensor images, Tensor latents, Tensor values, Tensor gradient)
    {
        double rate = options.LearningRate * 0.5 * (1 + Math.Cos(Math.PI * _steps / options.Steps));
        _steps++;
        _first.mul_(FirstDecay).add_(gradient, alpha: 1 - FirstDecay);
        _second.mul_(SecondDecay).addcmul_(gradient, gradient, value: 1 - SecondDecay);
        Tensor root = _second.div(1 - Math.Pow(SecondDecay, _steps)).sqrt().add(Epsilon);
        latents.addcdiv_(_first, root, value: -rate / (1 - Math.Pow(FirstDecay, _steps)));
        return objective.Evaluate(latents, images);
    }
}
