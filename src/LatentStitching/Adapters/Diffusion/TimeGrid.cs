using System.Globalization;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>The way between image and latent: node 0 is the image, node i > 0 lies at time <c>Times[i − 1]</c>, the last node is the latent. One grid serves both directions.</summary>
internal sealed class TimeGrid
{
    private TimeGrid(int[] times, double[] alphaBars)
    {
        Times = times;
        AlphaBars = alphaBars;
    }

    /// <summary>Times of the nodes after the image, ascending.</summary>
    public IReadOnlyList<int> Times { get; }

    /// <summary>ᾱ of all nodes; one more than there are times.</summary>
    public IReadOnlyList<double> AlphaBars { get; }

    public int Steps => Times.Count;

    public static TimeGrid Of(NoiseSchedule schedule, int steps, StepSpacing spacing, int offset, bool setAlphaToOne, string name)
    {
        int total = schedule.Steps;
        if (steps > total) throw new ArgumentException($"{name} must have at most as many steps as the schedule has times, but they are {steps} and {total}.", name);
        int[] times = [.. Enumerable.Range(0, steps).Select(i => spacing switch
        {
            StepSpacing.Trailing => (int)Math.Round(total - ((steps - 1 - i) * (double)total / steps)) - 1,
            StepSpacing.Leading => (i * (total / steps)) + offset,
            StepSpacing.Linspace => (int)Math.Round((i + 1) * (total - 1.0) / steps),
            StepSpacing.Quadratic => (int)Math.Pow(Math.Sqrt(total * 0.8) * i / Math.Max(1, steps - 1), 2),
            _ => throw new ArgumentOutOfRangeException(name, $"{name} must have a known Spacing, but it is {spacing}."),
        })];
        for (int i = 0; i < steps; i++)
        {
            if (times[i] < total && (i == 0 || times[i] > times[i - 1])) continue;
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{name} must visit ascending times below {total}, but {spacing} spacing of {steps} steps with offset {offset} comes to {times[i]} at step {i}. Take fewer steps."),
                name);
        }
        return Of(schedule, times, setAlphaToOne ? 1 : schedule.AlphaBars[0]);
    }

    /// <summary>A grid of any ascending times of the schedule, from any level of noise.</summary>
    internal static TimeGrid Of(NoiseSchedule schedule, int[] times, double imageAlphaBar) => new(times, [imageAlphaBar, .. times.Select(time => schedule.AlphaBars[time])]);
}
