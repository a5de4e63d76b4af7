using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Pairing;

namespace LatentStitching;

/// <summary>A stitched model and how its map was fitted. Disposing it disposes the map, not the two models.</summary>
public sealed class StitchResult : IDisposable
{
    internal StitchResult(StitchedModel model, FitReport report, PairCheck? pairCheck)
    {
        Model = model;
        Report = report;
        PairCheck = pairCheck;
    }

    /// <summary>The stitched model. It is disposed with the result.</summary>
    public StitchedModel Model { get; }

    /// <summary>The map in the stitched model.</summary>
    public ILatentMap Map => Model.Map;

    /// <summary>How the map was fitted.</summary>
    public FitReport Report { get; }

    /// <summary>Whether the rows that the map was fitted to look paired; null where they were not checked: see <see cref="StitchOptions.CheckPairs"/>.</summary>
    public PairCheck? PairCheck { get; }

    /// <summary>Measures the stitched model on images that the map has not seen, beside its ceiling and its floors.</summary>
    /// <param name="images">Test images. Those that the map was fitted on would flatter it.</param>
    /// <param name="seed">Seed of the intervals.</param>
    /// <param name="cancellationToken">Cancels between batches.</param>
    /// <returns>The errors.</returns>
    /// <exception cref="ArgumentException">There are fewer than two images, they have another format than the models, or the target encodes all of them alike.</exception>
    public StitchErrors Evaluate(IImageSource images, ulong seed = 0, CancellationToken cancellationToken = default) =>
        StitchErrors.Measure(Model, images, seed, cancellationToken);

    /// <summary>Disposes the stitched model and its map.</summary>
    public void Dispose() => Model.Dispose();

    /// <summary>Says the models and the fit.</summary>
    /// <returns>One line.</returns>
    public override string ToString() => $"{Model.Name}. {Report}";
}
