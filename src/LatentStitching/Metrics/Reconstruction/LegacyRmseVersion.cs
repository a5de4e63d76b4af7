namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Which release of the Python package image-similarity-measures an RMSE repeats.</summary>
public enum LegacyRmseVersion
{
    /// <summary>0.3.6 and 0.3.7, since 2023: the root of the mean over the first two axes, then the mean over the others. For a batch [n, c, h, w]: over images and channels, then over places.</summary>
    V036,

    /// <summary>0.3.5, 2021: the root of the mean over everything.</summary>
    V035,
}
