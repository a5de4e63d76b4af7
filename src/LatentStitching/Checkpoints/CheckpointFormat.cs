namespace LatentStitching.Checkpoints;

/// <summary>Opens a checkpoint file by what its first bytes say.</summary>
internal static class CheckpointFormat
{
    public static StateDictionary Load(string path, string? container)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        Span<byte> head = stackalloc byte[9];
        int read = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        head = head[..read];
        stream.Position = 0;

        // First, since the length before it may begin with any bytes.
        if (head is [_, _, _, _, _, _, _, _, (byte)'{'])
        {
            CheckFlat("A safetensors file");
            return SafeTensors.Load(stream);
        }
        if (head is [(byte)'P', (byte)'K', 3, 4, ..])
        {
            using ZipParts parts = new(stream);
            if (parts.HoldsPickle || !parts.HoldsArrays) return Load(new TorchZipFile(parts), container, stream);
            CheckFlat("An archive of NumPy");
            return NumPyArchive.Load(parts);
        }
        if (head.StartsWith(NumPyHeader.Magic))
        {
            CheckFlat("A file of NumPy");
            return NumPyArchive.LoadBare(stream);
        }
        if (head is [(byte)PickleOpcode.Protocol, ..]) return Load(new TorchLegacyFile(stream), container, stream);
        throw new InvalidDataException(
            $"'{path}' must be a safetensors file, a PyTorch zip archive, a PyTorch legacy file, or NumPy's .npy or .npz, but its {stream.Length} bytes begin with "
            + $"{(head.Length == 0 ? "nothing" : Convert.ToHexStringLower(head))}.");

        void CheckFlat(string kind)
        {
            if (string.IsNullOrEmpty(container)) return;
            throw new ArgumentException(
                $"container must be left out for '{path}', but it is '{container}'. {kind} is flat: see StateDictionary.Under.", nameof(container));
        }
    }

    private static StateDictionary Load(ITorchFile file, string? container, FileStream stream)
    {
        var (tensors, metadata) = CheckpointTree.Select(file.Root, container, stream.Name, stream.Length);
        return TorchTensorReader.Read(file, tensors, metadata, stream.Name, stream.Length);
    }
}
