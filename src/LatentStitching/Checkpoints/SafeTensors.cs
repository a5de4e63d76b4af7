using System.Collections.ObjectModel;
using LatentStitching.Numerics;

namespace LatentStitching.Checkpoints;

/// <summary>Reads and writes safetensors files: named tensors and texts, in a format that can hold no code.</summary>
/// <remarks>
/// <para>Element types: F16, BF16, F32, F64, I8, I16, I32, I64, U8 and BOOL are read and written; C64, U16, U32 and U64 are read, the unsigned ones as the signed ones of twice the bytes, U64 as int64 where all
/// its numbers are below 2^63. Others, such as F8_E4M3, are refused.</para>
/// <para>Numbers lie in the file as little endian, as on every machine that TorchSharp runs on. What was written comes back bit by bit.</para>
/// <para>Thread safety: static and stateless. Two writers of one path do not mix their bytes; the later one stays.</para>
/// <para>Source: <see href="https://huggingface.co/docs/safetensors">the safetensors format</see>.</para>
/// </remarks>
public static class SafeTensors
{
    /// <summary>Reads a file.</summary>
    /// <remarks>The whole header is checked against the file's length before memory is taken. The data goes straight into the tensors.</remarks>
    /// <param name="path">The file.</param>
    /// <returns>Its tensors, on the CPU, in the order of its header, with its metadata. Owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, cut short, or of another format; the text says where.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder, or may not be read.</exception>
    public static StateDictionary Load(string path)
    {
        Guard.NotBlank(path);
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        return Load(stream);
    }

    /// <summary>Writes a file, replacing one that is there.</summary>
    /// <remarks>
    /// <para>The names stay in the order given. The data begins at a multiple of 64 bytes and lies by falling element size, so each tensor is aligned
    /// to its own elements.</para>
    /// <para>Written beside the path, flushed to the disk and then renamed: whatever happens, the path never shows half a file.</para>
    /// <para>Views, non-contiguous tensors and tensors of other devices are written as they read; one tensor at a time is copied for that.</para>
    /// </remarks>
    /// <param name="path">The file. Its folder must be there.</param>
    /// <param name="tensors">Names, all different, and dense tensors of any shape. Not changed, not disposed.</param>
    /// <param name="metadata">Texts to keep with them; none if null.</param>
    /// <exception cref="ArgumentException">The path is blank, a name comes twice or is "__metadata__", a tensor is of a type the format lacks,
    /// sparse, or without values, or a text of the metadata is null.</exception>
    /// <exception cref="ObjectDisposedException">A tensor has been disposed.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder, or may not be written.</exception>
    public static void Save(string path, IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        Guard.NotBlank(path);
        NamedTensors.CheckWritable(tensors);
        foreach ((string key, string text) in metadata ?? ReadOnlyDictionary<string, string>.Empty)
        {
            if (text is null) throw new ArgumentException($"metadata must hold texts, but that of '{key}' is null. Leave it out.", nameof(metadata));
        }
        SafeTensorsHeader header = SafeTensorsHeader.Of(tensors, metadata ?? ReadOnlyDictionary<string, string>.Empty);
        byte[] head = header.ToBytes();
        if (head.Length - 8 > SafeTensorsHeader.MaxLength)
        {
            throw new ArgumentException(
                $"tensors must have a header of at most {SafeTensorsHeader.MaxLength} bytes, but it takes {head.Length - 8}. "
                + "Shorten names and metadata, or use several files.",
                nameof(tensors));
        }
        AtomicFile.Write(path, stream =>
        {
            stream.Write(head);
            foreach (int i in Enumerable.Range(0, tensors.Count).OrderBy(i => header.Entries[i].Begin))
            {
                using var scope = NewDisposeScope();
                // The imaginary part of a conjugate is only marked as negated until it is resolved.
                TensorBytes.Write(stream, tensors[i].Tensor.detach().resolve_neg().cpu().contiguous());
            }
        });
    }

    internal static StateDictionary Load(FileStream stream)
    {
        SafeTensorsHeader header = SafeTensorsHeaderReader.Read(stream);
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = new(StringComparer.Ordinal);
        foreach (SafeTensorsEntry entry in header.Entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            Tensor tensor = empty(entry.Shape, entry.Type.Dtype, CPU);
            bool fits = true;
            try
            {
                if (!entry.Type.IsWidened) TensorBytes.Read(stream, tensor);
                else TensorBytes.InBlocks(tensor, block => fits &= UnsignedNumbers.Widen(entry.Type.Size, block, numbers => stream.ReadExactly(numbers)));
            }
            catch (EndOfStreamException e)
            {
                throw new InvalidDataException(
                    $"'{stream.Name}' must hold the data of all tensors, but it ended within '{PickleText.Safe(entry.Name)}'. "
                    + "It was cut while being read.", e);
            }
            if (!fits) throw new InvalidDataException($"'{stream.Name}' must hold numbers below 2^63, which TorchSharp's whole numbers end at, but '{PickleText.Safe(entry.Name)}' is of type U64 and holds larger ones.");
            if (!TensorBytes.AreBooleans(tensor))
            {
                throw new InvalidDataException($"'{stream.Name}' must hold Booleans as bytes 0 and 1, but '{PickleText.Safe(entry.Name)}' holds others. The file is damaged.");
            }
            tensors.Add(entry.Name, tensor);
        }
        return StateDictionary.Adopt(header.Entries.Select(entry => (entry.Name, tensors[entry.Name])), header.Metadata);
    }
}
