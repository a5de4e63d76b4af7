using LatentStitching.Adapters.Foreign;
using LatentStitching.Models;
using Microsoft.ML.OnnxRuntime;

namespace LatentStitching.Onnx;

/// <summary>What ONNX files do not tell, or what to choose from what they do. See <see cref="OnnxModel"/>.</summary>
public sealed record OnnxOptions
{
    /// <summary>The images that the model takes and gives.</summary>
    /// <value>Null, the default: the encoder's declared input, which must then be [n, c, h, w] with fixed c, h and w.</value>
    public ImageFormat? Image { get; init; }

    /// <summary>The name in reports.</summary>
    /// <value>Not blank. Null, the default: the folder's name for a file called encoder.onnx, else the encoder's file name.</value>
    public string? Name
    {
        get;
        init => field = NotBlank(value, nameof(Name));
    }

    /// <summary>The latent.</summary>
    /// <value>
    /// One level: the decoder is given it in the level's shape. Several: it is given the matrix [n, D]. Null, the default: one level "z" in the shape that the decoder declares, or if that is open, that the encoder gives.
    /// </value>
    public LatentSpace? Latent { get; init; }

    /// <summary>The pixels that the encoder takes.</summary>
    /// <value>Default [0, 1].</value>
    public PixelRange InputRange
    {
        get;
        init => field = NotNull(value, nameof(InputRange));
    } = PixelRange.Unit;

    /// <summary>The pixels that the decoder gives.</summary>
    /// <value>Default [0, 1].</value>
    public PixelRange OutputRange
    {
        get;
        init => field = NotNull(value, nameof(OutputRange));
    } = PixelRange.Unit;

    /// <summary>The encoder's output that is the latent, of several.</summary>
    /// <value>Not blank. Null, the default: the only one.</value>
    public string? EncoderOutput
    {
        get;
        init => field = NotBlank(value, nameof(EncoderOutput));
    }

    /// <summary>The decoder's output that is the images, of several.</summary>
    /// <value>Not blank. Null, the default: the only one.</value>
    public string? DecoderOutput
    {
        get;
        init => field = NotBlank(value, nameof(DecoderOutput));
    }

    /// <summary>ONNX Runtime's own options: threads, optimisation, execution providers. Used while the files are opened; the caller owns it.</summary>
    /// <value>Null, the default: ONNX Runtime's defaults, which take all cores.</value>
    public SessionOptions? Session { get; init; }

    private static string? NotBlank(string? value, string name) =>
        value is null || !string.IsNullOrWhiteSpace(value) ? value : throw new ArgumentException($"{name} must not be blank.", name);

    private static PixelRange NotNull(PixelRange value, string name) => value ?? throw new ArgumentNullException(name);
}
