using LatentStitching.Data;
using LatentStitching.Models;

namespace LatentStitching.Tests.Support;

/// <summary>Small models and images whose answers are known.</summary>
internal static class Toy
{
    public static readonly ImageFormat Format = new(1, 2, 3);

    /// <summary>A model whose latent is an invertible matrix times the six pixels.</summary>
    public static DelegateLatentModel Linear(string name, ulong seed, bool prior = false)
    {
        Tensor matrix;
        using (var scope = NewDisposeScope())
        {
            using Generator generator = new(seed);
            matrix = randn([6, 6], ScalarType.Float32, generator: generator).add(eye(6).mul(4)).DetachFromDisposeScope();
        }
        // A test's models are few and small: the matrix is freed with the scope below through the model's functions alone.
        float[] values = matrix.data<float>().ToArray();
        matrix.Dispose();
        return LatentModel.FromFunctions(
            name,
            Format,
            LatentSpace.Vector(6),
            images => images.flatten(1).mm(tensor(values).reshape(6, 6)),
            latents => linalg.solve(tensor(values).reshape(6, 6).t(), latents.t()).t().reshape(-1, 1, 2, 3),
            prior ? (count, generator) => rand([count, 6], generator: generator).mm(tensor(values).reshape(6, 6)) : null);
    }

    public static TensorImages Images(int count, ulong seed = 0)
    {
        using Generator generator = new(seed);
        using Tensor pixels = rand([count, 1, 2, 3], ScalarType.Float32, generator: generator);
        return new TensorImages("toy", pixels.data<float>().ToArray(), Format);
    }
}

/// <summary>Images held as plain numbers.</summary>
internal sealed class TensorImages(string name, float[] pixels, ImageFormat format) : IImageSource
{
    public string Name => name;

    public ImageFormat Image => format;

    public IReadOnlyList<string> Ids { get; } = [.. Enumerable.Range(0, (int)(pixels.Length / format.PixelCount)).Select(i => $"{name}-{i}")];

    public AttributeTable? Attributes => null;

    public Tensor Load(IReadOnlyList<int> indices)
    {
        using var scope = NewDisposeScope();
        Tensor all = tensor(pixels).reshape(-1, format.Channels, format.Height, format.Width);
        return all.index_select(0, tensor(indices.Select(i => (long)i).ToArray())).MoveToOuterDisposeScope();
    }
}
