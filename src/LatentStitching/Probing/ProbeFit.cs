using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Trained probes and how their training went. Owns the probes.</summary>
public sealed class ProbeFit : IDisposable
{
    /// <summary>Joins probes and reports.</summary>
    /// <param name="probes">The probes, which now belong to the fit.</param>
    /// <param name="reports">One report a probe, in their order.</param>
    /// <param name="signature">The trainer's signature.</param>
    /// <exception cref="ArgumentException">The numbers differ, or the signature is blank.</exception>
    public ProbeFit(LinearProbes probes, IReadOnlyList<ProbeReport> reports, string signature)
    {
        ArgumentNullException.ThrowIfNull(probes);
        ArgumentNullException.ThrowIfNull(reports);
        Signature = Guard.NotBlank(signature);
        if (reports.Count != probes.Names.Count) throw new ArgumentException($"reports must hold {probes.Names.Count} reports, one a probe, but it holds {reports.Count}.", nameof(reports));
        Probes = probes;
        Reports = reports;
    }

    /// <summary>The probes.</summary>
    public LinearProbes Probes { get; }

    /// <summary>One report a probe.</summary>
    public IReadOnlyList<ProbeReport> Reports { get; }

    /// <summary>The choices that the probes depend on.</summary>
    public string Signature { get; }

    /// <summary>Frees the probes.</summary>
    public void Dispose() => Probes.Dispose();
}
