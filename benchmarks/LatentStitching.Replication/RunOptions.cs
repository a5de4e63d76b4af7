namespace LatentStitching.Replication;

/// <summary>What the command line asked for.</summary>
internal sealed record RunOptions
{
    public string? Images { get; init; }

    public string? Attributes { get; init; }

    public IReadOnlyList<string> Models { get; init; } = [];

    public required string Output { get; init; }

    public int? Count { get; init; }

    public int? Components { get; init; }

    public ulong Seed { get; init; }

    public int Threads { get; init; } = 1;

    public bool Quick { get; init; }

    public bool Train { get; init; }
}
