using LatentStitching.Data;
using LatentStitching.Models;

namespace LatentStitching.Studies;

/// <summary>Images that a model draws from its prior: how one without an encoder takes part. Their true latents are known.</summary>
internal sealed class PriorImages : IImageSource, IDisposable
{
    private readonly ILatentModel _model;

    public PriorImages(ILatentModel model, int count, ulong seed)
    {
        _model = model;
        ILatentPrior prior = model.GetService<ILatentPrior>()!;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor latents = prior.Sample(count, seed);
        if (!latents.shape.AsSpan().SequenceEqual([count, model.Latent.Dimension]))
        {
            throw new InvalidOperationException($"The prior of {model.Name} must return [{count}, {model.Latent.Dimension}], but it returned {Numerics.TensorGuard.Shape(latents)}.");
        }
        Latents = latents.to(ScalarType.Float32, CPU).DetachFromDisposeScope();
        Ids = [.. Enumerable.Range(0, count).Select(i => $"{model.Name}-prior-{seed}-{i}")];
    }

    public Tensor Latents { get; }

    public string Name => $"prior of {_model.Name}";

    public ImageFormat Image => _model.Image;

    public IReadOnlyList<string> Ids { get; }

    public AttributeTable? Attributes => null;

    public Tensor Load(IReadOnlyList<int> indices)
    {
        ImageSourceGuard.Indices(indices, Ids.Count);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor rows = Latents.index_select(0, tensor(indices.Select(index => (long)index).ToArray()));
        return _model.Decode(rows).to(ScalarType.Float32, CPU).MoveToOuterDisposeScope();
    }

    public void Dispose() => Latents.Dispose();
}
