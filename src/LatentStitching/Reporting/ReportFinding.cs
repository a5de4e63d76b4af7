using LatentStitching.Numerics;

namespace LatentStitching.Reporting;

/// <summary>One published finding in plain words, whether it was seen again, and the numbers that say so.</summary>
public sealed record ReportFinding
{
    /// <summary>Its short name, for example "F1".</summary>
    public required string Id
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Id));
    }

    /// <summary>What was published, in one sentence.</summary>
    public required string Statement
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Statement));
    }

    /// <summary>Whether it was seen again.</summary>
    public required FindingState State { get; init; }

    /// <summary>Why, in plain words: what was compared, and what is missing where it is not testable.</summary>
    public required string Explanation
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Explanation));
    }

    /// <summary>The numbers that say so.</summary>
    /// <value>Default: none, which only a finding that is not testable may have.</value>
    public IReadOnlyList<ReportNumber> Numbers { get; init; } = [];
}
