namespace LatentStitching.Checkpoints;

/// <summary>Finds the tensors in what a PyTorch file holds: dictionaries, lists and tuples within each other, with plain values between.</summary>
internal sealed class CheckpointTree
{
    /// <summary>The name of the tensor of a file that holds nothing but one.</summary>
    public const string BareTensorName = "tensor";

    private const int MaxDepth = 64;
    private const int MaxKeyLength = 4096;
    private const long MaxCost = 100_000_000;
    private const int MaxListed = 12;

    private readonly string _path;
    private readonly long _maxTensors;
    private readonly List<(string Container, string Key, TorchTensor Tensor)> _tensors = [];
    private long _cost;

    private CheckpointTree(string path, long fileLength) => (_path, _maxTensors) = (path, Math.Min(1_000_000, 1000 + fileLength / 16));

    /// <summary>The named tensors of a container, and its plain values as texts.</summary>
    /// <param name="root">The value that the file holds.</param>
    /// <param name="container">The container, its keys joined by dots; empty for the whole file; null for the whole file if its tensors lie in one
    /// flat container.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="fileLength">The file's length in bytes, which bounds the number of tensors.</param>
    public static (List<(string Name, TorchTensor Tensor)> Tensors, Dictionary<string, string> Metadata) Select(
        object? root, string? container, string path, long fileLength)
    {
        object? node = root;
        CheckpointTree tree = new(path, fileLength);
        if (!string.IsNullOrEmpty(container))
        {
            node = tree.Resolve(root, container, depth: 0) ?? throw new ArgumentException(
                $"container must name a container of '{path}', but it is '{container}'. "
                + $"It holds tensors in: {new CheckpointTree(path, fileLength).List(root)}.", nameof(container));
        }
        tree.Walk(node, "", depth: 0);
        if (tree._tensors.Count == 0)
        {
            string where = string.IsNullOrEmpty(container) ? "" : $" as '{container}'";
            throw new InvalidDataException($"'{path}' must hold tensors, but it holds {PickleText.KindOf(node)} without any{where}.");
        }
        if (container is null && tree._tensors.Exists(tensor => tensor.Container.Length > 0))
        {
            throw new ArgumentException(
                $"container must be given for '{path}', whose tensors lie deeper: {tree.List()}. "
                + "Name one of them or a container above; an empty text takes all.", nameof(container));
        }
        return (tree.Names(), Plain(node));
    }

    private List<(string Name, TorchTensor Tensor)> Names()
    {
        HashSet<string> taken = new(StringComparer.Ordinal);
        List<(string Name, TorchTensor Tensor)> named = new(_tensors.Count);
        foreach ((string container, string key, TorchTensor tensor) in _tensors)
        {
            string name = Join(container, key);
            if (!taken.Add(name)) throw new InvalidDataException($"'{_path}' must name each tensor once, but '{PickleText.Safe(name)}' comes twice.");
            named.Add((name, tensor));
        }
        return named;
    }

    private void Walk(object? node, string at, int depth)
    {
        if (node is TorchTensor bare)
        {
            _tensors.Add(("", BareTensorName, bare));
            return;
        }
        if (depth > MaxDepth) throw new InvalidDataException($"'{_path}' must nest at most {MaxDepth} containers, but it nests more, or one within itself.");
        foreach ((string key, object? value) in Children(node))
        {
            // Containers that share their content are walked again for each way to them, which can be far more than the file is long.
            Spend(1 + at.Length + Math.Min(key.Length, MaxKeyLength));
            if (value is not (TorchTensor or PickleDictionary or PickleSequence)) continue;
            if (key.Length > MaxKeyLength)
            {
                throw new InvalidDataException($"'{_path}' must have names of at most {MaxKeyLength} letters, but one has {key.Length}.");
            }
            if (value is TorchTensor tensor) _tensors.Add((at, key, tensor));
            else Walk(value, Join(at, key), depth + 1);
        }
    }

    private void Spend(long cost)
    {
        _cost += cost;
        if (_cost <= MaxCost && _tensors.Count <= _maxTensors) return;
        throw new InvalidDataException($"'{_path}' must not hold more containers and tensors than its length allows, but it refers to the same ones again and again.");
    }

    private string List(object? root)
    {
        Walk(root, "", depth: 0);
        return List();
    }

    private string List()
    {
        var containers = _tensors.GroupBy(tensor => tensor.Container, StringComparer.Ordinal).ToList();
        if (containers.Count == 0) return "none";
        var listed = containers.Take(MaxListed).Select(group => $"{(group.Key.Length == 0 ? "the top level" : $"'{PickleText.Safe(group.Key)}'")} ({group.Count()})");
        return string.Join(", ", listed) + (containers.Count > MaxListed ? ", …" : "");
    }

    // Keys may hold dots themselves, so each key is tried against the beginning of what is left.
    private object? Resolve(object? node, string container, int depth)
    {
        if (depth > MaxDepth) return null;
        HashSet<string>? tried = null;
        foreach ((string key, object? value) in Children(node))
        {
            Spend(1 + Math.Min(key.Length, MaxKeyLength));
            if (value is not (PickleDictionary or PickleSequence)) continue;
            bool whole = key == container;
            bool begins = key.Length > 0 && container.Length > key.Length && container[key.Length] == '.' && container.StartsWith(key, StringComparison.Ordinal);
            if (!whole && !begins) continue;
            // The number 1 and the text "1" are two keys of a dictionary, and one name.
            if (!(tried ??= new(StringComparer.Ordinal)).Add(key)) throw new InvalidDataException($"'{_path}' must name each container once, but '{PickleText.Safe(key)}' comes twice.");
            if (whole) return value;
            if (Resolve(value, container[(key.Length + 1)..], depth + 1) is { } found) return found;
        }
        return null;
    }

    private static IEnumerable<(string Key, object? Value)> Children(object? node) => node switch
    {
        PickleDictionary dictionary => dictionary.Items.Select(item => (PickleText.OfPlain(item.Key) ?? $"({PickleText.KindOf(item.Key)})", item.Value)),
        PickleSequence sequence => sequence.Items.Select((value, i) => (PickleText.OfPlain((long)i)!, value)),
        _ => [],
    };

    private static Dictionary<string, string> Plain(object? node)
    {
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        foreach ((string key, object? value) in Children(node))
        {
            if (PickleText.OfPlain(value) is { } text) metadata[key] = text;
        }
        return metadata;
    }

    private static string Join(string container, string key) => container.Length == 0 ? key : $"{container}.{key}";
}
