using System.Runtime.CompilerServices;
using LatentStitching.Numerics;

namespace LatentStitching.Checkpoints;

/// <summary>Checks on named tensors that a caller hands over.</summary>
internal static class NamedTensors
{
    public static void Check(
        IReadOnlyList<(string Name, Tensor Tensor)> tensors, [CallerArgumentExpression(nameof(tensors))] string parameter = "")
    {
        ArgumentNullException.ThrowIfNull(tensors, parameter);
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach ((string name, Tensor tensor) in tensors)
        {
            if (name is null) throw new ArgumentException($"{parameter} must hold names, but one is null.", parameter);
            if (tensor is null) throw new ArgumentException($"{parameter} must hold tensors, but '{name}' is null.", parameter);
            if (tensor.IsInvalid) throw new ObjectDisposedException(parameter, $"{parameter} must hold live tensors, but '{name}' has been disposed.");
            if (!names.Add(name)) throw new ArgumentException($"{parameter} must differ in their names, but '{name}' comes twice.", parameter);
        }
    }

    /// <summary>Also requires what a file can hold.</summary>
    public static void CheckWritable(
        IReadOnlyList<(string Name, Tensor Tensor)> tensors, [CallerArgumentExpression(nameof(tensors))] string parameter = "")
    {
        Check(tensors, parameter);
        foreach ((string name, Tensor tensor) in tensors)
        {
            if (name == SafeTensorsHeader.MetadataName)
            {
                throw new ArgumentException($"{parameter} must not be named '{name}', which the format keeps for its metadata. Rename the tensor.", parameter);
            }
            if (ElementType.Of(tensor.dtype) is null)
            {
                throw new ArgumentException(
                    $"{parameter} must be of a type that the format holds ({ElementType.SafeTensorsNames}), but '{name}' is {tensor.dtype}. "
                    + "Convert it first; a complex tensor by view_as_real.",
                    parameter);
            }
            if (tensor.is_sparse || tensor.device_type == DeviceType.META)
            {
                throw new ArgumentException(
                    $"{parameter} must be dense and hold values, but '{name}' is {(tensor.is_sparse ? "sparse" : "on the meta device")} "
                    + $"{TensorGuard.Shape(tensor)}.",
                    parameter);
            }
        }
    }
}
