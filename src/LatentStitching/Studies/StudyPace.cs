namespace LatentStitching.Studies;

/// <summary>How long a study's parts take, kind by kind: a path costs a fraction of a pair, and comes last.</summary>
internal sealed class StudyPace
{
    private readonly Dictionary<string, int> _left = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (int Parts, TimeSpan Spent)> _computed = new(StringComparer.Ordinal);

    public void Expect(string step, int parts) => _left[step] = _left.GetValueOrDefault(step) + parts;

    /// <summary>Counts a part; null where it was there already and so says nothing of the pace.</summary>
    public void Finish(string step, TimeSpan? spent)
    {
        _left[step]--;
        if (spent is not { } time) return;
        (int parts, TimeSpan before) = _computed.GetValueOrDefault(step);
        _computed[step] = (parts + 1, before + time);
    }

    /// <summary>Time left, each kind at its own pace and those not yet met at the pace of all others; null before the first part.</summary>
    public TimeSpan? Remaining(string step, double share)
    {
        if (_computed.Count == 0) return null;
        TimeSpan common = Mean((_computed.Values.Sum(kind => kind.Parts), new TimeSpan(_computed.Values.Sum(kind => kind.Spent.Ticks))));
        return new TimeSpan(_left.Sum(kind => (long)((_computed.TryGetValue(kind.Key, out (int, TimeSpan) own) ? Mean(own) : common).Ticks * (kind.Value - (kind.Key == step ? share : 0)))));
    }

    private static TimeSpan Mean((int Parts, TimeSpan Spent) kind) => kind.Spent / kind.Parts;
}
