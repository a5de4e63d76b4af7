using LatentStitching.Numerics;
using LatentStitching.Probing;

namespace LatentStitching.Editing;

/// <summary>Finds directions of a latent space.</summary>
public static class Directions
{
    /// <summary>The normals of probes' hyperplanes: the shortest way across each boundary.</summary>
    /// <remarks>Source: Shen, Gu, Tang and Zhou, "Interpreting the Latent Space of GANs for Semantic Face Editing" (CVPR 2020), section 2.2 (arXiv:1907.10786).</remarks>
    /// <param name="probes">The probes. Not disposed.</param>
    /// <returns>One direction a probe, owned by the caller; its length is the change of score for one latent unit.</returns>
    /// <exception cref="ArgumentException">A probe has no coefficients but zeros.</exception>
    public static LatentDirections FromProbes(LinearProbes probes)
    {
        ArgumentNullException.ThrowIfNull(probes);
        return new LatentDirections(probes.Names, probes.Weight);
    }

    /// <summary>From the mean of the rows without an attribute to the mean of those with it.</summary>
    /// <remarks>Source: Larsen, Sønderby, Larochelle and Winther, "Autoencoding beyond pixels using a learned similarity metric" (ICML 2016): visual attribute vectors (arXiv:1512.09300).</remarks>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <param name="labels">Labels of the n rows; each attribute looks at the rows it uses.</param>
    /// <returns>One direction an attribute, owned by the caller; its length is the distance of the means.</returns>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a label, an attribute has one class only, or its two means are the same.</exception>
    public static LatentDirections FromClassMeans(Tensor latents, ProbeLabels labels)
    {
        ProbeGuard.Inputs(latents, labels);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double[] weights = new double[labels.Names.Count * labels.Count];
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            (int rows, int positives) = labels.Size(attribute);
            for (int row = 0; row < labels.Count; row++)
            {
                if (labels.Uses(row, attribute)) weights[(attribute * labels.Count) + row] = labels[row, attribute] ? 1.0 / positives : -1.0 / (rows - positives);
            }
        }
        // The weights of an attribute sum to zero, so centring changes nothing but the rounding.
        Tensor differences = CentredMatrix.Of(latents, centre: true).TransposeTimes(tensor(weights, [labels.Names.Count, labels.Count], device: latents.device).t());
        return new LatentDirections(labels.Names, differences.t());
    }

    /// <summary>The directions in which latents vary most.</summary>
    /// <remarks>Source: Härkönen, Hertzmann, Lehtinen and Paris, "GANSpace: Discovering Interpretable GAN Controls" (NeurIPS 2020; arXiv:2004.02546), who take the principal components of a GAN's intermediate latents.</remarks>
    /// <param name="latents">Latent batch [n, d], floating point, finite, at least two rows. Not disposed.</param>
    /// <param name="count">How many, from 1 to the smaller of n − 1 and d.</param>
    /// <param name="seed">Seed of the randomised decomposition.</param>
    /// <returns>Directions "component 1", "component 2"..., owned by the caller, each with its largest entry positive; the length is the standard deviation along it (n − 1).</returns>
    /// <exception cref="ArgumentException">The latents are not a finite matrix, or vary in fewer than <paramref name="count"/> directions.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is out of range.</exception>
    public static LatentDirections FromPrincipalComponents(Tensor latents, int count, ulong seed = 0)
    {
        TensorGuard.FiniteMatrix(latents);
        long most = Math.Min(latents.size(0) - 1, latents.size(1));
        if (count < 1 || count > most) throw new ArgumentOutOfRangeException(nameof(count), $"count must lie from 1 to {most} for latents {TensorGuard.Shape(latents)}, but it is {count}.");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (Tensor components, Tensor singular) = PrincipalSubspace.Find(CentredMatrix.Of(latents, centre: true).Whole(), count, seed);
        long varying = singular.gt(singular[0].mul(1e-12)).sum().ToInt64();
        if (varying < count) throw new ArgumentException($"latents must vary in {count} directions, but they vary in {varying}. Ask for fewer.", nameof(latents));
        Tensor deviations = singular.div(Math.Sqrt(latents.size(0) - 1));
        return new LatentDirections([.. Enumerable.Range(1, count).Select(i => $"component {i}")], PrincipalSubspace.WithFixedSigns(components).mul(deviations.unsqueeze(1)));
    }

    /// <summary>The straight trajectory of latents as a measured quantity grows: the slopes of least squares of the latents on the quantities.</summary>
    /// <remarks>
    /// Several quantities are regressed on together, so each direction holds the others still; pass one alone for its total trajectory. Source: the linear regression of latents on pose in Asperti, Colasuonno and Guerra, "Head Rotation in
    /// Denoising Diffusion Models" (arXiv:2308.06057).
    /// </remarks>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <param name="quantities">What was measured of each row [n, k], floating point, finite, for example yaw in degrees. Not disposed.</param>
    /// <param name="names">The name of each quantity.</param>
    /// <returns>One direction a quantity, owned by the caller; its length is latent units per unit of the quantity.</returns>
    /// <exception cref="ArgumentException">Shapes or devices do not fit, there are too few rows, or a quantity is constant or follows from the others.</exception>
    public static LatentDirections FromRegression(Tensor latents, Tensor quantities, IReadOnlyList<string> names)
    {
        TensorGuard.FiniteMatrix(latents);
        TensorGuard.FiniteMatrix(quantities);
        TensorGuard.SameRows(latents, quantities, nameof(latents), nameof(quantities));
        TensorGuard.SameDevice(latents, quantities, nameof(latents), nameof(quantities));
        ArgumentNullException.ThrowIfNull(names);
        if (names.Count != quantities.size(1)) throw new ArgumentException($"names must hold a name a quantity, {quantities.size(1)}, but they hold {names.Count}.", nameof(names));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(quantities, centre: true), y = CentredMatrix.Of(latents, centre: true);
        // Quantities come in units of their own: scaled, so that degrees and shares are told apart from dependence.
        Tensor gram = x.Gram(), scale = gram.diagonal().sqrt();
        Tensor usable = scale.gt(x.Centre.abs().mul(1e-10 * Math.Sqrt(quantities.size(0)))).logical_and(scale.gt(0));
        long rank = usable.all().ToBoolean() ? linalg.eigvalsh(gram.div(scale.outer(scale))).gt(1e-10).sum().ToInt64() : usable.sum().ToInt64();
        if (rank < names.Count)
        {
            throw new ArgumentException($"quantities must vary independently, but of {names.Count} only {rank} do over {quantities.size(0)} rows. Leave out those that are constant or follow from others, or pass more rows.", nameof(quantities));
        }
        Tensor cross = x.TransposeTimes(y).div(scale.unsqueeze(1));
        Tensor slopes = MomentSolver.Solve(gram.div(scale.outer(scale)), cross, quantities.size(0), 0, CancellationToken.None).Weight.div(scale.unsqueeze(1));
        return new LatentDirections(names, slopes);
    }
}
