using System.Numerics;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>Checks of options that only this family has.</summary>
internal static class GanGuard
{
    public static T Defined<T>(T value, string name)
        where T : struct, Enum
    {
        if (Enum.IsDefined(value)) return value;
        string[] names = Enum.GetNames<T>();
        string list = names.Length == 2 ? $"{names[0]} or {names[1]}" : $"{string.Join(", ", names[..^1])} or {names[^1]}";
        throw new ArgumentOutOfRangeException(name, $"{name} must be {list}, but it is {value}.");
    }

    public static int Within(int value, int least, int most, string name) =>
        value >= least && value <= most ? value : throw new ArgumentOutOfRangeException(name, $"{name} must lie from {least} to {most}, but it is {value}.");

    public static ImageFormat PowerOfTwo(ImageFormat image, string name)
    {
        ArgumentNullException.ThrowIfNull(image, name);
        return image.Height == image.Width && image.Height >= 8 && BitOperations.IsPow2(image.Height)
            ? image
            : throw new ArgumentException($"{name} must be square with a power of two from 8 as its side, but it is {image}.", name);
    }
}
