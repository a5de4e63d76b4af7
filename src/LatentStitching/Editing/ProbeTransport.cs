using LatentStitching.Mapping;
using LatentStitching.Numerics;
using LatentStitching.Probing;

namespace LatentStitching.Editing;

/// <summary>Carries hyperplanes through maps.</summary>
public static class ProbeTransport
{
    /// <summary>Carries probes of a map's target back to its source: w ↦ Aᵀw, with the offset b·w added.</summary>
    /// <remarks>Normals go against the map and directions along it: <see cref="LatentDirections.Through"/>. The two agree only for a rotation.</remarks>
    /// <param name="probes">Probes of the map's target. Not disposed.</param>
    /// <param name="map">The map. Not disposed.</param>
    /// <returns>Probes of the source space that score a latent as <paramref name="probes"/> score it mapped, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The width or device does not fit.</exception>
    public static LinearProbes PullBack(this LinearProbes probes, AffineMap map)
    {
        ArgumentNullException.ThrowIfNull(probes);
        ArgumentNullException.ThrowIfNull(map);
        if (probes.Dimension != map.TargetDimension)
        {
            throw new ArgumentException($"probes must have {map.TargetDimension} columns, the width of the map's target, but they have {probes.Dimension}.", nameof(probes));
        }
        TensorGuard.SameDevice(map.Bias, probes.Weight, nameof(map), nameof(probes));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor bias = probes.Bias.add(probes.Weight.mv(map.Bias.to_type(ScalarType.Float64)));
        return new LinearProbes(probes.Names, map.PullBack(probes.Weight), bias, probes.Decision, probes.GivesProbabilities);
    }
}
