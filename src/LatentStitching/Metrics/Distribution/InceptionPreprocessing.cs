namespace LatentStitching.Metrics.Distribution;

/// <summary>How images become the 299×299 input of Inception. It is part of the metric: a FID changes with it by more than models differ.</summary>
public enum InceptionPreprocessing
{
    /// <summary>Rounded to bytes, TensorFlow 1's bilinear resize without smoothing, (byte − 128)/128: the original FID, torch-fidelity and torchmetrics.</summary>
    TensorFlow,

    /// <summary>PyTorch's bilinear resize (half-pixel centres, no smoothing) of the pixels as they are, 2x − 1: pytorch-fid.</summary>
    PytorchFid,

    /// <summary>Rounded to bytes, Pillow's antialiased bicubic resize in floating point, cut to [0, 255], (value − 128)/128: clean-fid.</summary>
    CleanFid,
}
