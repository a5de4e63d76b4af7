using LatentStitching.Mapping;
using LatentStitching.Numerics;

namespace LatentStitching.Editing;

/// <summary>Named directions of one latent space: unit vectors, and how long what they were made of was. Immutable but for disposal; owns its tensors.</summary>
/// <remarks><see cref="Directions"/> makes them from probes, class means, principal components and regressions.</remarks>
public sealed class LatentDirections : IDisposable
{
    // Below this share of what it came from, a vector is rounding noise.
    private const double Vanished = 1e-10;

    private readonly Tensor _vectors; // [k, d], float64, unit rows
    private bool _disposed;

    /// <summary>Makes directions of vectors of any length.</summary>
    /// <param name="names">The directions' names, all different.</param>
    /// <param name="vectors">Vectors [k, d], one a row, floating point, finite, none zero. Copied.</param>
    /// <exception cref="ArgumentException">Names and rows do not match, a name comes twice, or a vector is zero or not finite.</exception>
    public LatentDirections(IReadOnlyList<string> names, Tensor vectors)
        : this(names, vectors, null)
    {
    }

    private LatentDirections(IReadOnlyList<string> names, Tensor vectors, double[]? least)
    {
        ArgumentNullException.ThrowIfNull(names);
        TensorGuard.FiniteMatrix(vectors);
        if (vectors.size(0) != names.Count) throw new ArgumentException($"vectors must have {names.Count} rows, one a name, but their shape is {TensorGuard.Shape(vectors)}.", nameof(vectors));
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!seen.Add(Guard.NotBlank(name, nameof(names)))) throw new ArgumentException($"names must differ, but '{name}' comes twice.", nameof(names));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor wide = vectors.detach().to_type(ScalarType.Float64);
        double[] lengths = wide.norm(1).cpu().data<double>().ToArray();
        for (int i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] > (least?[i] ?? 0)) continue;
            throw new ArgumentException($"vectors must not vanish, but nothing is left of '{names[i]}'. It lies in what was taken off, or was zero.", nameof(vectors));
        }
        Names = [.. names];
        Lengths = lengths;
        Dimension = vectors.size(1);
        _vectors = wide.div(tensor(lengths, device: wide.device).unsqueeze(1)).DetachFromDisposeScope();
    }

    /// <summary>The directions, in order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Width of the latent.</summary>
    public long Dimension { get; }

    /// <summary>The unit vectors [k, d], float64. Belongs to the directions: do not dispose or change it.</summary>
    public Tensor Vectors
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _vectors;
        }
    }

    /// <summary>Length of each vector before it was made a unit, in the unit of what made it: latent units a step for class means and regressions, latent units a standard deviation for principal components.</summary>
    public IReadOnlyList<double> Lengths { get; }

    /// <summary>The place of a direction.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>From 0.</returns>
    /// <exception cref="ArgumentException">There is no such direction; the text lists those there are.</exception>
    public int IndexOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        for (int i = 0; i < Names.Count; i++)
        {
            if (Names[i] == name) return i;
        }
        throw new ArgumentException($"name must be one of the directions {string.Join(", ", Names)}, but it is '{name}'.", nameof(name));
    }

    /// <summary>Some of the directions, in the order asked for.</summary>
    /// <param name="names">Their names, at least one.</param>
    /// <returns>New directions, owned by the caller.</returns>
    /// <exception cref="ArgumentException">There is no name, or no such direction.</exception>
    public LatentDirections Select(params IReadOnlyList<string> names)
    {
        Guard.NotEmpty(names, "Name a direction.");
        long[] rows = [.. names.Select(name => (long)IndexOf(name))];
        using var scope = NewDisposeScope();
        return new LatentDirections(names, Long().index_select(0, tensor(rows, device: Vectors.device)));
    }

    /// <summary>Takes off each direction whatever lies in the span of others, so that moving along it leaves them alone to first order: conditional manipulation.</summary>
    /// <remarks>Source: Shen, Gu, Tang and Zhou, "Interpreting the Latent Space of GANs for Semantic Face Editing" (CVPR 2020), section 2.3 (arXiv:1907.10786). Others that depend on one another span what they span.</remarks>
    /// <param name="others">The directions to leave alone, of the same width. Not disposed.</param>
    /// <returns>New directions under the same names, owned by the caller; <see cref="Lengths"/> tell how much was left.</returns>
    /// <exception cref="ArgumentException">The widths or devices differ, or nothing is left of a direction.</exception>
    public LatentDirections Conditioned(LatentDirections others)
    {
        ArgumentNullException.ThrowIfNull(others);
        if (others.Dimension != Dimension) throw new ArgumentException($"others must have {Dimension} columns, but they have {others.Dimension}.", nameof(others));
        TensorGuard.SameDevice(Vectors, others.Vectors, "the directions", nameof(others));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (_, Tensor singular, Tensor basis) = linalg.svd(others.Vectors, fullMatrices: false);
        long rank = singular.gt(singular[0].mul(Vanished)).sum().ToInt64();
        basis = basis.narrow(0, 0, rank);
        Tensor left = Long();
        // Twice, so that what rounding leaves of a nearly parallel direction goes as well.
        for (int pass = 0; pass < 2; pass++) left = left.sub(left.mm(basis.t()).mm(basis));
        return new LatentDirections(Names, left, [.. Lengths.Select(length => length * Vanished)]);
    }

    /// <summary>Carries the directions to another space: v ↦ A·v, A the map's linear part. The offset moves points, not directions.</summary>
    /// <param name="map">A map from the directions' space. Not disposed.</param>
    /// <returns>Directions of the map's target under the same names, owned by the caller; <see cref="Lengths"/> are those of A·v.</returns>
    /// <exception cref="ArgumentException">The width or device does not fit, or the map takes a direction to zero.</exception>
    public LatentDirections Through(AffineMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return new LatentDirections(Names, map.Transport(Long()));
    }

    /// <summary>Cosines of the angles to other directions.</summary>
    /// <param name="others">Directions of the same space. Not disposed.</param>
    /// <returns>[k, others], float64, in [−1, 1], owned by the caller.</returns>
    /// <exception cref="ArgumentException">The widths or devices differ.</exception>
    public Tensor Cosines(LatentDirections others)
    {
        ArgumentNullException.ThrowIfNull(others);
        if (others.Dimension != Dimension) throw new ArgumentException($"others must have {Dimension} columns, but they have {others.Dimension}.", nameof(others));
        TensorGuard.SameDevice(Vectors, others.Vectors, "the directions", nameof(others));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return Vectors.mm(others.Vectors.t()).clamp(-1, 1).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the tensor. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _vectors.Dispose();
    }

    /// <summary>Says the size.</summary>
    /// <returns>For example "10 directions of 512 columns".</returns>
    public override string ToString() => $"{Names.Count} directions of {Dimension} columns";

    private Tensor Long() => Vectors.mul(tensor([.. Lengths], device: Vectors.device).unsqueeze(1));
}
