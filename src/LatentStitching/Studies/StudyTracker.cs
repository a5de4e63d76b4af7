using System.Diagnostics;
using LatentStitching.Latents;

namespace LatentStitching.Studies;

/// <summary>Counts a study's parts, reports them, and keeps the failures of those that failed.</summary>
internal sealed class StudyTracker(IProgress<StudyProgress>? progress, CancellationToken cancellationToken)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<StudyFailure> _failures = [];
    private readonly Lock _gate = new();
    private int _done;
    private int _computed;
    private volatile bool _progressFailed;

    public int Total { get; set; }

    /// <summary>In an order that does not depend on threads.</summary>
    public IReadOnlyList<StudyFailure> Failures => [.. _failures.OrderBy(failure => Rank(failure.Step)).ThenBy(failure => failure.Item, StringComparer.Ordinal)];

    /// <summary>Runs a part; keeps what it throws, but for the caller's own cancellation and what the caller's progress threw.</summary>
    public void Try(string step, string item, Action part)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            part();
        }
        catch (Exception fault) when (!_progressFailed && !(fault is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            lock (_gate)
            {
                _failures.Add(new StudyFailure(step, item, fault.GetType().Name, fault.Message));
            }
        }
    }

    public IProgress<EncodingProgress> Within(string item) => new Relay(this, item);

    public void Finish(string item, bool resumed)
    {
        lock (_gate)
        {
            _done++;
            if (!resumed) _computed++;
            Report(item, resumed, 1);
        }
    }

    private static int Rank(string step) => Array.IndexOf(["encode", "own", "pair", "path"], step);

    private void Report(string item, bool resumed, double share) => progress?.Report(new StudyProgress
    {
        Done = _done,
        Total = Total,
        Item = item,
        Resumed = resumed,
        Share = share,
        Remaining = _computed == 0 ? null : _clock.Elapsed / _computed * (Total - _done),
    });

    private sealed class Relay(StudyTracker tracker, string item) : IProgress<EncodingProgress>
    {
        public void Report(EncodingProgress value)
        {
            try
            {
                lock (tracker._gate) tracker.Report(item, resumed: false, (double)value.Done / value.Total * 0.999);
            }
            catch
            {
                tracker._progressFailed = true;
                throw;
            }
        }
    }
}
