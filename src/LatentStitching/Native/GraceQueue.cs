namespace LatentStitching.Native;

/// <summary>Frees what is handed to it, but no sooner than a set time later.</summary>
/// <remarks>
/// Two lists change places when the younger has been filled for that time, and only then is the older freed: nothing is kept shorter than the time,
/// and while more comes nothing is kept longer than about twice as long. Thread safety: safe.
/// </remarks>
internal sealed class GraceQueue(TimeSpan grace, TimeProvider clock, Action<nint> free)
{
    private readonly Lock _gate = new();
    private List<nint> _young = [], _old = [];
    private long _begun = clock.GetTimestamp();

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _young.Count + _old.Count;
        }
    }

    public void Add(nint item)
    {
        lock (_gate)
        {
            if (clock.GetElapsedTime(_begun) >= grace)
            {
                foreach (nint one in _old) free(one);
                _old.Clear();
                (_young, _old, _begun) = (_old, _young, clock.GetTimestamp());
            }
            _young.Add(item);
        }
    }
}
