using LatentStitching.Numerics;

namespace LatentStitching.Models;

/// <summary>Describes a model's latent: how many numbers one image becomes, and which named levels they form.</summary>
/// <remarks>
/// A latent batch is always a matrix [n, <see cref="Dimension"/>]: each sample's levels, one after the other, each flattened in C order.
/// Immutable and safe to share between threads.
/// </remarks>
public sealed class LatentSpace
{
    private LatentSpace(IReadOnlyList<LatentLevel> levels)
    {
        Levels = levels;
        Dimension = levels.Sum(level => level.Dimension);
    }

    /// <summary>Width of a latent batch.</summary>
    public long Dimension { get; }

    /// <summary>The levels in the order in which they lie in the latent. There is always at least one.</summary>
    public IReadOnlyList<LatentLevel> Levels { get; }

    /// <summary>Makes a space of one level, the vector "z".</summary>
    /// <param name="dimension">Width, at least 1.</param>
    /// <returns>The space.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dimension"/> is not positive.</exception>
    public static LatentSpace Vector(long dimension) => new([new LatentLevel("z", 0, [Guard.Positive(dimension)])]);

    /// <summary>Makes a space of several levels, laid one after the other.</summary>
    /// <param name="levels">Names and shapes in order; names must differ.</param>
    /// <returns>The space.</returns>
    /// <exception cref="ArgumentException">There is no level, two have one name, or a shape is not positive.</exception>
    public static LatentSpace Of(params IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> levels)
    {
        ArgumentNullException.ThrowIfNull(levels);
        if (levels.Count == 0) throw new ArgumentException("levels must hold at least one level, but it is empty.", nameof(levels));
        List<LatentLevel> laid = new(levels.Count);
        long offset = 0;
        foreach ((string name, IReadOnlyList<long> shape) in levels)
        {
            if (laid.Any(level => level.Name == name)) throw new ArgumentException($"levels must have different names, but '{name}' comes twice.", nameof(levels));
            laid.Add(new LatentLevel(name, offset, shape));
            offset += laid[^1].Dimension;
        }
        return new LatentSpace(laid);
    }

    /// <summary>Finds a level by its name.</summary>
    /// <param name="name">The level's name; case matters.</param>
    /// <returns>The level.</returns>
    /// <exception cref="ArgumentException">There is no level of that name; the text lists those there are.</exception>
    public LatentLevel Level(string name) =>
        Levels.FirstOrDefault(level => level.Name == name)
        ?? throw new ArgumentException($"name must be one of the levels {string.Join(", ", Levels.Select(level => level.Name))}, but it is '{name}'.", nameof(name));

    /// <summary>Cuts one level out of a latent batch, in the level's own shape.</summary>
    /// <param name="latents">Latent batch [n, <see cref="Dimension"/>], floating point. Not disposed.</param>
    /// <param name="name">The level's name.</param>
    /// <returns>A fresh tensor [n, *level shape] of the input's dtype and device, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The batch has another width, or there is no such level.</exception>
    public Tensor Slice(Tensor latents, string name)
    {
        LatentLevel level = Level(name);
        TensorGuard.Matrix(latents);
        if (latents.size(1) != Dimension)
        {
            throw new ArgumentException($"latents must have {Dimension} columns, but its shape is {TensorGuard.Shape(latents)}.", nameof(latents));
        }
        using var scope = NewDisposeScope();
        return latents.narrow(1, level.Offset, level.Dimension).reshape([latents.size(0), .. level.Shape]).clone().MoveToOuterDisposeScope();
    }

    /// <summary>Joins the levels, each in its own shape, into one latent batch: the inverse of <see cref="Slice"/>.</summary>
    /// <param name="levels">One tensor [n, *level shape] a level, in the order of <see cref="Levels"/>, one dtype and device. Not disposed.</param>
    /// <returns>A fresh latent batch [n, <see cref="Dimension"/>], owned by the caller.</returns>
    /// <exception cref="ArgumentException">The number of tensors, a shape, or the row counts do not fit.</exception>
    public Tensor Join(params IReadOnlyList<Tensor> levels)
    {
        ArgumentNullException.ThrowIfNull(levels);
        if (levels.Count != Levels.Count)
        {
            throw new ArgumentException($"levels must hold {Levels.Count} tensors, one a level, but it holds {levels.Count}.", nameof(levels));
        }
        string rows = "n";
        for (int i = 0; i < levels.Count; i++)
        {
            ArgumentNullException.ThrowIfNull(levels[i], nameof(levels));
            long[] shape = levels[i].shape;
            if (i == 0 && shape.Length > 0) rows = $"{shape[0]}";
            if (shape.Length < 1 || shape[0] != levels[0].size(0) || !shape.AsSpan(1).SequenceEqual([.. Levels[i].Shape]))
            {
                throw new ArgumentException(
                    $"levels must fit the space, but tensor {i} is {TensorGuard.Shape(levels[i])} where level {Levels[i]} needs [{rows}, {string.Join(", ", Levels[i].Shape)}].",
                    nameof(levels));
            }
        }
        using var scope = NewDisposeScope();
        // A copy, because cat of one tensor hands on its memory.
        Tensor joined = levels.Count == 1 ? levels[0].flatten(1).clone() : cat([.. levels.Select(level => level.flatten(1))], 1);
        return joined.MoveToOuterDisposeScope();
    }

    /// <summary>Says the width and the levels.</summary>
    /// <returns>For example "512 (z [512])".</returns>
    public override string ToString() => $"{Dimension} ({string.Join(", ", Levels)})";
}
