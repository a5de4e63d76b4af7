using LatentStitching.Numerics;

namespace LatentStitching.Checkpoints;

/// <summary>Reads and writes NumPy's files: one array (.npy), or several by name (.npz). Nothing in them is run.</summary>
/// <remarks>
/// <para>Read: versions 1.0 to 3.0, rows or columns first, either byte order, of Booleans, whole numbers, float16 to float64 and complex numbers, bit by bit. uint16 becomes int32, uint32 and uint64 become int64, since
/// TorchSharp has no such types; a uint64 above 2⁶³ − 1 is refused. Arrays of objects, which are pickles, and of records, texts and dates are refused by name.</para>
/// <para>Written: version 1.0, rows first, little endian. The path never shows half a file.</para>
/// <para>Thread safety: static and stateless.</para>
/// <para>Source: <see href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">the .npy format</see>.</para>
/// </remarks>
public static class NumPy
{
    /// <summary>Reads a .npy file.</summary>
    /// <remarks>The sizes are checked against the file before memory is taken. An array with columns first is held twice for a moment, to turn it.</remarks>
    /// <param name="path">The file.</param>
    /// <returns>The array, contiguous, on the CPU; of no dimension if it is a single number. Owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, cut short, of another format, or holds what is no numbers; the text says what.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder, or may not be read.</exception>
    public static Tensor Load(string path)
    {
        Guard.NotBlank(path);
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        return NumPyArchive.ReadBare(stream);
    }

    /// <summary>Reads a .npz file, as numpy.savez and numpy.savez_compressed write it.</summary>
    /// <remarks>What the arrays unfold to is limited to 64 times the file's length, or 64 MiB if that is more.</remarks>
    /// <param name="path">The file.</param>
    /// <returns>Its arrays by name, without ".npy". Owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, cut short, of another format, unfolds to more than is allowed, or holds what is no numbers; the text says what.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder, or may not be read.</exception>
    public static StateDictionary LoadArchive(string path)
    {
        Guard.NotBlank(path);
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        using ZipParts parts = new(stream);
        return parts.HoldsArrays
            ? NumPyArchive.Load(parts)
            : throw new InvalidDataException($"'{path}' must hold files named .npy alone, as numpy.savez writes them, but its {parts.ByName.Count} parts are others. It is another kind of zip file.");
    }

    /// <summary>Writes a .npy file, replacing one that is there.</summary>
    /// <param name="path">The file. Its folder must be there.</param>
    /// <param name="tensor">A dense tensor of any shape and device; a view is written as it reads. Not changed, not disposed.</param>
    /// <exception cref="ArgumentException">The path is blank, or the tensor is of a type that NumPy lacks (bfloat16), sparse, or without values.</exception>
    /// <exception cref="ObjectDisposedException">The tensor has been disposed.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder, or may not be written.</exception>
    public static void Save(string path, Tensor tensor)
    {
        Guard.NotBlank(path);
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.IsInvalid) throw new ObjectDisposedException(nameof(tensor), "tensor must be live, but it has been disposed.");
        CheckWritable(tensor, "it", nameof(tensor));
        AtomicFile.Write(path, stream => NumPyArchive.Write(stream, tensor));
    }

    /// <summary>Writes a .npz file, replacing one that is there.</summary>
    /// <param name="path">The file. Its folder must be there.</param>
    /// <param name="tensors">Names, all different, and dense tensors of any shape. Not changed, not disposed.</param>
    /// <param name="compress">Whether to deflate, as numpy.savez_compressed does. Slow, and of little use for weights and latents.</param>
    /// <exception cref="ArgumentException">The path is blank, there are no tensors, a name is empty or comes twice, or a tensor cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">A tensor has been disposed.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder, or may not be written.</exception>
    public static void SaveArchive(string path, IReadOnlyList<(string Name, Tensor Tensor)> tensors, bool compress = false)
    {
        Guard.NotBlank(path);
        NamedTensors.Check(tensors);
        Guard.NotEmpty(tensors, "Pass at least one array.");
        foreach ((string name, Tensor tensor) in tensors)
        {
            if (name.Length == 0) throw new ArgumentException("tensors must have names, but one is empty.", nameof(tensors));
            CheckWritable(tensor, $"'{name}'", nameof(tensors));
        }
        AtomicFile.Write(path, stream => NumPyArchive.Save(stream, tensors, compress));
    }

    private static void CheckWritable(Tensor tensor, string which, string parameter)
    {
        if (tensor.is_sparse || tensor.device_type == DeviceType.META)
        {
            throw new ArgumentException(
                $"{parameter} must be dense and hold values, but {which} is {(tensor.is_sparse ? "sparse" : "on the meta device")} {TensorGuard.Shape(tensor)}.", parameter);
        }
        if (NumPyType.Of(tensor.dtype) is null)
        {
            throw new ArgumentException($"{parameter} must be of a type that NumPy has, but {which} is {tensor.dtype}. Convert it first: to_type(ScalarType.Float32).", parameter);
        }
    }
}
