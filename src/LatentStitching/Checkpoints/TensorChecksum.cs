using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LatentStitching.Checkpoints;

/// <summary>SHA-256 of texts (as UTF-8) and tensors (their bytes, little-endian and C order), in the order in which they are added.</summary>
internal sealed class TensorChecksum : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public static string Of(string text, params ReadOnlySpan<Tensor> tensors)
    {
        using TensorChecksum checksum = new();
        checksum.Add(text);
        foreach (Tensor tensor in tensors) checksum.Add(tensor);
        return checksum.Finish();
    }

    public void Add(string text) => _hash.AppendData(Encoding.UTF8.GetBytes(text));

    public void Add(Tensor tensor)
    {
        if (tensor.dim() == 0)
        {
            _hash.AppendData(tensor.bytes);
            return;
        }
        // A tensor's bytes come as one span of at most 2 GB, so row by row.
        for (long row = 0; row < tensor.size(0); row++)
        {
            using Tensor one = tensor[row];
            using Tensor flat = one.flatten();
            _hash.AppendData(flat.bytes);
        }
    }

    /// <summary>The checksum of what was added, 64 lower-case hexadecimal digits.</summary>
    public string Finish() => Convert.ToHexString(_hash.GetHashAndReset()).ToLower(CultureInfo.InvariantCulture);

    public void Dispose() => _hash.Dispose();
}
