using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Foreign;

/// <summary>What a TorchScript program does not tell about itself. See <see cref="TorchScriptModel"/>.</summary>
public sealed record TorchScriptOptions
{
    /// <summary>The images that the model takes and gives.</summary>
    public required ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    }

    /// <summary>The name in reports.</summary>
    /// <value>Not blank; the (encoder's) file name without its extension if null, which is the default.</value>
    public string? Name
    {
        get;
        init => field = value is null ? null : Guard.NotBlank(value, nameof(Name));
    }

    /// <summary>The latent.</summary>
    /// <value>
    /// One level: the decoder is given it in the level's shape. Several: it is given the matrix [n, D]. Null, the default: one level "z" in the shape that the encoder gives.
    /// </value>
    public LatentSpace? Latent { get; init; }

    /// <summary>The pixels that the encoder takes.</summary>
    /// <value>Default [0, 1].</value>
    public PixelRange InputRange
    {
        get;
        init => field = Guard.NotNull(value, nameof(InputRange));
    } = PixelRange.Unit;

    /// <summary>The pixels that the decoder gives.</summary>
    /// <value>Default [0, 1].</value>
    public PixelRange OutputRange
    {
        get;
        init => field = Guard.NotNull(value, nameof(OutputRange));
    } = PixelRange.Unit;

    /// <summary>The method that encodes.</summary>
    /// <value>Not blank. Null, the default: "forward" of an encoder with a file of its own, "encode" of a file for both.</value>
    public string? EncodeMethod
    {
        get;
        init => field = value is null ? null : Guard.NotBlank(value, nameof(EncodeMethod));
    }

    /// <summary>The method that decodes.</summary>
    /// <value>Not blank. Null, the default: "forward" of a decoder with a file of its own, "decode" of a file for both.</value>
    public string? DecodeMethod
    {
        get;
        init => field = value is null ? null : Guard.NotBlank(value, nameof(DecodeMethod));
    }

    /// <summary>Which of several tensors that the encoder returns is the latent: 0 of (mean, log-variance) is the mean.</summary>
    /// <value>From 0. Null, the default: the encoder returns one tensor.</value>
    public int? EncoderOutput
    {
        get;
        init => field = value is { } index ? (int)Guard.NotNegative((long)index, nameof(EncoderOutput)) : null;
    }

    /// <summary>Where the model computes.</summary>
    /// <value>The CPU if null, which is the default.</value>
    public Device? Device { get; init; }
}
