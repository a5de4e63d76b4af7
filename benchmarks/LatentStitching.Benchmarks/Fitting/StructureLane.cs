using System.Diagnostics;
using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Pairing;

namespace LatentStitching.Benchmarks.Fitting;

/// <summary>Maps between 3×64×64 latents from 1,000 pairs: one fit of low rank, and the choice of a structure, each with its time and the most memory beside the pairs.</summary>
/// <remarks>The latents are smooth random fields. The target's channels mix the source's and their neighbours', a few directions of the whole image act on the whole image, and a third is noise. The Kronecker product, whose Gram matrix of 4,096 places costs more than all the rest, is left out unless asked for.</remarks>
internal static class StructureLane
{
    public static int Run(bool all, bool small)
    {
        (long rows, long side) = small ? (200L, 16L) : (1000L, 64L);
        using LatentPairs pairs = Pairs(rows, side);
        Measure("one fit", pairs, new ReducedRankPathFitter(new ReducedRankPathOptions { ChooseAlpha = true }));
        long[] shape = [3, side, side];
        StructureOptions options = StructureOptions.ForImages(shape, shape);
        if (!all) options = options with { Candidates = [.. options.Candidates.Where(candidate => candidate is not KroneckerFitter)] };
        Measure("the choice", pairs, new StructureFitter(options));
        return 0;
    }

    private static void Measure(string what, LatentPairs pairs, ILatentMapFitter fitter)
    {
        double before = WideFit.Status("VmRSS:");
        var clock = Stopwatch.StartNew();
        TimeSpan start = Environment.CpuUsage.TotalTime;
        using LatentMapFit fit = fitter.Fit(pairs);
        double seconds = (Environment.CpuUsage.TotalTime - start).TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: {fit.Report}; {fit.Affine.Form}; {seconds:0} CPU s, {clock.Elapsed.TotalSeconds:0} s; {before:0.00} GB before, {WideFit.Status("VmHWM:") - before:0.00} GB more at the peak so far"));
        foreach (StructureCandidate candidate in fit.Report.Candidates) Console.WriteLine($"  {candidate}");
    }

    private static LatentPairs Pairs(long rows, long side)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(0);
        Tensor Draw(params long[] shape) => randn(shape, ScalarType.Float32, generator: generator);
        Tensor Smooth(long count) => nn.functional.interpolate(Draw(count, 3, side / 8, side / 8), [side, side], mode: InterpolationMode.Bilinear, align_corners: false);
        Tensor source = Smooth(rows).add_(Draw(rows, 3, side, side).mul_(0.3));
        Tensor target = nn.functional.conv2d(source, Draw(3, 3, 3, 3).mul_(0.15), padding: [1, 1]);
        Tensor seen = Smooth(6).flatten(1).div_(20.0 * side), shown = Smooth(6).flatten(1);
        target = target.flatten(1).add_(source.flatten(1).mm(seen.t()).mm(shown)).add_(Draw(rows, 3 * side * side).mul_(0.5));
        return new LatentPairs(source.flatten(1), target);
    }
}
