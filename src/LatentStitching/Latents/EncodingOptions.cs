using LatentStitching.Numerics;
using Microsoft.Extensions.Logging;

namespace LatentStitching.Latents;

/// <summary>Options of <see cref="EncodingPipeline"/>.</summary>
public sealed record EncodingOptions
{
    internal const int DefaultBatchSize = 256;

    /// <summary>Images that are read, encoded and written at once. What is interrupted loses the batch it was at.</summary>
    /// <value>At least 1; default 256. Also the rows that have one checksum together, so banks of other batch sizes differ in their bytes.</value>
    public int BatchSize
    {
        get;
        init => field = Guard.Positive(value, nameof(BatchSize));
    } = DefaultBatchSize;

    /// <summary>Batches of images that may wait for the model, read on another thread meanwhile.</summary>
    /// <value>Zero or more; default 2. Each takes 4 × BatchSize × c × h × w bytes, and one more is being encoded. With 0 nothing is read ahead: reading and encoding take turns on the caller's thread.</value>
    public int PrefetchedBatches
    {
        get;
        init => field = (int)Guard.NotNegative((long)value, nameof(PrefetchedBatches));
    } = 2;

    /// <summary>The dtype in the file.</summary>
    /// <value>Float32 by default; float16 takes half the room and keeps 11 bits of each number up to 65504.</value>
    public ScalarType Dtype
    {
        get;
        init => field = CheckDtype(value, nameof(Dtype));
    } = ScalarType.Float32;

    /// <summary>Whether the bank of another model or of other images may be replaced, and the beginning of another bank thrown away.</summary>
    /// <value>False by default: refused. A bank of the same model and images is reused either way, and a file that is no bank is never replaced.</value>
    public bool Overwrite { get; init; }

    /// <summary>Whether the latents of a bank that is reused are read and compared with their checksums first, as <see cref="LatentBank.Verify"/> does.</summary>
    /// <value>False by default: ids, labels and facts are always checked, the latents not. Damaged ones are refused, whatever <see cref="Overwrite"/> says.</value>
    public bool VerifyReused { get; init; }

    /// <summary>Where the log goes.</summary>
    /// <value>Null by default: nowhere.</value>
    public ILoggerFactory? LoggerFactory { get; init; }

    internal static ScalarType CheckDtype(ScalarType value, string name) => value is ScalarType.Float32 or ScalarType.Float16
        ? value
        : throw new ArgumentOutOfRangeException(name, $"{name} must be Float32 or Float16, but it is {value}.");
}
