using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>How much of an image is left at each time of a diffusion process: the variances β of its steps and their running product ᾱ.</summary>
/// <remarks>
/// <para>x_t = √ᾱ_t·x_0 + √(1 − ᾱ_t)·ε with ᾱ_t = Π_{s ≤ t}(1 − β_s): Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (arXiv:2006.11239), eq. 4. Times run from 0 to <see cref="Steps"/> − 1.</para>
/// <para>Computed once, in float64. Immutable; may be shared between threads.</para>
/// </remarks>
public sealed class NoiseSchedule
{
    private readonly double[] _betas;
    private readonly double[] _alphaBars;

    private NoiseSchedule(string name, double[] betas)
    {
        Name = name;
        _betas = betas;
        _alphaBars = new double[betas.Length];
        double product = 1;
        for (int t = 0; t < betas.Length; t++) _alphaBars[t] = product *= 1 - betas[t];
        Betas = _betas.AsReadOnly();
        AlphaBars = _alphaBars.AsReadOnly();
    }

    /// <summary>What the schedule is, with its numbers: "linear 1000 0.0001 0.02".</summary>
    public string Name { get; }

    /// <summary>Number of times.</summary>
    public int Steps => _betas.Length;

    /// <summary>β_t, the variance that step t adds.</summary>
    public IReadOnlyList<double> Betas { get; }

    /// <summary>ᾱ_t, the share of the image's variance that is left after step t.</summary>
    public IReadOnlyList<double> AlphaBars { get; }

    /// <summary>β from one value to another in equal steps: Ho et al. (2020), section 4.</summary>
    /// <param name="steps">Number of times, at least 2.</param>
    /// <param name="start">First β, in (0, 1).</param>
    /// <param name="end">Last β, in (0, 1).</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static NoiseSchedule Linear(int steps = 1000, double start = 1e-4, double end = 0.02) =>
        Between("linear", steps, start, end, t => start + ((end - start) * t));

    /// <summary>√β from one value to another in equal steps, known as "quad" (Song et al.) and "scaled linear" (latent diffusion).</summary>
    /// <param name="steps">Number of times, at least 2.</param>
    /// <param name="start">First β, in (0, 1).</param>
    /// <param name="end">Last β, in (0, 1).</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static NoiseSchedule ScaledLinear(int steps = 1000, double start = 1e-4, double end = 0.02) =>
        Between("scaled-linear", steps, start, end, t => Math.Pow(Math.Sqrt(start) + ((Math.Sqrt(end) - Math.Sqrt(start)) * t), 2));

    /// <summary>β along a logistic curve from −6 to 6.</summary>
    /// <param name="steps">Number of times, at least 2.</param>
    /// <param name="start">β before the curve, in (0, 1).</param>
    /// <param name="end">β after it, in (0, 1).</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static NoiseSchedule Sigmoid(int steps = 1000, double start = 1e-4, double end = 0.02) =>
        Between("sigmoid", steps, start, end, t => (1 / (1 + Math.Exp(6 - (12 * t))) * (end - start)) + start);

    /// <summary>The same β at every time.</summary>
    /// <param name="steps">Number of times, at least 2.</param>
    /// <param name="beta">β, in (0, 1).</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static NoiseSchedule Constant(int steps = 1000, double beta = 0.02)
    {
        Guard.AtLeast(steps, 2);
        Guard.Fraction(beta);
        return new NoiseSchedule(string.Create(CultureInfo.InvariantCulture, $"constant {steps} {beta}"), [.. Enumerable.Repeat(beta, steps)]);
    }

    /// <summary>ᾱ along a squared cosine: Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models" (arXiv:2102.09672), eq. 17, with β at most 0.999.</summary>
    /// <param name="steps">Number of times, at least 2.</param>
    /// <param name="offset">The s of the paper, positive; 0.008 there.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public static NoiseSchedule Cosine(int steps = 1000, double offset = 0.008)
    {
        Guard.AtLeast(steps, 2);
        Guard.Positive(offset);
        double[] betas = [.. Enumerable.Range(0, steps).Select(t => Math.Min(0.999, 1 - (Left((t + 1.0) / steps) / Left((double)t / steps))))];
        return new NoiseSchedule(string.Create(CultureInfo.InvariantCulture, $"cosine {steps} {offset}"), betas);

        double Left(double t) => Math.Pow(Math.Cos((t + offset) / (1 + offset) * Math.PI / 2), 2);
    }

    /// <summary>Takes the β of a published model.</summary>
    /// <param name="betas">β_0 to β_{T−1}, at least two, each in (0, 1).</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentException">There are fewer than two, or one is out of (0, 1).</exception>
    public static NoiseSchedule FromBetas(IReadOnlyList<double> betas)
    {
        ArgumentNullException.ThrowIfNull(betas);
        if (betas.Count < 2) throw new ArgumentException($"betas must hold at least two numbers, but it holds {betas.Count}.", nameof(betas));
        for (int t = 0; t < betas.Count; t++)
        {
            if (!(betas[t] is > 0 and < 1))
            {
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"betas must lie strictly between 0 and 1, but entry {t} is {betas[t]}."), nameof(betas));
            }
        }
        return new NoiseSchedule($"given {betas.Count}", [.. betas]);
    }

    /// <summary>Says the name.</summary>
    /// <returns>For example "linear 1000 0.0001 0.02".</returns>
    public override string ToString() => Name;

    // The curve takes the time as a share of the way, from 0 to 1.
    private static NoiseSchedule Between(string name, int steps, double start, double end, Func<double, double> beta)
    {
        Guard.AtLeast(steps, 2);
        Guard.Fraction(start);
        Guard.Fraction(end);
        return new NoiseSchedule(
            string.Create(CultureInfo.InvariantCulture, $"{name} {steps} {start} {end}"), [.. Enumerable.Range(0, steps).Select(t => beta(t / (steps - 1.0)))]);
    }
}
