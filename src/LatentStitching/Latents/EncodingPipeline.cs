using System.Diagnostics;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Numerics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LatentStitching.Latents;

/// <summary>Encodes images once: into a bank on disk, in batches, resumed where it was interrupted.</summary>
/// <remarks>
/// <para>While the model works on one batch, the next are read on another thread. Latents go to a file beside the path, named ".partial", each batch with its checksum; when all are there it gets its name.</para>
/// <para>Whatever interrupts a run (an error, a cancellation, a kill), the next run with the same arguments goes on from there and loses no whole batch. The finished file has the same bytes as that of a run that was
/// never interrupted, provided that the model encodes the same batch to the same latents.</para>
/// </remarks>
public static partial class EncodingPipeline
{
    /// <summary>Opens the bank of these images encoded by this model, and encodes it first if it is not there.</summary>
    /// <remarks>
    /// A bank that is there is reused where <see cref="LatentBankInfo.ModelFingerprint"/>, <see cref="LatentBankInfo.ImagesFingerprint"/> and dtype are the same; labels, batch size and the library's version do not matter then.
    /// An interrupted run is continued only where all of them are the same.
    /// </remarks>
    /// <param name="model">The model. Where its images are of another size than the source's, wrap it: <see cref="LatentModelExtensions.WithImage"/>.</param>
    /// <param name="images">The images; all of them are encoded, in their order.</param>
    /// <param name="path">The bank's file. Its folder must be there, and a file of this name and ".partial" is used while encoding.</param>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="progress">Told after each batch, on the caller's thread.</param>
    /// <param name="cancellationToken">Cancels between batches; what is encoded stays for the next run.</param>
    /// <returns>The bank. To be disposed by the caller.</returns>
    /// <exception cref="ArgumentException">The model takes images of another format, there are no images, or the path holds the bank, or the beginning of the bank, of another model or of other images.</exception>
    /// <exception cref="InvalidOperationException">The model gave latents of another shape, not finite, or too large for the dtype; or the source gave images of another shape.</exception>
    /// <exception cref="InvalidDataException">The file at the path is damaged or no bank; its latents are looked at where <see cref="EncodingOptions.VerifyReused"/> says so.</exception>
    /// <exception cref="IOException">A file cannot be written, or another process is encoding to this path.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder or a file in it may not be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public static LatentBank Encode(
        ILatentModel model,
        IImageSource images,
        string path,
        EncodingOptions? options = null,
        IProgress<EncodingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        Guard.NotBlank(path);
        if (model.Image != images.Image)
        {
            throw new ArgumentException(
                $"model must take the images it is given, but {model.Name} takes {model.Image} and {images.Name} gives {images.Image}. Wrap the model: model.WithImage(images.Image).", nameof(model));
        }
        if (Directory.Exists(path)) throw new ArgumentException($"path must name a file, but '{path}' is a folder.", nameof(path));
        cancellationToken.ThrowIfCancellationRequested();
        options ??= new EncodingOptions();
        ILogger logger = (ILogger?)options.LoggerFactory?.CreateLogger(typeof(EncodingPipeline)) ?? NullLogger.Instance;
        var info = LatentBankInfo.Of(model, images);
        info.Check(nameof(images));
        if (File.Exists(path) && Reused(path, info, options, cancellationToken) is { } bank)
        {
            LogReused(logger, path, bank.Count);
            return bank;
        }
        BankLayout layout = new(info, options.Dtype, options.BatchSize);
        string partialPath = $"{path}.partial";
        using (var partial = PartialBank.Open(partialPath, layout, options.Overwrite, cancellationToken))
        {
            LogBegun(logger, model.Name, images.Name, layout.Info.Ids.Count, layout.BlockCount - partial.Pending.Count, layout.BlockCount);
            if (partial.Pending.Count > 0) EncodePending(model, images, layout, partial, options.PrefetchedBatches, progress, cancellationToken);
            partial.Finish();
        }
        File.Move(partialPath, path, options.Overwrite);
        return LatentBank.Open(path);
    }

    private static LatentBank? Reused(string path, LatentBankInfo info, EncodingOptions options, CancellationToken cancellationToken)
    {
        var bank = LatentBank.Open(path);
        List<string> differing = [];
        if (bank.Info.ModelFingerprint != info.ModelFingerprint) differing.Add($"model ('{bank.Info.ModelName}' there, with another fingerprint)");
        if (bank.Info.ImagesFingerprint != info.ImagesFingerprint) differing.Add($"images ({bank.Count} of '{bank.Info.ImageSourceName}', {bank.Info.Image}, {bank.Info.Preparation} there)");
        if (bank.Dtype != options.Dtype) differing.Add($"dtype ({bank.Dtype} there)");
        if (differing.Count == 0) return options.VerifyReused ? Verified(bank, cancellationToken) : bank;
        bank.Dispose();
        if (options.Overwrite) return null;
        throw new ArgumentException(
            $"path must be free or hold the bank of {info.ModelName} and {info.ImageSourceName}, but '{path}' differs in its {string.Join(", ", differing)}. "
            + "Choose another path, or set EncodingOptions.Overwrite.",
            nameof(path));
    }

    private static LatentBank Verified(LatentBank bank, CancellationToken cancellationToken)
    {
        try
        {
            bank.Verify(cancellationToken);
            return bank;
        }
        catch
        {
            bank.Dispose();
            throw;
        }
    }

    private static void EncodePending(
        ILatentModel model,
        IImageSource images,
        BankLayout layout,
        PartialBank partial,
        int ahead,
        IProgress<EncodingProgress>? progress,
        CancellationToken cancellationToken)
    {
        (int Block, int Start, int Count)[] batches = [.. partial.Pending.Select(block => (block, block * layout.BlockRows, layout.RowsOf(block)))];
        int total = layout.Info.Ids.Count, resumed = total - batches.Sum(batch => batch.Count), done = resumed;
        var clock = Stopwatch.StartNew();
        using var grad = no_grad();
        using ImagePrefetcher prefetcher = new(images, batches, ahead, cancellationToken);
        foreach ((int block, Tensor batch) in prefetcher.Batches())
        {
            cancellationToken.ThrowIfCancellationRequested();
            using (NewDisposeScope()) partial.Write(block, Encoded(model, batch, layout, block));
            done += layout.RowsOf(block);
            double rate = (done - resumed) / clock.Elapsed.TotalSeconds;
            progress?.Report(new EncodingProgress { Done = done, Total = total, Resumed = resumed, ImagesPerSecond = rate, Remaining = TimeSpan.FromSeconds((total - done) / rate) });
        }
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static Tensor Encoded(ILatentModel model, Tensor batch, BankLayout layout, int block)
    {
        Tensor latents = model.Encode(batch);
        long[] wanted = [batch.size(0), layout.Info.Latent.Dimension];
        if (!latents.shape.AsSpan().SequenceEqual(wanted) || !latents.is_floating_point())
        {
            throw new InvalidOperationException(
                $"Encode of {model.Name} must return floating-point latents [{string.Join(", ", wanted)}], but it returned {latents.dtype} {TensorGuard.Shape(latents)}.");
        }
        Tensor kept = RowKeeping.Kept(latents, layout.Dtype);
        string IdOf(long row) => $"'{layout.Info.Ids[(int)((block * (long)layout.BlockRows) + row)]}'";
        return RowKeeping.Refusal(latents, kept, IdOf) is { } refusal ? throw new InvalidOperationException($"Latents of {model.Name} must {refusal}") : kept;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Reused '{Path}', {Count} rows.")]
    private static partial void LogReused(ILogger logger, string path, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "Encoding {Images} with {Model}: {Count} images, {Done} of {Blocks} batches there already.")]
    private static partial void LogBegun(ILogger logger, string model, string images, int count, int done, int blocks);
}
