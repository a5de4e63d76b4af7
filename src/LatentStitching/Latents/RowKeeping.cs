using System.Globalization;
using System.Security.Cryptography;
using LatentStitching.Numerics;

namespace LatentStitching.Latents;

/// <summary>Latents on their way into a file: converted, checked, written and hashed.</summary>
internal static class RowKeeping
{
    private const long ChunkBytes = 1L << 24;

    /// <summary>The rows as they are kept: on the CPU, contiguous, of the bank's dtype. In the open dispose scope.</summary>
    public static Tensor Kept(Tensor latents, ScalarType dtype) => latents.detach().cpu().to_type(dtype).contiguous();

    /// <summary>Why the kept rows are no latents, as the end of "… must …", or null.</summary>
    /// <param name="latents">The rows before they were converted.</param>
    /// <param name="kept">The same rows as they are kept.</param>
    /// <param name="row">Names a row.</param>
    public static string? Refusal(Tensor latents, Tensor kept, Func<long, string> row)
    {
        if (TensorGuard.IsFinite(kept)) return null;
        using var scope = NewDisposeScope();
        Tensor bad = latents.isfinite().logical_not().flatten(1).any(1);
        if (bad.any().ToBoolean()) return $"be finite, but NaN or infinite numbers came for {row(First(bad))}.";
        long first = First(kept.isfinite().logical_not().any(1));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"fit {kept.dtype}, but {latents[first].abs().max().ToDouble():g4} came for {row(first)}. Keep them in a wider dtype, or scale them.");
    }

    /// <summary>Writes kept rows at the stream's place.</summary>
    /// <returns>Their SHA-256.</returns>
    public static byte[] Write(Stream stream, Tensor kept)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // A span ends at 2 GB, a block need not.
        long rows = Math.Max(1, ChunkBytes / (kept.size(1) * kept.element_size()));
        foreach ((long start, long size) in CentredMatrix.Blocks(kept.size(0), rows))
        {
            using Tensor chunk = kept.narrow(0, start, size);
            stream.Write(chunk.bytes);
            hash.AppendData(chunk.bytes);
        }
        return hash.GetHashAndReset();
    }

    /// <summary>SHA-256 of the next bytes of a stream; of fewer where it ends.</summary>
    public static byte[] Hash(Stream stream, long length, byte[] buffer)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        while (length > 0)
        {
            int read = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, length));
            if (read == 0) break;
            hash.AppendData(buffer, 0, read);
            length -= read;
        }
        return hash.GetHashAndReset();
    }

    private static long First(Tensor rows) => rows.to_type(ScalarType.Int32).argmax().ToInt64();
}
