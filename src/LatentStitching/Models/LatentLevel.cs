using LatentStitching.Numerics;

namespace LatentStitching.Models;

/// <summary>A named slice of a latent vector with a shape of its own: a scale of a flow, the style of one layer, a feature map.</summary>
public sealed class LatentLevel
{
    internal LatentLevel(string name, long offset, IReadOnlyList<long> shape)
    {
        Name = Guard.NotBlank(name);
        ArgumentNullException.ThrowIfNull(shape);
        Shape = [.. shape];
        if (Shape.Count == 0) throw new ArgumentException($"shape must have at least one dimension, but level '{name}' has none.", nameof(shape));
        Dimension = 1;
        foreach (long size in Shape)
        {
            if (size <= 0) throw new ArgumentException($"shape must be positive, but level '{name}' has [{string.Join(", ", shape)}].", nameof(shape));
            Dimension = checked(Dimension * size);
        }
        Offset = offset;
    }

    /// <summary>The level's name, unique in its space.</summary>
    public string Name { get; }

    /// <summary>The first column that the level takes in a latent batch [n, D].</summary>
    public long Offset { get; }

    /// <summary>The shape of one sample's part, flattened in C order into the latent.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>The number of columns: the product of <see cref="Shape"/>.</summary>
    public long Dimension { get; }

    /// <summary>Says the level as "name [shape]".</summary>
    /// <returns>For example "z1 [6, 32, 32]".</returns>
    public override string ToString() => $"{Name} [{string.Join(", ", Shape)}]";
}
