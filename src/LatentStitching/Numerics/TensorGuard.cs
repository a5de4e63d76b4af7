using System.Globalization;
using System.Runtime.CompilerServices;
using LatentStitching.Models;
using LatentStitching.Native;

namespace LatentStitching.Numerics;

/// <summary>Argument checks on tensors. All of them run before any work is done, and leave no tensor behind.</summary>
internal static class TensorGuard
{
    // Tensors come in here: by now the native library is loaded, by whatever means.
    static TensorGuard() => TorchNative.KeepNumbers();

    public static string Shape(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}]";

    /// <summary>Requires a floating-point matrix [n, d] with at least one row and one column.</summary>
    public static void Matrix(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.IsInvalid) throw new ObjectDisposedException(name, $"{name} must be a live tensor, but it has been disposed.");
        if (tensor.dim() != 2)
        {
            throw new ArgumentException(
                $"{name} must be a matrix [n, d], but its shape is {Shape(tensor)}. Flatten each sample: tensor.reshape(n, -1).", name);
        }
        Floating(tensor, name);
        if (tensor.size(0) == 0) throw new ArgumentException($"{name} must hold at least one row, but its shape is {Shape(tensor)}.", name);
        if (tensor.size(1) == 0) throw new ArgumentException($"{name} must hold at least one column, but its shape is {Shape(tensor)}.", name);
    }

    /// <summary>Requires a floating-point matrix [n, d] of finite numbers.</summary>
    public static void FiniteMatrix(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        Matrix(tensor, name);
        Finite(tensor, name);
    }

    /// <summary>Requires a latent batch [n, dimension] of finite numbers.</summary>
    public static void Latents(Tensor tensor, long dimension, string owner, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        Matrix(tensor, name);
        if (tensor.size(1) != dimension)
        {
            throw new ArgumentException(
                $"{name} must have {dimension} columns, the latent width of {owner}, but its shape is {Shape(tensor)}.", name);
        }
        Finite(tensor, name);
    }

    /// <summary>Requires an image batch [n, c, h, w] of the given format, floating point, finite, in [0, 1].</summary>
    public static void Images(Tensor tensor, ImageFormat format, string owner, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        Images(tensor, name);
        if (tensor.size(1) != format.Channels || tensor.size(2) != format.Height || tensor.size(3) != format.Width)
        {
            throw new ArgumentException(
                $"{name} must have the shape [n, {format.Channels}, {format.Height}, {format.Width}] of {owner}'s images, but it is {Shape(tensor)}. "
                + "Resize the images, or wrap the model: model.WithImage(format).",
                name);
        }
    }

    /// <summary>Requires an image batch [n, c, h, w], floating point, finite, in [0, 1].</summary>
    public static void Images(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.IsInvalid) throw new ObjectDisposedException(name, $"{name} must be a live tensor, but it has been disposed.");
        if (tensor.dim() != 4)
        {
            throw new ArgumentException($"{name} must be an image batch [n, c, h, w], but its shape is {Shape(tensor)}. One image is [1, c, h, w].", name);
        }
        if (!tensor.is_floating_point())
        {
            throw new ArgumentException($"{name} must hold floating-point pixels in [0, 1], but its dtype is {tensor.dtype}. Convert bytes: x.to_type(ScalarType.Float32) / 255.", name);
        }
        if (tensor.numel() == 0) throw new ArgumentException($"{name} must hold at least one image, but its shape is {Shape(tensor)}.", name);

        (double low, double high) = Range(tensor);
        if (low >= 0 && high <= 1) return;
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            Tensor bad = tensor.ge(0).logical_and(tensor.le(1)).logical_not().flatten(1).any(1);
            long row = First(bad);
            (double rowLow, double rowHigh) = Range(tensor[row]);
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} must hold pixels in [0, 1], but image {row} holds values from {rowLow:g4} to {rowHigh:g4}. Map [-1, 1] by (x + 1) / 2 and [0, 255] by x / 255."),
                name);
        }
    }

    /// <summary>Requires that no entry is NaN or infinite, and names the first row that holds one.</summary>
    public static void Finite(Tensor tensor, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (SumIsFinite(tensor)) return;
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            Tensor bad = tensor.isfinite().logical_not();
            long count = bad.sum().ToInt64();
            if (count == 0) return;
            long row = First(tensor.dim() > 1 ? bad.flatten(1).any(1) : bad);
            throw new ArgumentException($"{name} must be finite, but {count} of its entries are NaN or infinite, the first in row {row}.", name);
        }
    }

    /// <summary>Whether no entry is NaN or infinite.</summary>
    public static bool IsFinite(Tensor tensor)
    {
        if (SumIsFinite(tensor)) return true;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return tensor.isfinite().all().Holds();
    }

    public static void SameRows(Tensor source, Tensor target, string sourceName, string targetName)
    {
        if (source.size(0) == target.size(0)) return;
        throw new ArgumentException(
            $"{targetName} must hold as many rows as {sourceName}, but the shapes are {Shape(source)} and {Shape(target)}. Row i of both must come from the same input.",
            targetName);
    }

    public static void SameDevice(Tensor source, Tensor target, string sourceName, string targetName)
    {
        if (source.device_type == target.device_type && source.device_index == target.device_index) return;
        throw new ArgumentException(
            $"{targetName} must be on the device of {sourceName}, but the devices are {source.device} and {target.device}. Move one with .to(device).", targetName);
    }

    private static void Floating(Tensor tensor, string name)
    {
        if (tensor.is_floating_point()) return;
        throw new ArgumentException($"{name} must be floating point, but its dtype is {tensor.dtype}. Convert it: tensor.to_type(ScalarType.Float32).", name);
    }

    // One pass without a copy, where isfinite makes several. What is NaN or infinite makes every sum with it so; a sum of finite numbers may overflow, so the answer no decides nothing.
    private static bool SumIsFinite(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return double.IsFinite(tensor.sum().Number());
    }

    private static (double Low, double High) Range(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            // Both hand NaN on, so one pass each tells everything; over named axes they are vectorised better than min and max.
            long[] axes = [.. Enumerable.Range(0, (int)tensor.dim()).Select(axis => (long)axis)];
            return (tensor.amin(axes).Number(), tensor.amax(axes).Number());
        }
    }

    private static long First(Tensor rows) => rows.to_type(ScalarType.Int32).argmax().ToInt64();
}
