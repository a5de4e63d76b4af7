using System.Globalization;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Flows;

/// <summary>Reads the sizes of a Glow off published weights, and moves between the types of a checkpoint and those of a <see cref="WeightSet"/>.</summary>
internal static class GlowCheckpoint
{
    private const string Parallel = "module.";

    // Flags and orders are whole numbers in a checkpoint.
    private static readonly KeyMap _numbers = new("whole numbers of Glow", KeyRule.Rename(@"(.*\.(?:initialized|shuffle\.indices))", "$1", tensor => tensor.to_type(ScalarType.Float32)));

    public static GlowNetwork Load(StateDictionary state, string path, (long Height, long Width) size, ScalarType dtype, Device device)
    {
        using StateDictionary? bare = state.Names.All(name => name.StartsWith(Parallel, StringComparison.Ordinal)) ? state.WithoutPrefix(Parallel) : null;
        using StateDictionary numbers = _numbers.Apply(bare ?? state);
        GlowShape shape = Detect(numbers, path, size);
        GlowDialect dialect = GlowDialect.Of(shape);
        Layout layout = dialect.Weights();
        using StateDictionary whole = WithFlags(numbers, shape, layout);
        RequireOrders(whole, path);
        return new GlowNetwork(dialect, WeightSet.From(layout, whole, dialect.What, path, device, dtype));
    }

    /// <summary>The weights under their published names and types. What is made for it lies in the caller's dispose scope.</summary>
    public static IReadOnlyList<(string Name, Tensor Tensor)> Export(GlowNetwork network)
    {
        bool published = network.Shape.Layout == GlowLayout.Y0ast && network.Initialised;
        List<(string Name, Tensor Tensor)> tensors = [];
        foreach ((string key, Tensor tensor) in network.Weights.All)
        {
            bool flag = key.EndsWith(GlowDialect.Flag, StringComparison.Ordinal);
            if (flag && published) continue;
            ScalarType type = flag ? ScalarType.Byte : key.EndsWith(network.Dialect.Factors.Order, StringComparison.Ordinal) ? ScalarType.Int64 : tensor.dtype;
            tensors.Add((key, tensor.detach().to_type(type)));
        }
        return tensors;
    }

    private static GlowShape Detect(StateDictionary state, string path, (long Height, long Width) size)
    {
        if (state.Contains("blocks.0.flows.0.actnorm.loc") && state.Contains("blocks.0.flows.0.coupling.net.0.weight")) return Rosinality(state, path, size);
        if (state.Contains("flow.layers.1.actnorm.bias") && state.Contains("flow.layers.1.block.0.conv.weight") && state.Contains("prior_h")) return Y0ast(state, path);
        throw new InvalidDataException(
            $"{path} must hold a Glow with the keys of rosinality/glow-pytorch (blocks.0.flows.0.actnorm.loc ...) or of y0ast/Glow-PyTorch (flow.layers.1.actnorm.bias ...), "
            + $"but it holds {string.Join(", ", state.Names.Take(8).Select(PickleText.Safe))}...");
    }

    private static GlowShape Rosinality(StateDictionary state, string path, (long Height, long Width) size)
    {
        const string first = "blocks.0.flows.0.";
        long channels = Size(state, path, first + "actnorm.loc", 1);
        int levels = Largest(state, "blocks.") + 1;
        RequireLevels(path, channels, levels);
        ImageFormat image = new(channels / 4, size.Height, size.Width);
        GlowShape.RequireDivisible(image, levels, "ImageSize");
        string last = first + "coupling.net.4.conv.weight";
        bool affine = state.Contains(last) && Size(state, path, last, 0) == channels;
        bool plain = state.Contains(first + "invconv.weight");
        // With one level the published code holds it as P·L·U whatever it is told.
        GlowPermutation permutation = plain ? GlowPermutation.Convolution : GlowPermutation.LuConvolution;
        return new GlowShape(
            GlowLayout.Rosinality, image, levels, Largest(state, "blocks.0.flows.") + 1, Size(state, path, first + "coupling.net.0.weight", 0), affine, permutation);
    }

    private static GlowShape Y0ast(StateDictionary state, string path)
    {
        const string first = "flow.layers.1.";
        long channels = Size(state, path, first + "actnorm.bias", 1);
        // Layer 0 squeezes, then come K steps, then a split where another level follows.
        List<int> splits = [.. state.Names.Where(name => name.EndsWith(".conv.conv.weight", StringComparison.Ordinal)).Select(name => Number(name, "flow.layers.")).Order()];
        int levels = splits.Count + 1;
        int steps = splits.Count > 0 ? splits[0] - 1 : Largest(state, "flow.layers.");
        RequireLevels(path, channels, levels);
        ImageFormat image = new(channels / 4, Size(state, path, "prior_h", 2) << levels, Size(state, path, "prior_h", 3) << levels);
        GlowPermutation permutation = state.Contains(first + "invconv.weight") ? GlowPermutation.Convolution
            : state.Contains(first + "invconv.lower") ? GlowPermutation.LuConvolution
            : GlowPermutation.Shuffle;
        if (permutation == GlowPermutation.Shuffle && !state.Contains(first + "shuffle.indices"))
        {
            throw new InvalidDataException(
                $"{path} must hold the order in which each step shuffles the channels ({first}shuffle.indices and so on), but it does not: the published code never saves it, and no other order gives the same model. "
                + "Add shuffle.indices of every step to the state dictionary, from the process that made it.");
        }
        string last = first + "block.4.conv.weight";
        bool affine = state.Contains(last) && Size(state, path, last, 0) == channels;
        int classes = state.Contains("project_ycond.linear.weight") ? (int)Size(state, path, "project_ycond.linear.weight", 1) : 0;
        return new GlowShape(
            GlowLayout.Y0ast, image, levels, steps, Size(state, path, first + "block.0.conv.weight", 0), affine, permutation, state.Contains("learn_top_fn.conv.weight"), classes);
    }

    private static void RequireLevels(string path, long channels, int levels)
    {
        if (channels >= 4 && levels <= 16) return;
        throw new InvalidDataException($"{path} must hold a Glow of at most 16 levels that begins with at least 4 channels, but its names and shapes say {levels} and {channels}.");
    }

    private static void RequireOrders(StateDictionary state, string path)
    {
        using var scope = NewDisposeScope();
        foreach (string name in state.Names.Where(name => name.EndsWith(".shuffle.indices", StringComparison.Ordinal)))
        {
            Tensor order = state[name].reshape(-1);
            if (order.numel() > 0 && order.sort(0).Values.eq(arange(order.numel(), ScalarType.Float32)).all().ToBoolean()) continue;
            throw new InvalidDataException($"{path} must hold each number from 0 to {order.numel() - 1} once in {name}, the order of a shuffle, but it does not.");
        }
    }

    // A published checkpoint of y0ast says nothing of its normalisations: it is trained. Where some flags are there, all must be.
    private static StateDictionary WithFlags(StateDictionary state, GlowShape shape, Layout layout)
    {
        using var scope = NewDisposeScope();
        List<(string Name, Tensor Tensor)> tensors = [.. state.Names.Select(name => (name, state[name]))];
        if (shape.Layout == GlowLayout.Y0ast && !state.Names.Any(name => name.EndsWith(GlowDialect.Flag, StringComparison.Ordinal)))
        {
            tensors.AddRange(layout.Weights.Where(weight => weight.Name.EndsWith(GlowDialect.Flag, StringComparison.Ordinal)).Select(weight => (weight.Name, ones([], ScalarType.Float32))));
        }
        return new StateDictionary(tensors, state.Metadata);
    }

    private static long Size(StateDictionary state, string path, string name, int axis)
    {
        Tensor tensor = state[name];
        return tensor.dim() > axis ? tensor.size(axis) : throw new InvalidDataException($"{path} must hold {name} with more than {axis} dimensions, but it has {tensor.dim()}.");
    }

    // The largest number that follows a beginning in any name, up to a dot; 0 where there is none.
    private static int Largest(StateDictionary state, string beginning) => state.Names.Select(name => Number(name, beginning)).DefaultIfEmpty(0).Max();

    private static int Number(string name, string beginning)
    {
        if (!name.StartsWith(beginning, StringComparison.Ordinal)) return 0;
        string rest = name[beginning.Length..];
        int dot = rest.IndexOf('.', StringComparison.Ordinal);
        // No network has ten thousand blocks, and a file's names may say anything.
        return dot is > 0 and < 5 && int.TryParse(rest[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
    }
}
