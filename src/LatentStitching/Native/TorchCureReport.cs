namespace LatentStitching.Native;

internal enum TorchCureStatus
{
    /// <summary>Not Linux on x64: TorchSharp's own loader does all.</summary>
    OtherPlatform,

    /// <summary>The switch says off.</summary>
    TurnedOff,

    /// <summary>The library is in the process already.</summary>
    AlreadyLoaded,

    /// <summary>Nothing that can be known stands against loading the file as it is.</summary>
    NotNeeded,

    /// <summary>The cure will work as far as can be told without loading anything.</summary>
    Ready,

    /// <summary>The amended copy is loaded.</summary>
    Applied,

    /// <summary>The file cannot be loaded as it is, and the cure cannot help.</summary>
    Refused,
}

/// <summary>What was found, what was missing and what was done.</summary>
internal sealed record TorchCureReport
{
    public required TorchCureStatus Status { get; init; }

    /// <summary>The facts, one a line.</summary>
    public required IReadOnlyList<string> Facts { get; init; }

    /// <summary>Why the status is what it is; for a refusal with what puts it right.</summary>
    public required string Reason { get; init; }

    /// <summary>What to tell the user if TorchSharp fails to load although the cure saw no need to act, or null.</summary>
    public string? Hint { get; init; }

    /// <summary>The amended copy that is ready to be loaded.</summary>
    public byte[]? Image { get; init; }

    /// <summary>The libtorch.so to load before the copy, or null if one is loaded.</summary>
    public string? Torch { get; init; }

    /// <summary>The handle of the loaded copy.</summary>
    public nint Handle { get; init; }

    public override string ToString() => string.Join(Environment.NewLine, [.. Facts, $"cure: {Word}: {Reason}"]);

    private string Word => Status switch
    {
        TorchCureStatus.Applied => "applied",
        TorchCureStatus.Refused => "refused",
        TorchCureStatus.TurnedOff => "turned off",
        TorchCureStatus.Ready => "not applied yet",
        _ => "not needed",
    };
}
