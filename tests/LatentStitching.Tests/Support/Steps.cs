namespace LatentStitching.Tests.Support;

/// <summary>Collects reports as they come, and may run something at the first.</summary>
internal sealed class Steps<T>(Action? atFirst = null) : IProgress<T>
{
    public List<T> All { get; } = [];

    public void Report(T value)
    {
        All.Add(value);
        if (All.Count == 1) atFirst?.Invoke();
    }
}
