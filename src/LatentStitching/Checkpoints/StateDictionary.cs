using System.Collections.ObjectModel;
using LatentStitching.Numerics;

namespace LatentStitching.Checkpoints;

/// <summary>Named tensors in a fixed order, as a checkpoint holds them, with texts that go with them. Immutable but for disposal; owns its tensors.</summary>
/// <remarks>
/// <para>The tensors carry no gradient and survive every dispose scope; <see cref="Dispose"/> frees them.</para>
/// <para>Thread safety: may be read from several threads at once, as long as none disposes it.</para>
/// </remarks>
#pragma warning disable CA1711 // The thing has this name wherever models are trained.
public sealed class StateDictionary : IDisposable
#pragma warning restore CA1711
{
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private bool _disposed;

    /// <summary>Makes a state dictionary of tensors that the caller has.</summary>
    /// <param name="tensors">Names, all different, and tensors. Each is held by an own handle on the same memory: the caller still owns what was
    /// passed, and a change in place shows in both.</param>
    /// <param name="metadata">Texts to keep with them, copied; none if null.</param>
    /// <exception cref="ArgumentException">A name or tensor is null, or a name comes twice.</exception>
    /// <exception cref="ObjectDisposedException">A tensor has been disposed.</exception>
    public StateDictionary(IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
        : this(metadata)
    {
        NamedTensors.Check(tensors);
        foreach ((string name, Tensor tensor) in tensors) Adopt(name, tensor.detach());
    }

    private StateDictionary(IReadOnlyDictionary<string, string>? metadata)
    {
        Names = _names.AsReadOnly();
        Dictionary<string, string> texts = new(metadata ?? ReadOnlyDictionary<string, string>.Empty, StringComparer.Ordinal);
        Metadata = texts.AsReadOnly();
    }

    /// <summary>The tensors' names, in the file's order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Number of tensors.</summary>
    public int Count => Names.Count;

    /// <summary>Texts that came with the tensors; empty if there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>One tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <value>The held tensor itself, in the file's shape and dtype. Not to be disposed: take <c>alias()</c> or <c>clone()</c> of it to keep it longer.</value>
    /// <exception cref="ArgumentException">There is no such tensor; the text names those most alike.</exception>
    /// <exception cref="ObjectDisposedException">The state dictionary has been disposed.</exception>
    public Tensor this[string name]
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            ArgumentNullException.ThrowIfNull(name);
            return _tensors.TryGetValue(name, out Tensor? tensor)
                ? tensor
                : throw new ArgumentException(
                    $"name must be one of the {Count} tensors, but it is '{name}'. "
                    + $"Near it: {NearNames.Of(name, Names)}.", nameof(name));
        }
    }

    /// <summary>Reads a checkpoint file: safetensors, PyTorch's zip archive or legacy stream, or NumPy's .npy or .npz, recognised by its content.</summary>
    /// <remarks>
    /// <para>Safety: a PyTorch file is a pickle, which could call any function. Nothing of it is run here: tensors, containers and plain values are
    /// read, all else is refused by name.
    /// Sizes are checked against the file before memory is taken.</para>
    /// <para>Views come as contiguous copies, and tensors that shared memory come apart. Devices and gradients are not kept: all tensors are on the CPU.</para>
    /// <para>A file of one bare tensor gives it the name "tensor", a bare array of NumPy "array". Items of lists are named by their index. Texts, numbers and truth values beside
    /// the tensors become metadata.</para>
    /// </remarks>
    /// <param name="path">The file.</param>
    /// <param name="container">
    /// Which part of a PyTorch file to take, its keys joined by dots: "state_dict", or "0" for the first item of a list. Names then begin within it;
    /// those of containers inside are joined by dots.
    /// Null takes the whole file if its tensors lie side by side; an empty text takes all tensors however deep they lie.
    /// </param>
    /// <returns>Its tensors, in the file's order. Owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank; the container is not in the file, or is needed and null: the text lists those there
    /// are.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, of no known format, or holds anything but tensors and plain values; the text says
    /// what and where.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder, or may not be read.</exception>
    public static StateDictionary Load(string path, string? container = null)
    {
        Guard.NotBlank(path);
        return CheckpointFormat.Load(path, container);
    }

    /// <summary>Writes the tensors and the metadata to a safetensors file: see <see cref="SafeTensors.Save"/>.</summary>
    /// <param name="path">The file. Its folder must be there; a file of that name is replaced.</param>
    /// <exception cref="ArgumentException">The path is blank, or a tensor cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The state dictionary has been disposed.</exception>
    /// <exception cref="IOException">The file cannot be written, or its folder is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">The path is a folder, or may not be written.</exception>
    public void Save(string path)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        SafeTensors.Save(path, [.. Names.Select(name => (name, _tensors[name]))], Metadata);
    }

    /// <summary>Says whether there is a tensor of a name.</summary>
    /// <param name="name">The name.</param>
    /// <returns>True if so.</returns>
    public bool Contains(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _tensors.ContainsKey(name);
    }

    /// <summary>Takes a prefix off every name that has it; other names stay. <c>WithoutPrefix("module.")</c> mends what DataParallel saved.</summary>
    /// <param name="prefix">The prefix, with its dot.</param>
    /// <returns>A state dictionary over the same memory, with the same metadata. Owned by the caller.</returns>
    /// <exception cref="ArgumentException">No name has the prefix, or two would be alike without it.</exception>
    /// <exception cref="ObjectDisposedException">The state dictionary has been disposed.</exception>
    public StateDictionary WithoutPrefix(string prefix)
    {
        CheckPrefix(prefix);
        HashSet<string> taken = new(StringComparer.Ordinal);
        foreach (string name in Names.Select(name => Without(name, prefix)))
        {
            if (!taken.Add(name))
            {
                throw new ArgumentException($"prefix must leave the names different, but without '{prefix}' two are '{name}'.", nameof(prefix));
            }
        }
        return new StateDictionary([.. Names.Select(name => (Without(name, prefix), _tensors[name]))], Metadata);
    }

    /// <summary>The tensors whose names begin with a prefix, named without it: <c>Under("encoder.")</c> is the state of one part of a model.</summary>
    /// <param name="prefix">The prefix, with its dot.</param>
    /// <returns>A state dictionary over the same memory, with the same metadata. Owned by the caller.</returns>
    /// <exception cref="ArgumentException">No name has the prefix.</exception>
    /// <exception cref="ObjectDisposedException">The state dictionary has been disposed.</exception>
    public StateDictionary Under(string prefix)
    {
        CheckPrefix(prefix);
        var under = Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal));
        return new StateDictionary([.. under.Select(name => (Without(name, prefix), _tensors[name]))], Metadata);
    }

    /// <summary>Frees the tensors. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (Tensor tensor in _tensors.Values) tensor.Dispose();
    }

    /// <summary>Says how much it holds.</summary>
    /// <returns>For example "21 tensors, 504055 elements".</returns>
    public override string ToString() =>
        _disposed ? "disposed" : $"{Count} tensors, {_tensors.Values.Sum(tensor => tensor.numel())} elements";

    /// <summary>Takes over fresh tensors: they leave their dispose scope and belong to the result.</summary>
    internal static StateDictionary Adopt(IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        StateDictionary state = new(metadata);
        foreach ((string name, Tensor tensor) in tensors) state.Adopt(name, tensor);
        return state;
    }

    private static string Without(string name, string prefix) => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;

    private void Adopt(string name, Tensor tensor)
    {
        _tensors.Add(name, tensor.DetachFromDisposeScope());
        _names.Add(name);
    }

    private void CheckPrefix(string prefix)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        if (Names.All(name => !name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            throw new ArgumentException($"prefix must begin a name, but it is '{prefix}'. Names: {NearNames.Of(prefix, Names)}.", nameof(prefix));
        }
    }
}
