namespace LatentStitching.Fitting;

/// <summary>A fit ended without a usable map.</summary>
public sealed class FitFailedException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="report">The report of the fit.</param>
    public FitFailedException(FitReport report)
        : base(Text(report)) => Report = report;

    /// <summary>The report of the fit.</summary>
    public FitReport Report { get; }

    private static string Text(FitReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        string advice = report.Status switch
        {
            FitStatus.IterationLimitReached => "Allow more iterations, or standardise the source latents with PreparedFitter.",
            FitStatus.Diverged => "Lower the step size, or standardise the source latents with PreparedFitter.",
            FitStatus.NonFiniteResult => "The latents are near the limits of their dtype: rescale them.",
            _ => "",
        };
        return $"The fit gave no usable map: {report}. {advice}".TrimEnd();
    }
}
