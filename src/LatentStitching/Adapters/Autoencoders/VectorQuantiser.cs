using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Nearest vectors of a codebook: van den Oord et al., "Neural Discrete Representation Learning" (arXiv:1711.00937), eq. 1 and 2.</summary>
internal static class VectorQuantiser
{
    // Distances held at once: 64 MiB of float32.
    private const long Block = 1 << 24;

    /// <summary>Vectors [m, e] → indices of the nearest of the codebook [k, e] by Euclidean distance, [m] int64.</summary>
    public static Tensor Nearest(Tensor vectors, Tensor codebook)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        // ‖z − e‖² without ‖z‖², which is the same for every e.
        Tensor norms = codebook.square().sum([1]), transposed = codebook.t();
        List<Tensor> blocks = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(vectors.size(0), Math.Max(1, Block / codebook.size(0))))
        {
            using var inner = NewDisposeScope();
            blocks.Add(addmm(norms, vectors.narrow(0, start, size), transposed, 1, -2).argmin(1).MoveToOuterDisposeScope());
        }
        return cat(blocks, 0).MoveToOuterDisposeScope();
    }

    /// <summary>A map [n, e, h, w] → its vectors [n·h·w, e].</summary>
    public static Tensor Vectors(Tensor map) => map.permute(0, 2, 3, 1).reshape(-1, map.size(1));

    /// <summary>Indices [n·h·w] → the map of their vectors, in the shape [n, e, h, w] of the map given.</summary>
    public static Tensor Map(Tensor indices, Tensor codebook, Tensor like) =>
        codebook.index_select(0, indices).reshape(like.size(0), like.size(2), like.size(3), like.size(1)).permute(0, 3, 1, 2).contiguous();
}
