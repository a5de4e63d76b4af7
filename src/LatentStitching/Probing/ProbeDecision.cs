namespace LatentStitching.Probing;

/// <summary>How a probe's score becomes a label.</summary>
public enum ProbeDecision
{
    /// <summary>Above zero, the row has the attribute.</summary>
    Sign,

    /// <summary>The score is a regression on {0, 1} and is rounded to the nearest whole number, halves to even; what rounds to neither counts as wrong. What the studies' published probes do.</summary>
    Rounding,
}
