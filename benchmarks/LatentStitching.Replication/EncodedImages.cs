using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Pairing;

namespace LatentStitching.Replication;

/// <summary>The images encoded once by each model: with all pairs stitched, each latent is used many times.</summary>
internal sealed class EncodedImages : ILatentPairing, IDisposable
{
    private readonly Dictionary<ILatentModel, Tensor> _latents = [];
    private readonly IReadOnlyList<string> _ids;

    public EncodedImages(IImageSource images, IReadOnlyList<ILatentModel> models, Action<double, string> progress, CancellationToken cancellationToken)
    {
        const int Block = 512;
        _ids = images.Ids;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Dictionary<ILatentModel, List<Tensor>> blocks = models.ToDictionary(model => model, _ => new List<Tensor>());
        for (int start = 0; start < _ids.Count; start += Block)
        {
            using Tensor batch = images.Load(start, Math.Min(Block, _ids.Count - start));
            foreach (ILatentModel model in models)
            {
                cancellationToken.ThrowIfCancellationRequested();
                blocks[model].Add(model.Encode(batch));
            }
            progress((double)start / _ids.Count, $"{start} of {_ids.Count}");
        }
        foreach (ILatentModel model in models) _latents[model] = cat(blocks[model], 0).DetachFromDisposeScope();
    }

    public LatentPairs Pair(ILatentModel source, ILatentModel target, IProgress<PairingProgress>? progress = null, CancellationToken cancellationToken = default) =>
        new(_latents[source], _latents[target], _ids);

    public void Dispose()
    {
        foreach (Tensor latents in _latents.Values) latents.Dispose();
    }
}
