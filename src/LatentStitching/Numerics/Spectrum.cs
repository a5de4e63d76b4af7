namespace LatentStitching.Numerics;

/// <summary>The eigenvalues of a Gram matrix, descending, as numbers to report.</summary>
internal sealed class Spectrum
{
    /// <summary>The spacing of float64 at 1.</summary>
    public const double Epsilon = 2.220446049250313e-16;

    private readonly double[] _eigenvalues;

    private Spectrum(double[] eigenvalues, long rank)
    {
        _eigenvalues = eigenvalues;
        Rank = rank;
    }

    /// <summary>Number of eigenvalues above <see cref="MomentSolver.Cut"/>. A direction of X whose singular value is below √ of that relative to σ₁ does not count.</summary>
    public long Rank { get; }

    /// <summary>σ₁/σᵣ of X, r the rank; infinite for rank 0.</summary>
    public double ConditionNumber => Rank == 0 ? double.PositiveInfinity : Math.Sqrt(_eigenvalues[0] / _eigenvalues[Rank - 1]);

    public static Spectrum Of(Tensor gram, long rows, long columns)
    {
        using var scope = NewDisposeScope();
        double[] values = linalg.eigvalsh(gram).cpu().data<double>().ToArray();
        Array.Reverse(values);
        double cut = values[0] * MomentSolver.Cut(Math.Max(rows, columns));
        return new Spectrum(values, values.Count(value => value > cut));
    }

    /// <summary>Σλ/(λ + α): the parameters that a ridge fit spends on each target, without the intercept.</summary>
    public double DegreesOfFreedom(double alpha) => _eigenvalues.Where(value => value > 0).Sum(value => value / (value + alpha));
}
