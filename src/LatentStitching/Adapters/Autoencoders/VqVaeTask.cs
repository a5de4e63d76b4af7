using System.Globalization;
using LatentStitching.Training;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>One step of a VQ-VAE: gradients for the networks, moving averages for the codebook.</summary>
/// <remarks>van den Oord et al., "Neural Discrete Representation Learning" (arXiv:1711.00937), section 3.2 and appendix A.1; codes that fall out of use are put where the encoder is, as in Dhariwal et al., "Jukebox" (arXiv:2005.00341), section 3.1.</remarks>
internal sealed class VqVaeTask : TrainingTask, IDisposable
{
    // A code of less use has kept nothing of its sum; the quotient would be noise, or no number.
    private const double LeastUsage = 1e-10;
    private const string Codebook = "quantize.embedding.weight";
    private readonly VqVae _model;
    private readonly VqVaeTrainer _trainer;
    private readonly Tensor _usage; // [k], N of appendix A.1
    private readonly Tensor _sums;  // [k, e], m of appendix A.1

    public VqVaeTask(VqVae model, VqVaeTrainer trainer)
    {
        _model = model;
        _trainer = trainer;
        _usage = zeros([model.CodebookSize], ScalarType.Float32, model.Device).DetachFromDisposeScope();
        _sums = zeros(model.Network.Codebook.shape, ScalarType.Float32, model.Device).DetachFromDisposeScope();
        Groups = [new OptimiserGroup("vq-vae", [.. model.Network.Weights.Trainable.Where(weight => weight.Name != Codebook)])];
        Buffers = [(Codebook, model.Network.Codebook), ("usage", _usage), ("sums", _sums)];
    }

    public override Device Device => _model.Device;

    public override IReadOnlyList<OptimiserGroup> Groups { get; }

    public override IReadOnlyList<(string Name, Tensor Tensor)> Buffers { get; }

    public override string Settings => string.Create(CultureInfo.InvariantCulture, $"commitment {_trainer.Commitment}, codebook decay {_trainer.CodebookDecay}, dead codes {_trainer.DeadCodeThreshold}");

    public override double Step(TrainingStep step)
    {
        Tensor signed = VqVae.Signed(step.Batch), map = _model.Network.Encode(signed), vectors = VectorQuantiser.Vectors(map.detach());
        if (step.Number == 1) Begin(vectors, step.Generator);
        _model.Untrained = false;
        Tensor indices = VectorQuantiser.Nearest(vectors, _model.Network.Codebook);
        double loss = step.Minimise(0, Loss(signed, map, indices));
        Update(vectors, indices, step.Generator);
        return loss;
    }

    public override double Validate(Tensor batch, Generator generator)
    {
        Tensor signed = VqVae.Signed(batch), map = _model.Network.Encode(signed);
        return Loss(signed, map, VectorQuantiser.Nearest(VectorQuantiser.Vectors(map), _model.Network.Codebook)).ToDouble();
    }

    public override void WriteSnapshot(string folder) => _model.Save(folder);

    public void Dispose()
    {
        _usage.Dispose();
        _sums.Dispose();
    }

    private Tensor Loss(Tensor signed, Tensor map, Tensor indices)
    {
        Tensor snapped = VectorQuantiser.Map(indices, _model.Network.Codebook, map).detach();
        Tensor decoded = _model.Sized(_model.Network.Decode(snapped + (map - map.detach())));
        return (decoded - signed).abs().mean() + ((map - snapped).square().mean() * _trainer.Commitment);
    }

    // Every code begins as if used like every other; those of a new model begin among the encoder's first vectors.
    private void Begin(Tensor vectors, Generator generator)
    {
        using var grad = no_grad();
        Tensor codebook = _model.Network.Codebook;
        if (_model.Untrained) codebook.copy_(Draw(vectors, codebook.size(0), generator));
        double even = (double)vectors.size(0) / codebook.size(0);
        _usage.fill_(even);
        _sums.copy_(codebook.mul(even));
    }

    private void Update(Tensor vectors, Tensor indices, Generator generator)
    {
        using var grad = no_grad();
        Tensor codebook = _model.Network.Codebook;
        double fresh = 1 - _trainer.CodebookDecay, even = (double)vectors.size(0) / codebook.size(0);
        Tensor counts = indices.bincount(null, codebook.size(0)).to_type(ScalarType.Float32);
        _usage.mul_(_trainer.CodebookDecay).add_(counts, alpha: fresh);
        _sums.mul_(_trainer.CodebookDecay).add_(zeros_like(_sums).index_add_(0, indices, vectors, 1), alpha: fresh);
        Tensor dead = _usage.lt(_trainer.DeadCodeThreshold * even);
        // Drawn at every step, so that how many codes are dead does not change what later steps draw.
        Tensor alive = dead.logical_not(), drawn = Draw(vectors, codebook.size(0), generator), row = alive.unsqueeze(1);
        _usage.copy_(_usage.where(alive, full_like(_usage, even)));
        _sums.copy_(_sums.where(row, drawn.mul(even)));
        codebook.copy_(_sums.div(_usage.unsqueeze(1)).where(_usage.unsqueeze(1).gt(LeastUsage), codebook));
    }

    private static Tensor Draw(Tensor vectors, long count, Generator generator) =>
        vectors.index_select(0, randint(vectors.size(0), [count], ScalarType.Int64, vectors.device, generator: generator));
}
