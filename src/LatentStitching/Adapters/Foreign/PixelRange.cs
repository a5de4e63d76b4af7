using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Foreign;

/// <summary>The numbers that a foreign network takes or gives for pixels, told by how they come from [0, 1]: (pixel − mean) / deviation, a channel at a time.</summary>
/// <remarks>Immutable; holds no tensor. <see cref="FromUnit"/> and <see cref="ToUnit"/> let gradients through.</remarks>
public sealed class PixelRange
{
    private readonly double[] _mean;
    private readonly double[] _deviation;

    private PixelRange(double[] mean, double[] deviation) => (_mean, _deviation) = (mean, deviation);

    /// <summary>[0, 1], black to white: as everywhere in this library.</summary>
    public static PixelRange Unit { get; } = new([0], [1]);

    /// <summary>[−1, 1], black to white: as most GANs, diffusion models and their autoencoders have it.</summary>
    public static PixelRange Symmetric { get; } = new([0.5], [0.5]);

    /// <summary>Pixels of [0, 1] minus a mean, divided by a deviation. [0, 255] is a mean of 0 and a deviation of 1 / 255.</summary>
    /// <param name="mean">One number for all channels, or one a channel. Copied.</param>
    /// <param name="deviation">As many positive numbers. Copied.</param>
    /// <returns>The range.</returns>
    /// <exception cref="ArgumentException">A list is empty, their lengths differ, or a number is not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A deviation is not positive.</exception>
    public static PixelRange Normalised(IReadOnlyList<double> mean, IReadOnlyList<double> deviation)
    {
        Guard.NotEmpty(mean, "Pass one number, or one a channel.");
        ArgumentNullException.ThrowIfNull(deviation);
        if (deviation.Count != mean.Count) throw new ArgumentException($"deviation must hold as many numbers as mean, {mean.Count}, but it holds {deviation.Count}.", nameof(deviation));
        if (mean.Any(value => !double.IsFinite(value))) throw new ArgumentException($"mean must be finite, but it is {string.Join(", ", mean)}.", nameof(mean));
        foreach (double value in deviation) Guard.Positive(value, nameof(deviation));
        return new PixelRange([.. mean], [.. deviation]);
    }

    /// <summary>Pixels of [0, 1] to this range.</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point. Not disposed.</param>
    /// <returns>The same images in this range, in the input's dtype and device. Owned by the caller; the input's memory where nothing is to be done.</returns>
    /// <exception cref="ArgumentException">The range has one number a channel, and not for as many channels.</exception>
    public Tensor FromUnit(Tensor images)
    {
        Check(images);
        if (ReferenceEquals(this, Unit)) return images.alias();
        using var scope = NewDisposeScope();
        return images.sub(PerChannel(_mean, images)).div(PerChannel(_deviation, images)).MoveToOuterDisposeScope();
    }

    /// <summary>Pixels of this range to [0, 1].</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point. Not disposed.</param>
    /// <returns>The same images in [0, 1], in the input's dtype and device, not clamped. Owned by the caller; the input's memory where nothing is to be done.</returns>
    /// <exception cref="ArgumentException">The range has one number a channel, and not for as many channels.</exception>
    public Tensor ToUnit(Tensor images)
    {
        Check(images);
        if (ReferenceEquals(this, Unit)) return images.alias();
        using var scope = NewDisposeScope();
        return images.mul(PerChannel(_deviation, images)).add(PerChannel(_mean, images)).MoveToOuterDisposeScope();
    }

    /// <summary>Says the range.</summary>
    /// <returns>For example "mean 0.5, deviation 0.5".</returns>
    public override string ToString() => $"mean {Text(_mean)}, deviation {Text(_deviation)}";

    private static string Text(double[] values) => string.Join(' ', values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

    private static Tensor PerChannel(double[] values, Tensor like) => tensor(values, like.dtype, like.device).reshape(1, -1, 1, 1);

    private void Check(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.dim() != 4) throw new ArgumentException($"images must be an image batch [n, c, h, w], but its shape is {TensorGuard.Shape(images)}.", nameof(images));
        if (!images.is_floating_point()) throw new ArgumentException($"images must be floating point, but its dtype is {images.dtype}.", nameof(images));
        if (_mean.Length > 1 && images.size(1) != _mean.Length)
        {
            throw new ArgumentException($"images must have {_mean.Length} channels, one a number of the range, but its shape is {TensorGuard.Shape(images)}.", nameof(images));
        }
    }
}
