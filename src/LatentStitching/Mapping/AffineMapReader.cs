using System.Globalization;
using LatentStitching.Checkpoints;
using LatentStitching.Mapping.Forms;

namespace LatentStitching.Mapping;

/// <summary>Makes a map of the tensors and facts of a file of format 2. Nothing in the file is trusted: every fact is a whole text number in range, and every shape passes the checks of a map made by hand.</summary>
internal sealed class AffineMapReader(StateDictionary file, string path, string factPrefix)
{
    private const string Blocks = "blocks";

    public AffineMap Read()
    {
        Tensor bias = Require("bias");
        if (Fact("form") != Blocks) return AffineMap.Make(Single(""), bias);
        // Every block has a tensor of its own, so more of them are a lie.
        long count = Number("blocks", 1, file.Count), source = Number("source", 1, long.MaxValue), target = bias.numel();
        List<BlockForm.Part> parts = [];
        for (long i = 0; i < count; i++)
        {
            string block = string.Create(CultureInfo.InvariantCulture, $"block.{i}.");
            parts.Add(new BlockForm.Part(Single(block), Number($"{block}source_offset", 0, source), Number($"{block}target_offset", 0, target)));
        }
        Apart([.. parts.Select(part => (part.SourceOffset, part.Form.SourceDimension))], source, "source");
        Apart([.. parts.Select(part => (part.TargetOffset, part.Form.TargetDimension))], target, "target");
        return AffineMap.Make(new BlockForm(parts, source, target), bias);
    }

    public Tensor Require(string name) => file.Contains(name)
        ? file[name]
        : throw new InvalidDataException($"{path} must hold the tensor '{name}', but it holds {string.Join(", ", file.Names)}.");

    private LinearForm Single(string prefix) => Fact($"{prefix}form") switch
    {
        "dense" => AffineMap.DenseOf(Require($"{prefix}weight")),
        "factored" => AffineMap.FactoredOf(Require($"{prefix}left"), Require($"{prefix}right")),
        "convolution" => AffineMap.ConvolutionOf(Require($"{prefix}kernel"), Number($"{prefix}height", 1, int.MaxValue), Number($"{prefix}width", 1, int.MaxValue)),
        "kronecker" => AffineMap.KroneckerOf(Require($"{prefix}space"), Require($"{prefix}channel")),
        string other => throw new InvalidDataException($"{path} must name a form that this version knows as '{factPrefix}{prefix}form', but it names '{other}'. A newer version of the library wrote it."),
    };

    private string Fact(string key) => file.Metadata.TryGetValue(factPrefix + key, out string? value)
        ? value
        : throw new InvalidDataException($"{path} must tell '{factPrefix}{key}' in its metadata, but it does not. The file was changed or damaged.");

    private long Number(string key, long least, long most)
    {
        string text = Fact(key);
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= least && value <= most
            ? value
            : throw new InvalidDataException($"{path} must have a number from {least} to {most} as '{factPrefix}{key}', but it is '{text}'. The file was changed or damaged.");
    }

    private void Apart((long Start, long Size)[] runs, long end, string side)
    {
        long free = 0;
        foreach ((long start, long size) in runs.OrderBy(run => run.Start))
        {
            if (start < free || start > end - size)
            {
                throw new InvalidDataException($"{path} must have blocks that lie apart within {end} {side} columns, but one takes {size} from {start}. The file was changed or damaged.");
            }
            free = start + size;
        }
    }
}
