using System.Diagnostics;
using LatentStitching.Latents;

namespace LatentStitching.Studies;

/// <summary>Counts a study's parts, reports them, and keeps the failures of those that failed.</summary>
internal sealed class StudyTracker(IProgress<StudyProgress>? progress, CancellationToken cancellationToken)
{
    private static readonly string[] _order = ["encode", "own", "concepts", "pair", "path"];

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<StudyFailure> _failures = [];
    private readonly StudyPace _pace = new();
    private readonly Lock _gate = new();
    private int _done;
    private int _total;
    private volatile bool _progressFailed;

    /// <summary>In an order that does not depend on threads.</summary>
    public IReadOnlyList<StudyFailure> Failures => [.. _failures.OrderBy(failure => Array.IndexOf(_order, failure.Step)).ThenBy(failure => failure.Item, StringComparer.Ordinal)];

    /// <summary>Tells how many parts of a kind there will be.</summary>
    public void Expect(string step, int parts)
    {
        _total += parts;
        _pace.Expect(step, parts);
    }

    /// <summary>Runs a part; keeps what it throws, but for the caller's own cancellation and what the caller's progress threw.</summary>
    /// <returns>Whether it succeeded.</returns>
    public bool Try(string step, string item, Action part)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            part();
            return true;
        }
        catch (Exception fault) when (!_progressFailed && !(fault is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            lock (_gate)
            {
                _failures.Add(new StudyFailure(step, item, fault.GetType().Name, fault.Message));
            }
            return false;
        }
    }

    public IProgress<EncodingProgress> Within(string step, string item) => new Relay(this, step, item);

    public void Finish(string step, string item, bool resumed, bool failed, TimeSpan spent)
    {
        lock (_gate)
        {
            _done++;
            _pace.Finish(step, resumed ? null : spent);
            Report(step, item, resumed, failed, 1);
        }
    }

    private void Report(string step, string item, bool resumed, bool failed, double share) => progress?.Report(new StudyProgress
    {
        Done = _done,
        Total = _total,
        Step = step,
        Item = item,
        Resumed = resumed,
        Failed = failed,
        Share = share,
        Elapsed = _clock.Elapsed,
        Remaining = _pace.Remaining(step, share < 1 ? share : 0),
    });

    private sealed class Relay(StudyTracker tracker, string step, string item) : IProgress<EncodingProgress>
    {
        public void Report(EncodingProgress value)
        {
            try
            {
                lock (tracker._gate) tracker.Report(step, item, resumed: false, failed: false, (double)value.Done / value.Total * 0.999);
            }
            catch
            {
                tracker._progressFailed = true;
                throw;
            }
        }
    }
}
