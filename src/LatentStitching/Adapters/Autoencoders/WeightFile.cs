using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>What all adapters ask of a weight file before its layout is known.</summary>
internal static class WeightFile
{
    private const string ParallelPrefix = "module.";

    /// <summary>The name of a model in reports: the folder's name for a file called model.*, else the file's name.</summary>
    public static string NameOf(string path)
    {
        string file = Path.GetFileNameWithoutExtension(path);
        string? folder = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path)));
        return file == "model" && !string.IsNullOrEmpty(folder) ? folder : file;
    }

    /// <summary>Opens a file's weights, or those of a container in it, without the "module." that DataParallel puts before every name.</summary>
    public static StateDictionary Open(string path, string? container)
    {
        var state = StateDictionary.Load(path, container);
        if (!state.Names.All(name => name.StartsWith(ParallelPrefix, StringComparison.Ordinal))) return state;
        using (state) return state.WithoutPrefix(ParallelPrefix);
    }

    /// <summary>The shape of a tensor that sizes are read off; what the file must hold is said where the tensor is not there or has another number of axes.</summary>
    public static long[] ShapeOf(StateDictionary state, string key, int axes, string what, string path)
    {
        if (state.Contains(key) && state[key].dim() == axes && state[key].numel() > 0) return state[key].shape;
        string found = state.Contains(key) ? $"that is {TensorGuard.Shape(state[key])}" : $"it holds {string.Join(", ", state.Names.Take(8).Select(PickleText.Safe))}{(state.Count > 8 ? "..." : "")}";
        throw new InvalidDataException($"{path} must hold {what} with a tensor {key} of {axes} axes, but {found}.");
    }
}
