using LatentStitching.Fitting;
using LatentStitching.Pairing;

namespace LatentStitching.Tests.Support;

/// <summary>Asserts that a fit stops where it is cancelled.</summary>
internal static class Cancellation
{
    /// <summary>Cancels at the first step that is reported: there is no second.</summary>
    public static void ShouldStopAfterOneStep(this ILatentMapFitter fitter, LatentPairs pairs)
    {
        using CancellationTokenSource source = new();
        Steps<FitProgress> steps = new(source.Cancel);
        Action act = () => fitter.Fit(pairs, steps, source.Token);
        act.Should().Throw<OperationCanceledException>();
        steps.All.Should().ContainSingle();
    }
}
