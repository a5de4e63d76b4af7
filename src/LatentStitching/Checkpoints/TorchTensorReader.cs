namespace LatentStitching.Checkpoints;

/// <summary>Reads described tensors: storage by storage, so that each is in memory once.</summary>
internal static class TorchTensorReader
{
    // Views of one storage become copies. Real files hold little of that; a small hostile one could ask for any amount.
    private const long MaxGrowth = 16;
    private const long AlwaysAllowed = 64L << 20;

    /// <summary>Fresh contiguous CPU tensors, in the order given, adopted by the result.</summary>
    public static StateDictionary Read(
        ITorchFile file, IReadOnlyList<(string Name, TorchTensor Tensor)> tensors, IReadOnlyDictionary<string, string> metadata, string path, long fileLength)
    {
        var byStorage = tensors.Select((pair, i) => (pair.Tensor, Index: i)).GroupBy(pair => pair.Tensor.Storage, ReferenceEqualityComparer.Instance).ToList();
        CheckGrowth(tensors, path, fileLength);

        using var scope = NewDisposeScope();
        Tensor[] results = new Tensor[tensors.Count];
        foreach (var group in byStorage)
        {
            var members = group.ToList();
            TorchStorage storage = members[0].Tensor.Storage;
            using Tensor elements = empty([storage.Count], storage.Type.Dtype, CPU);
            file.ReadStorage(storage, elements);
            if (!TensorBytes.AreBooleans(elements))
            {
                throw new InvalidDataException(
                    $"'{path}' must hold Booleans as bytes 0 and 1, but storage '{PickleText.Safe(storage.Key)}' holds others. "
                    + "The file is damaged.");
            }
            if (members is [(var only, int index)] && only.IsWholeStorage)
            {
                results[index] = elements.view(only.Shape);
                continue;
            }
            foreach ((TorchTensor tensor, int i) in members)
            {
                results[i] = empty(tensor.Shape, storage.Type.Dtype, CPU);
                using Tensor view = elements.as_strided(tensor.Shape, tensor.Strides, tensor.Offset);
                results[i].copy_(view);
            }
        }
        return StateDictionary.Adopt(tensors.Select((pair, i) => (pair.Name, results[i])), metadata);
    }

    private static void CheckGrowth(IReadOnlyList<(string Name, TorchTensor Tensor)> tensors, string path, long fileLength)
    {
        Int128 bytes = 0;
        HashSet<TorchStorage> storages = [];
        foreach ((_, TorchTensor tensor) in tensors)
        {
            bytes += tensor.Bytes;
            if (storages.Add(tensor.Storage)) bytes += tensor.Storage.Bytes;
        }
        Int128 limit = Int128.Max((Int128)fileLength * MaxGrowth, AlwaysAllowed);
        if (bytes > limit)
        {
            throw new InvalidDataException(
                $"'{path}' must not grow beyond {limit} bytes, {MaxGrowth} times its length, but its tensors would take {bytes}. "
                + "They are views of shared memory: save them one by one, without expand.");
        }
    }
}
