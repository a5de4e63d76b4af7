using LatentStitching.Checkpoints;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>What all adapters ask of a weight file before its layout is known.</summary>
internal static class WeightFile
{
    /// <summary>The name of a model in reports: the folder's name for a file called model.*, else the file's name.</summary>
    public static string NameOf(string path)
    {
        string file = Path.GetFileNameWithoutExtension(path);
        string? folder = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path)));
        return file == "model" && !string.IsNullOrEmpty(folder) ? folder : file;
    }

    /// <summary>The shape of a tensor that sizes are read off; what the file must hold is said where the tensor is not there or has another number of axes.</summary>
    public static long[] ShapeOf(StateDictionary state, string key, int axes, string what, string path)
    {
        if (state.Contains(key) && state[key].dim() == axes && state[key].numel() > 0) return state[key].shape;
        throw new InvalidDataException(
            $"{path} must hold {what} with a tensor {key} of {axes} axes, but it holds {string.Join(", ", state.Names.Take(8))}{(state.Count > 8 ? "..." : "")}.");
    }
}
