using System.Globalization;
using LatentStitching.Metrics.Distribution;

namespace LatentStitching.Benchmarks.Metrics;

/// <summary>The Fréchet distance beside the ways of the published tools, in one run on one thread: the root (Σ₁Σ₂)^½ itself, as pytorch-fid has it from SciPy, here from an eigendecomposition; and the eigenvalues of Σ₁Σ₂ alone, as torch-fidelity takes them.</summary>
internal static class DistributionComparison
{
    private const int Dimension = 2048;

    public static int Run()
    {
        set_num_threads(1);
        Compare(100, 100);
        Compare(10_000, 10_000);
        return 0;
    }

    private static void Compare(int candidates, int references)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(0);
        // A spectrum that falls as the activations of a network do.
        Tensor mix = randn([Dimension, Dimension], generator: generator).div_(Math.Sqrt(Dimension)).mul_(arange(1, Dimension + 1).to_type(ScalarType.Float32).pow(-0.5).unsqueeze(1));
        using FeatureStatistics one = new("synthetic", Dimension), other = new("synthetic", Dimension);
        Sampling.Timed sums = Sampling.Best(1, () =>
        {
            one.Add(randn([candidates, Dimension], generator: generator).mm(mix));
            other.Add(randn([references, Dimension], generator: generator).mm(mix).add_(0.01f));
            return 0;
        });
        Sampling.Timed ours = Sampling.Best(3, () => FrechetDistance.Evaluate(one, other).Distance.Value);
        using Tensor sigma = one.Covariance(), tau = other.Covariance(), mean = one.Mean(), its = other.Mean();
        double apart = mean.sub(its).square().sum().ToDouble() + sigma.trace().ToDouble() + tau.trace().ToDouble();
        Sampling.Timed eigenvalues = Sampling.Best(1, () => apart - (2 * linalg.eigvals(sigma.mm(tau)).sqrt().real.sum().ToDouble()));
        Sampling.Timed root = Sampling.Best(1, () =>
        {
            (Tensor values, Tensor vectors) = linalg.eig(sigma.mm(tau));
            return apart - (2 * linalg.solve(vectors.mH, (vectors * values.sqrt()).mH).real.trace().ToDouble());
        });
        Sampling.Timed symmetric = Sampling.Best(1, () => apart - (2 * SymmetricRootTrace(sigma, tau, candidates <= Dimension ? 1e-14 : 0)));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Fréchet distance, d {Dimension}, n {candidates}/{references}: {ours.Seconds:0.0000} s; sums {sums.Seconds:0.00} s; root of the product {root.Seconds:0.00} s, {root.Seconds / ours.Seconds:0.0} times as long, differs by {Math.Abs(root.Value - ours.Value) / ours.Value:0.0e0} of the distance; its eigenvalues {eigenvalues.Seconds:0.00} s, {eigenvalues.Seconds / ours.Seconds:0.0} times as long, differs by {Math.Abs(eigenvalues.Value - ours.Value) / ours.Value:0.0e0}; symmetric root without rounding {symmetric.Seconds:0.00} s, {symmetric.Seconds / ours.Seconds:0.0} times as long, differs by {Math.Abs(symmetric.Value - ours.Value) / ours.Value:0.0e0}"));
    }

    private static double SymmetricRootTrace(Tensor a, Tensor b, double floor)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(a);
        Tensor root = (vectors * values.clamp(min: 0).sqrt()).mm(vectors.t());
        Tensor spectrum = linalg.eigvalsh(root.mm(b).mm(root));
        return spectrum.where(spectrum > spectrum.max() * floor, zeros_like(spectrum)).sqrt().sum().ToDouble();
    }
}
