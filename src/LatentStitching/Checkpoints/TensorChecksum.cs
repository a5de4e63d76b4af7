using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LatentStitching.Checkpoints;

/// <summary>SHA-256 of a file's facts and tensors: first the text as UTF-8, then each tensor's bytes, little-endian and C order.</summary>
internal static class TensorChecksum
{
    public static string Of(string text, params ReadOnlySpan<Tensor> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(text));
        foreach (Tensor tensor in tensors)
        {
            // A tensor's bytes come as one span of at most 2 GB, so row by row.
            for (long row = 0; row < tensor.size(0); row++)
            {
                using Tensor one = tensor[row];
                using Tensor flat = one.flatten();
                hash.AppendData(flat.bytes);
            }
        }
        return Convert.ToHexString(hash.GetHashAndReset()).ToLower(CultureInfo.InvariantCulture);
    }
}
