namespace LatentStitching.Studies;

/// <summary>How far a study has come.</summary>
public sealed record StudyProgress
{
    /// <summary>Parts done: latents of a model, a model alone, a pair, a path. Failed ones count.</summary>
    public required int Done { get; init; }

    /// <summary>Parts there are.</summary>
    public required int Total { get; init; }

    /// <summary>The part's kind: "encode", "own", "concepts", "pair" or "path".</summary>
    public string Step { get; init; } = "";

    /// <summary>The part, for example "vae → glow (CelebA)".</summary>
    public required string Item { get; init; }

    /// <summary>Whether its result was there from an earlier run.</summary>
    public required bool Resumed { get; init; }

    /// <summary>Share of the part that is done: below 1 while it is being encoded, 1 at its end.</summary>
    public required double Share { get; init; }

    /// <summary>Whether it failed. The result's failures say why.</summary>
    public bool Failed { get; init; }

    /// <summary>Time since this run began.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Time left at the pace of the parts computed in this run, each kind at its own; null before the first. Parts that a former run finished are still counted as work until they are met.</summary>
    public TimeSpan? Remaining { get; init; }
}
