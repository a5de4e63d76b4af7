namespace LatentStitching.Metrics.Reconstruction;

/// <summary>What a PSNR of several images is.</summary>
public enum PsnrAverage
{
    /// <summary>The mean of the images' PSNR values, in decibels.</summary>
    PerImage,

    /// <summary>The PSNR of the images' mean squared error: one bad image outweighs many good ones. At most the mean of the images' values.</summary>
    Pooled,
}
