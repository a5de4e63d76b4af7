using System.Globalization;
using LatentStitching.Training;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>One step of a variational autoencoder: one sample of the posterior an image, and the network's published objective.</summary>
internal sealed class VaeTask : TrainingTask, IDisposable
{
    private readonly VariationalAutoencoder _model;
    private readonly double _beta;
    private readonly RunningMinimum _scale = new();

    public VaeTask(VariationalAutoencoder model, double beta)
    {
        _model = model;
        _beta = beta;
        Groups = [new OptimiserGroup("vae", model.Network.Weights.Trainable)];
        Buffers = [.. model.Network.Weights.Buffers, ("scale", _scale.State)];
    }

    public override Device Device => _model.Device;

    public override IReadOnlyList<OptimiserGroup> Groups { get; }

    public override IReadOnlyList<(string Name, Tensor Tensor)> Buffers { get; }

    public override string Settings => string.Create(CultureInfo.InvariantCulture, $"beta {_beta}");

    public override int LeastBatch => _model.Network.LeastBatch;

    public override double Step(TrainingStep step) => step.Minimise(0, Loss(step.Batch, step.Generator, new TrainingPass(step.Generator, step.Number), _scale.Update));

    // With the scale's own term, so that passes can be compared although the scale falls from one to the next.
    public override double Validate(Tensor batch, Generator generator)
    {
        double scale = 1;
        return Loss(batch, generator, training: null, error => scale = _scale.Read(error)).ToDouble() + _model.Network.Normaliser(scale);
    }

    public override void WriteSnapshot(string folder) => _model.Save(folder);

    public void Dispose() => _scale.Dispose();

    private Tensor Loss(Tensor batch, Generator noise, TrainingPass? training, Func<Tensor, double> scale)
    {
        VaeNetwork network = _model.Network;
        (Tensor mean, Tensor logVariance) = network.Posterior(network.Features(batch, training));
        Tensor latents = mean + ((logVariance * 0.5).exp() * randn(mean.shape, mean.dtype, mean.device, generator: noise));
        return network.Loss(batch, network.Decode(latents, training), mean, logVariance, _beta, scale);
    }
}
