using LatentStitching.Models;

namespace LatentStitching.Adapters.Flows;

/// <summary>The sizes of a Glow, from which its weights' names and shapes follow.</summary>
/// <param name="Layout">Whose names.</param>
/// <param name="Image">The images.</param>
/// <param name="Levels">Number of scales, L.</param>
/// <param name="Steps">Steps a scale, K.</param>
/// <param name="Hidden">Channels within a coupling's network.</param>
/// <param name="Affine">Whether couplings scale besides shifting.</param>
/// <param name="Permutation">How a step mixes channels.</param>
/// <param name="LearnedTop">Whether the prior of the coarsest level is learnt; always so in the layout of rosinality.</param>
/// <param name="Classes">Number of classes that the prior depends on; 0 for none.</param>
internal sealed record GlowShape(
    GlowLayout Layout, ImageFormat Image, int Levels, int Steps, long Hidden, bool Affine, GlowPermutation Permutation, bool LearnedTop = true, int Classes = 0)
{
    /// <summary>Channels within a level, counted from 0 for the finest: each squeeze makes four of one, each split keeps half.</summary>
    public long Channels(int level) => Image.Channels * 4 << level;

    public bool IsTop(int level) => level == Levels - 1;

    /// <summary>Channels that a level hands to the latent: half of them, or all at the top.</summary>
    public long LatentChannels(int level) => IsTop(level) ? Channels(level) : Channels(level) / 2;

    /// <summary>Shape of a level's part of the latent.</summary>
    public long[] LatentShape(int level) => [LatentChannels(level), Image.Height >> (level + 1), Image.Width >> (level + 1)];

    /// <summary>What a step's permutation is held as. The published code of rosinality does not hand the choice on to its last block.</summary>
    public GlowPermutation PermutationOf(int level) =>
        Layout == GlowLayout.Rosinality && IsTop(level) ? GlowPermutation.LuConvolution : Permutation;

    /// <summary>Requires sizes that halve as often as there are levels.</summary>
    public static void RequireDivisible(ImageFormat image, int levels, string name)
    {
        long factor = levels < 31 ? 1L << levels : long.MaxValue;
        if (image.Height % factor != 0 || image.Width % factor != 0)
        {
            throw new ArgumentException($"{name} must have a height and width that {factor} divides, because each of the {levels} levels halves them, but it is {image}.", name);
        }
    }
}
