using LatentStitching.Models;

namespace LatentStitching.Onnx;

/// <summary>A model whose encoder and decoder are ONNX graphs, run by ONNX Runtime.</summary>
/// <remarks>
/// <para>Graphs of one input, float32 or float16; batches of any size or of a fixed one, which is then filled up with zeros and cut again. Tensors are handed over and taken back in place. Results are on the CPU.</para>
/// <para>When opened, both graphs are run once on zeros, to find the latent's shape and to check the rest.</para>
/// <para>ONNX Runtime computes no gradients: an input that asks for them is refused.</para>
/// <para>Safety: a graph is data, and holds no code of its own. It is read by ONNX Runtime's native code, and may name files beside it that hold its weights.</para>
/// <para>Source: <see href="https://onnx.ai/onnx/repo-docs/IR.html">the ONNX format</see>.</para>
/// </remarks>
public sealed class OnnxModel : LatentModel, IFingerprinted
{
    private readonly OnnxNetwork _encoder;
    private readonly OnnxNetwork _decoder;
    private readonly OnnxOptions _options;
    private readonly long[] _encodedShape;
    private readonly long[] _latentShape;
    private readonly string? _fingerprint;

    private OnnxModel(
        string name, ImageFormat image, LatentSpace latent, OnnxOptions options, OnnxNetwork encoder, long[] encodedShape, OnnxNetwork decoder, long[] latentShape)
        : base(name, image, latent) =>
        (_options, _encoder, _encodedShape, _decoder, _latentShape, _fingerprint) = (options, encoder, encodedShape, decoder, latentShape, FingerprintOf(options, encoder, decoder));

    /// <summary>Opens encoder.onnx and decoder.onnx of a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">Options; the defaults if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The folder is blank, or an output that the options name is not there.</exception>
    /// <exception cref="FileNotFoundException">One of the two files is not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or has other inputs, outputs or shapes than those of images and latents; the text says which.</exception>
    public static OnnxModel Open(string folder, OnnxOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        return Load(Path.Combine(folder, "encoder.onnx"), Path.Combine(folder, "decoder.onnx"), options);
    }

    /// <summary>Opens an encoder and a decoder.</summary>
    /// <param name="encoderPath">The encoder's ONNX file: images [n, c, h, w] to latents.</param>
    /// <param name="decoderPath">The decoder's ONNX file: latents to images [n, c, h, w].</param>
    /// <param name="options">Options; the defaults if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">A path is blank, or an output that the options name is not there.</exception>
    /// <exception cref="FileNotFoundException">One of the two files is not there.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or has other inputs, outputs or shapes than those of images and latents; the text says which.</exception>
    public static OnnxModel Load(string encoderPath, string decoderPath, OnnxOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(encoderPath);
        ArgumentException.ThrowIfNullOrWhiteSpace(decoderPath);
        options ??= new OnnxOptions();
        OnnxNetwork? encoder = null, decoder = null;
        try
        {
            encoder = OnnxNetwork.Open(encoderPath, options.EncoderOutput, nameof(OnnxOptions.EncoderOutput), options.Session);
            decoder = OnnxNetwork.Open(decoderPath, options.DecoderOutput, nameof(OnnxOptions.DecoderOutput), options.Session);
            return Make(encoder, decoder, options);
        }
        catch
        {
            encoder?.Dispose();
            decoder?.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of the files, and which output and pixels are taken.</summary>
    string IFingerprinted.Fingerprint => _fingerprint ?? "";

    /// <inheritdoc/>
    public override object? GetService(Type serviceType) => serviceType == typeof(IFingerprinted) && _fingerprint is null ? null : base.GetService(serviceType);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The images ask for gradients.</exception>
    protected override Tensor EncodeCore(Tensor images)
    {
        RefuseGradients(images);
        return _encoder.Run(_options.InputRange.FromUnit(images), _encodedShape).flatten(1);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The latents ask for gradients.</exception>
    protected override Tensor DecodeCore(Tensor latents)
    {
        RefuseGradients(latents);
        return _options.OutputRange.ToUnit(_decoder.Run(latents.reshape([latents.size(0), .. _latentShape]), [Image.Channels, Image.Height, Image.Width]).to_type(Dtype));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _encoder.Dispose();
        _decoder.Dispose();
        base.Dispose(disposing);
    }

    private static string? FingerprintOf(OnnxOptions options, OnnxNetwork encoder, OnnxNetwork decoder) =>
        encoder.Fingerprint() is { } encode && decoder.Fingerprint() is { } decode ? $"{encode} {options.InputRange}\n{decode} {options.OutputRange}" : null;

    private static OnnxModel Make(OnnxNetwork encoder, OnnxNetwork decoder, OnnxOptions options)
    {
        ImageFormat image = ImageOf(encoder, options.Image);
        long[] imageShape = [image.Channels, image.Height, image.Width];
        long[] encoded = encoder.Probe(imageShape);
        long dimension = encoded.Aggregate(1L, (product, size) => product * size);
        LatentSpace latent = options.Latent ?? LatentSpace.Of(("z", decoder.RowShape ?? encoded));
        if (latent.Dimension != dimension)
        {
            string told = options.Latent is null ? $"that '{decoder.Path}' takes" : "of the options' Latent";
            throw encoder.Wrong($"must give the {latent.Dimension} numbers an image {told}, but it gives [{string.Join(", ", encoded)}], {dimension} an image");
        }
        long[] shape = latent.Levels.Count == 1 ? [.. latent.Levels[0].Shape] : [latent.Dimension];
        long[] decoded = decoder.Probe(shape);
        return decoded.AsSpan().SequenceEqual(imageShape)
            ? new OnnxModel(options.Name ?? NameOf(encoder.Path), image, latent, options, encoder, encoded, decoder, shape)
            : throw decoder.Wrong($"must give images [n, {string.Join(", ", imageShape)}] for latents [n, {string.Join(", ", shape)}], but it gives [n, {string.Join(", ", decoded)}]");
    }

    private static ImageFormat ImageOf(OnnxNetwork encoder, ImageFormat? told)
    {
        if (told is not null) return told;
        return encoder.RowShape is [long channels, long height, long width]
            ? new ImageFormat(channels, height, width)
            : throw encoder.Wrong($"must declare its images' shape [n, c, h, w], but it declares [{encoder.Declared}]. Pass the options' Image");
    }

    private static string NameOf(string path)
    {
        string file = Path.GetFileNameWithoutExtension(path);
        string? folder = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path)));
        return file == "encoder" && !string.IsNullOrEmpty(folder) ? folder : file;
    }

    private void RefuseGradients(Tensor input)
    {
        if (!is_grad_enabled() || !input.requires_grad) return;
        throw new InvalidOperationException($"{Name} must be used without gradients, which ONNX Runtime does not compute, but its input asks for them. Pass input.detach(), or call it under torch.no_grad().");
    }
}
