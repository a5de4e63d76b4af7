namespace LatentStitching.Checkpoints;

/// <summary>Moves bytes between a stream and the memory of a contiguous CPU tensor, without a copy between.</summary>
internal static class TensorBytes
{
    // A span ends at 2 GB, a tensor does not.
    private const long BlockBytes = 1L << 30;

    /// <summary>Fills a tensor from a stream.</summary>
    /// <exception cref="EndOfStreamException">The stream ended first.</exception>
    public static void Read(Stream stream, Tensor destination, long blockBytes = BlockBytes) =>
        InBlocks(destination, block => stream.ReadExactly(block), blockBytes);

    /// <summary>Writes a tensor's elements to a stream.</summary>
    public static void Write(Stream stream, Tensor source, long blockBytes = BlockBytes) =>
        InBlocks(source, block => stream.Write(block), blockBytes);

    /// <summary>True unless a Boolean tensor holds a byte other than 0 and 1, which libtorch computes wrong results with.</summary>
    public static bool AreBooleans(Tensor tensor)
    {
        if (tensor.dtype != ScalarType.Bool) return true;
        bool valid = true;
        InBlocks(tensor, block => valid &= !block.ContainsAnyExceptInRange((byte)0, (byte)1));
        return valid;
    }

    /// <summary>Hands over a tensor's elements block by block, to be read or written in place.</summary>
    public static void InBlocks(Tensor tensor, SpanAction use, long blockBytes = BlockBytes)
    {
        long count = tensor.numel();
        if (count == 0) return;
        long blockElements = Math.Max(1, blockBytes / tensor.element_size());
        using Tensor flat = tensor.view(-1);
        for (long start = 0; start < count; start += blockElements)
        {
            using Tensor block = flat.narrow(0, start, Math.Min(blockElements, count - start));
            use(block.bytes);
        }
    }

    /// <summary>What is done with a block.</summary>
    public delegate void SpanAction(Span<byte> block);
}
