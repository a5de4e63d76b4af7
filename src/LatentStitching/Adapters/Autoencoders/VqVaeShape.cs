using System.Globalization;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The sizes of a VQ-VAE's networks, from options or read off a checkpoint's shapes.</summary>
internal sealed record VqVaeShape(
    long ImageChannels, IReadOnlyList<long> Channels, int ResidualBlocks, IReadOnlyList<int> AttentionLevels, long LatentChannels, long EmbeddingDimension, long CodebookSize, long Groups)
{
    /// <summary>More levels would halve an image more often than any has pixels for.</summary>
    public const int MostLevels = 16;

    private const int MostBlocks = 64;

    public static VqVaeShape Of(VqVaeOptions options)
    {
        foreach (long channels in options.Channels)
        {
            if (channels % options.NormalisationGroups == 0) continue;
            throw new ArgumentException(
                $"Channels must be multiples of {options.NormalisationGroups}, the groups of each normalisation, but one is {channels}.", nameof(options));
        }
        foreach (int level in options.AttentionLevels)
        {
            if (level >= 0 && level < options.Channels.Count) continue;
            throw new ArgumentException($"AttentionLevels must lie from 0 to {options.Channels.Count - 1}, but one is {level}.", nameof(options));
        }
        return new VqVaeShape(
            options.Image.Channels, options.Channels, options.ResidualBlocks, options.AttentionLevels, options.LatentChannels, options.EmbeddingDimension, options.CodebookSize, options.NormalisationGroups);
    }

    /// <summary>Reads the sizes off tensors under CompVis's names.</summary>
    public static VqVaeShape Of(StateDictionary state, string path, long groups)
    {
        List<long> channels = [];
        while (state.Contains(Block(channels.Count, 0))) channels.Add(Shape(Block(channels.Count, 0), 4)[0]);
        int blocks = 0;
        while (state.Contains(Block(0, blocks))) blocks++;
        int[] attention = [.. Enumerable.Range(0, channels.Count).Where(level => state.Contains(Name($"encoder.down.{level}.attn.0.q.weight")))];
        if (groups < 1) throw new InvalidDataException($"{path} must hold a VQ-VAE with at least one group in each normalisation, but 'groups' is {groups}.");
        if (channels.Count > MostLevels || blocks > MostBlocks) throw new InvalidDataException($"{path} must hold a VQ-VAE of at most {MostLevels} levels of {MostBlocks} blocks, but it names {channels.Count} levels and {blocks} blocks.");
        long[] codebook = Shape("quantize.embedding.weight", 2);
        if (channels.Count == 0) Shape(Block(0, 0), 4);
        long odd = channels.FirstOrDefault(width => width % groups != 0);
        if (odd > 0) throw new InvalidDataException($"{path} must hold a VQ-VAE whose channels are multiples of {groups}, the groups of each normalisation, but one has {odd}.");
        return new VqVaeShape(Shape("encoder.conv_in.weight", 4)[1], channels, blocks, attention, Shape("encoder.conv_out.weight", 4)[0], codebook[1], codebook[0], groups);

        long[] Shape(string key, int axes) => WeightFile.ShapeOf(state, key, axes, "a VQ-VAE of CompVis or diffusers", path);

        static string Block(int level, int block) => Name($"encoder.down.{level}.block.{block}.conv1.weight");

        static string Name(FormattableString name) => name.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The latent of one image: [e, h, w].</summary>
    public long[] LatentOf(ImageFormat image, string name)
    {
        long height = image.Height, width = image.Width;
        for (int i = 1; i < Channels.Count; i++)
        {
            (height, width) = (height / 2, width / 2);
        }
        return height > 0 && width > 0
            ? [EmbeddingDimension, height, width]
            : throw new ArgumentException($"{name} must be at least {1L << (Channels.Count - 1)} pixels high and wide, because {Channels.Count - 1} layers halve it, but it is {image}.", name);
    }
}
