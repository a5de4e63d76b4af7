namespace LatentStitching.Checkpoints;

/// <summary>Makes the storages and tensors that a pickle describes, and checks that each tensor stays within its storage.</summary>
/// <remarks>
/// <para>A tensor is (storage, offset, shape, strides, …), offset and strides counted in elements: torch/_utils.py, _rebuild_tensor_v2.</para>
/// <para>What does not fit throws FormatException with the sentence's end; the caller adds file and place.</para>
/// </remarks>
internal sealed class TorchObjects
{
    private readonly Dictionary<string, TorchStorage> _storages = new(StringComparer.Ordinal);

    /// <summary>The storages named so far, by key.</summary>
    public IReadOnlyDictionary<string, TorchStorage> Storages => _storages;

    /// <summary>
    /// The storage of a persistent id: ('storage', type, key, device, count), in the legacy format with (view key, start, count) or None at the end.
    /// </summary>
    public TorchStorageSlice Storage(object? id)
    {
        if (id is not PickleSequence
            {
                Items: ["storage", TorchGlobal { Kind: TorchGlobalKind.Storage, Type: { } type }, string key, string, long count, .. var rest],
            }
            || rest.Count > 1)
        {
            throw new FormatException("must refer to storages alone, but a persistent id is none");
        }
        if (type.BytesOf([count]) is null)
        {
            throw new FormatException($"must give storages a size, but storage '{PickleText.Safe(key)}' is said to have {count} elements");
        }
        TorchStorage storage = new(key, type, count);
        if (!_storages.TryAdd(key, storage))
        {
            TorchStorage known = _storages[key];
            if (known != storage)
            {
                throw new FormatException(
                    $"must describe each storage alike, but '{PickleText.Safe(key)}' is {known.Count} × {known.Type.StorageName} and {count} × {type.StorageName}");
            }
            storage = known;
        }
        if (rest is [] or [null]) return new TorchStorageSlice(storage, 0, count);
        if (rest is not [PickleSequence { Items: [string, long start, long length] }] || start < 0 || length < 0 || start > count - length)
        {
            throw new FormatException($"must keep views within their storage, but one leaves storage '{PickleText.Safe(key)}'");
        }
        return new TorchStorageSlice(storage, start, length);
    }

    /// <summary>The result of a function on the list.</summary>
    public static object? Make(TorchGlobal global, List<object?> arguments) => global.Kind switch
    {
        TorchGlobalKind.Tensor => Tensor(arguments),
        TorchGlobalKind.Parameter when arguments is [TorchTensor tensor, ..] => tensor,
        TorchGlobalKind.Size when arguments is [PickleSequence { IsTuple: true } shape] => shape,
        // A text of the letters 0 to 255: kept as it is, since nothing here uses it, and a copy could be asked for again and again.
        TorchGlobalKind.Bytes when arguments is [string text, string] => text,
        _ => throw new FormatException($"must make a {global.Kind} of fitting arguments, but it has {arguments.Count}: {Kinds(arguments)}"),
    };

    private static TorchTensor Tensor(List<object?> arguments)
    {
        if (arguments is not [TorchStorageSlice slice, long offset, PickleSequence sizes, PickleSequence steps, ..])
        {
            throw new FormatException($"must make tensors of storage, offset, shape and strides, but it has {Kinds(arguments)}");
        }
        // Before anything is copied: one long shape could be asked for again and again.
        if (sizes.Items.Count > 64 || steps.Items.Count != sizes.Items.Count)
        {
            throw new FormatException($"must give tensors at most 64 dimensions and as many strides, but one has {sizes.Items.Count} and {steps.Items.Count}");
        }
        if (!sizes.Items.TrueForAll(size => size is long) || !steps.Items.TrueForAll(step => step is >= 0L))
        {
            throw new FormatException("must give shapes and strides as whole numbers, strides not negative, but a tensor has others");
        }
        long[] shape = [.. sizes.Items.Cast<long>()], strides = [.. steps.Items.Cast<long>()];
        if (slice.Storage.Type.BytesOf(shape) is not { } bytes)
        {
            throw new FormatException($"must give shapes of no negative dimension and less than 2^63 bytes, but one is [{string.Join(", ", shape)}]");
        }
        Int128 last = offset;
        if (bytes > 0)
        {
            for (int i = 0; i < shape.Length; i++) last += (Int128)(shape[i] - 1) * strides[i];
        }
        if (offset < 0 || (bytes > 0 && last >= slice.Count))
        {
            throw new FormatException(
                $"must keep tensors within their storage, but one of shape [{string.Join(", ", shape)}] and strides [{string.Join(", ", strides)}] "
                + $"at offset {offset} leaves the {slice.Count} elements of storage '{PickleText.Safe(slice.Storage.Key)}'");
        }
        return bytes > 0
            ? new TorchTensor(slice.Storage, slice.Start + offset, shape, strides)
            : new TorchTensor(slice.Storage, 0, shape, new long[shape.Length]);
    }

    private static string Kinds(List<object?> arguments) => arguments.Count == 0 ? "none" : string.Join(", ", arguments.Take(8).Select(PickleText.KindOf));
}
