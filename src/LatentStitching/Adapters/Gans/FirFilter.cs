namespace LatentStitching.Adapters.Gans;

/// <summary>The small blur [1, 3, 3, 1] ⊗ [1, 3, 3, 1] / 64 around every change of size in StyleGAN2: Karras et al. (arXiv:1912.04958), and Zhang (arXiv:1904.11486), whose idea it is.</summary>
internal static class FirFilter
{
    public static Tensor Binomial(Device device)
    {
        using var scope = NewDisposeScope();
        Tensor taps = tensor((float[])[1, 3, 3, 1], device: device);
        return outer(taps, taps).div(64).MoveToOuterDisposeScope();
    }

    /// <summary>Zeros between the pixels, then the filter with gain 4: [n, c, h, w] → [n, c, 2h, 2w].</summary>
    public static Tensor Upsample(Tensor x, Tensor filter) =>
        nn.functional.conv_transpose2d(x, PerChannel(filter * 4, x.size(1)), strides: [2, 2], padding: [1, 1], groups: x.size(1));

    /// <summary>The filter after a transposed convolution that gave 2h + 1 rows, with gain 4: → 2h.</summary>
    public static Tensor AfterUpsampling(Tensor x, Tensor filter) => Filter(x, filter * 4, padding: 1, stride: 1);

    /// <summary>The filter before a 3×3 convolution of stride 2 without padding: h → h + 1 rows.</summary>
    public static Tensor BeforeDownsampling(Tensor x, Tensor filter) => Filter(x, filter, padding: 2, stride: 1);

    /// <summary>The filter, then every second pixel: [n, c, h, w] → [n, c, h/2, w/2].</summary>
    public static Tensor Downsample(Tensor x, Tensor filter) => Filter(x, filter, padding: 1, stride: 2);

    // A convolution proper, where conv2d correlates.
    private static Tensor Filter(Tensor x, Tensor filter, long padding, long stride) =>
        nn.functional.conv2d(x, PerChannel(filter.flip(0, 1), x.size(1)), strides: [stride, stride], padding: [padding, padding], groups: x.size(1));

    private static Tensor PerChannel(Tensor filter, long channels) => filter.reshape(1, 1, 4, 4).expand(channels, 1, 4, 4).contiguous();
}
