using System.Diagnostics.CodeAnalysis;
using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Models;
using LatentStitching.Native;
using LatentStitching.Pairing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LatentStitching;

/// <summary>Joins the encoder of one generative model to the decoder of another through a map fitted between their latent spaces.</summary>
/// <remarks>Thread safety: the methods hold no state; each may run at once on several threads.</remarks>
[SuppressMessage("ApiDesign", "RS0026:Do not add multiple public overloads with optional parameters", Justification = "The two Fit overloads differ in their first arguments' types, so a call is never ambiguous.")]
public static partial class Stitcher
{
    // Of fewer rows even good pairs may look like chance.
    private const long LeastRowsToCheck = 20;

    /// <summary>Stitches two models.</summary>
    /// <param name="source">The model whose encoder is used. Not disposed.</param>
    /// <param name="target">The model whose decoder is used. Not disposed.</param>
    /// <param name="options">Where the pairs come from and how the map is fitted; by default pairs from a prior, and ridge with its strength chosen by leave-one-out.</param>
    /// <param name="cancellationToken">Cancels between steps; no tensor is left alive.</param>
    /// <returns>The stitched model and its report, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The models do not fit together, or no pairs can be made; the text says what to pass.</exception>
    /// <exception cref="FitFailedException">The fit gave no usable map.</exception>
    /// <exception cref="InvalidOperationException">A pairing or fitter of the caller's own returned null.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static StitchResult Fit(ILatentModel source, ILatentModel target, StitchOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        options ??= new StitchOptions();
        TorchNative.EnsureLoaded();
        ILogger logger = (ILogger?)options.LoggerFactory?.CreateLogger(typeof(Stitcher)) ?? NullLogger.Instance;
        IProgress<StitchProgress>? progress = options.Progress;

        ILatentPairing pairing = options.Pairing ?? new PriorPairing();
        using LatentPairs pairs = pairing.Pair(source, target, progress is null ? null : new Relay<PairingProgress>(step =>
            progress.Report(new StitchProgress { Stage = "pairing", Done = step.Done, Total = step.Total })), cancellationToken)
            ?? throw new InvalidOperationException($"{pairing.GetType().Name}.Pair must return pairs, but it returned null.");
        LogPaired(logger, source.Name, target.Name, pairs.Count, pairs.SourceDimension, pairs.TargetDimension);
        PairCheck? check = options.CheckPairs && pairs.Count >= LeastRowsToCheck ? pairs.CheckPairing(cancellationToken: cancellationToken) : null;
        if (check is { LooksPaired: false }) LogUnpaired(logger, check);

        ILatentMapFitter fitter = options.Fitter ?? new RidgePathFitter();
        LatentMapFit fit = fitter.Fit(pairs, progress is null ? null : new Relay<FitProgress>(step =>
            progress.Report(new StitchProgress { Stage = "fitting", Done = step.Iteration, Total = step.MaxIterations })), cancellationToken)
            ?? throw new InvalidOperationException($"{fitter.GetType().Name}.Fit must return a fit, but it returned null.");
        if (fit.Report.Status == FitStatus.Succeeded) LogFitted(logger, fit.Report);
        else LogFittedWith(logger, fit.Report);
        fit.EnsureSucceeded();
        try
        {
            return new StitchResult(new StitchedModel(source, fit.Map, target), fit.Report, check);
        }
        catch
        {
            // A fitter from outside may give a map of other widths.
            fit.Dispose();
            throw;
        }
    }

    /// <summary>Stitches two models by pairs of these images.</summary>
    /// <param name="source">The model whose encoder is used. Not disposed.</param>
    /// <param name="target">The model whose decoder is used. Not disposed.</param>
    /// <param name="images">The images that both models encode. Keep some aside to evaluate on.</param>
    /// <returns>The stitched model and its report, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The models and the images do not fit together.</exception>
    /// <exception cref="FitFailedException">The fit gave no usable map.</exception>
    public static StitchResult Fit(ILatentModel source, ILatentModel target, IImageSource images) =>
        Fit(source, target, new StitchOptions { Pairing = new InputPairing(images) }, CancellationToken.None);

    /// <summary>Fits a map between paired latents that are at hand as tensors.</summary>
    /// <param name="source">Latent batch [n, d_s], floating point, finite. Not disposed.</param>
    /// <param name="target">Latent batch [n, d_t], row i of the same image as row i of <paramref name="source"/>. Not disposed.</param>
    /// <param name="fitter">How; ridge with its strength chosen by leave-one-out if null.</param>
    /// <returns>The map and its report, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The batches are not pairs; the text names both shapes.</exception>
    /// <exception cref="FitFailedException">The fit gave no usable map.</exception>
    public static LatentMapFit Fit(Tensor source, Tensor target, ILatentMapFitter? fitter = null)
    {
        TorchNative.EnsureLoaded();
        using LatentPairs pairs = new(source, target);
        return (fitter ?? new RidgePathFitter()).Fit(pairs).EnsureSucceeded();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Paired {Source} and {Target}: {Count} rows, {SourceDimension} to {TargetDimension}.")]
    private static partial void LogPaired(ILogger logger, string source, string target, long count, long sourceDimension, long targetDimension);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Check}")]
    private static partial void LogUnpaired(ILogger logger, PairCheck check);

    [LoggerMessage(Level = LogLevel.Information, Message = "Fitted a map. {Report}")]
    private static partial void LogFitted(ILogger logger, FitReport report);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Fitted a map that needs a look. {Report}")]
    private static partial void LogFittedWith(ILogger logger, FitReport report);

    // Progress<T> posts to a synchronisation context and may report out of order; this calls straight through.
    private sealed class Relay<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
