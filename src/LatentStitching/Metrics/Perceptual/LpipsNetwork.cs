namespace LatentStitching.Metrics.Perceptual;

/// <summary>The network whose activations LPIPS compares.</summary>
public enum LpipsNetwork
{
    /// <summary>AlexNet: the authors' choice for comparing images, and that of the published stitching studies.</summary>
    AlexNet,

    /// <summary>VGG16: the authors' choice as a training loss.</summary>
    Vgg16,

    /// <summary>SqueezeNet 1.1: the smallest.</summary>
    SqueezeNet,
}
