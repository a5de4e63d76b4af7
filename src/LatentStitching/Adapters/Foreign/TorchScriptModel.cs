using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Foreign;

/// <summary>A model whose encoder and decoder are TorchScript programs, made in Python by torch.jit.script or torch.jit.trace.</summary>
/// <remarks>
/// <para>Safety: a TorchScript file is a program. It is not Python and cannot import modules, but loading and calling it runs its code through libtorch, which was not made to withstand hostile programs.
/// Open files of a source that you trust; weights alone are read safely by <see cref="Checkpoints.StateDictionary"/>.</para>
/// <para>When loaded, both programs are put in evaluation mode and run once on two black images, to find the latent's shape and to check the rest. Their weights take no gradient; gradients of an input flow.</para>
/// <para>A program that draws random numbers, such as an encoder that samples its posterior, gives other latents at each call. Script the part that gives the mean.</para>
/// <para>Source: <see href="https://docs.pytorch.org/docs/stable/jit.html">TorchScript</see>.</para>
/// </remarks>
public sealed class TorchScriptModel : LatentModel, IFingerprinted
{
    private const int ProbeRows = 2;
    private readonly ScriptCall _encode;
    private readonly ScriptCall _decode;
    private readonly TorchScriptOptions _options;
    private readonly long[] _latentShape;
    private readonly string _fingerprint;

    private TorchScriptModel(string name, TorchScriptOptions options, LatentSpace latent, long[] latentShape, ScriptCall encode, ScriptCall decode, Device device)
        : base(name, options.Image, latent, device) =>
        (_options, _latentShape, _encode, _decode, _fingerprint) = (options, latentShape, encode, decode, FingerprintOf(options, encode, decode));

    /// <summary>Opens a file with two methods, "encode" and "decode" unless the options name others.</summary>
    /// <param name="path">The TorchScript file.</param>
    /// <param name="options">What the file does not tell.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    /// <exception cref="InvalidDataException">The file is no TorchScript program or is damaged, lacks a method, or gives other shapes than images and latents; the text says which.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static TorchScriptModel Load(string path, TorchScriptOptions options)
    {
        Guard.NotBlank(path);
        ArgumentNullException.ThrowIfNull(options);
        Device device = options.Device ?? CPU;
        jit.ScriptModule module = TorchScriptFile.Load(path, device);
        return Make(
            options, new ScriptCall(module, options.EncodeMethod ?? "encode", path), new ScriptCall(module, options.DecodeMethod ?? "decode", path), device);
    }

    /// <summary>Opens an encoder and a decoder with files of their own, whose methods are "forward" unless the options name others.</summary>
    /// <param name="encoderPath">The encoder's TorchScript file.</param>
    /// <param name="decoderPath">The decoder's TorchScript file.</param>
    /// <param name="options">What the files do not tell.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">A path is blank.</exception>
    /// <exception cref="InvalidDataException">A file is no TorchScript program or is damaged, lacks the method, or gives other shapes than images and latents; the text says which.</exception>
    /// <exception cref="IOException">A file is not there or cannot be read.</exception>
    public static TorchScriptModel Load(string encoderPath, string decoderPath, TorchScriptOptions options)
    {
        Guard.NotBlank(encoderPath);
        Guard.NotBlank(decoderPath);
        ArgumentNullException.ThrowIfNull(options);
        Device device = options.Device ?? CPU;
        jit.ScriptModule encoder = TorchScriptFile.Load(encoderPath, device);
        jit.ScriptModule decoder;
        try
        {
            decoder = TorchScriptFile.Load(decoderPath, device);
        }
        catch
        {
            TorchScriptFile.Free(encoder);
            throw;
        }
        return Make(
            options, new ScriptCall(encoder, options.EncodeMethod ?? "forward", encoderPath), new ScriptCall(decoder, options.DecodeMethod ?? "forward", decoderPath), device);
    }

    /// <summary>The bytes of the files and how they are called: two files of equal programs that were saved apart count as two models.</summary>
    string IFingerprinted.Fingerprint => _fingerprint;

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images) =>
        _encode.Run(_options.InputRange.FromUnit(images), _options.EncoderOutput).flatten(1);

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents) =>
        // Converted first: a program of half precision gives numbers that scaling would round once more.
        _options.OutputRange.ToUnit(_decode.Run(latents.reshape([latents.size(0), .. _latentShape]), output: null).to_type(Dtype));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        TorchScriptFile.Free(_encode.Module);
        TorchScriptFile.Free(_decode.Module);
        base.Dispose(disposing);
    }

    private static string FingerprintOf(TorchScriptOptions options, ScriptCall encode, ScriptCall decode)
    {
        string hash = TorchScriptFile.Hash(encode.Path);
        string decoding = encode.Path == decode.Path ? hash : TorchScriptFile.Hash(decode.Path);
        return string.Create(CultureInfo.InvariantCulture, $"{hash} {encode.Method} {options.EncoderOutput ?? -1} {options.InputRange}\n{decoding} {decode.Method} {options.OutputRange}");
    }

    private static TorchScriptModel Make(TorchScriptOptions options, ScriptCall encode, ScriptCall decode, Device device)
    {
        try
        {
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            ImageFormat image = options.Image;
            long[] imageShape = [image.Channels, image.Height, image.Width];
            Tensor black = options.InputRange.FromUnit(zeros([ProbeRows, .. imageShape], ScalarType.Float32, device));
            Tensor encoded = encode.Probe(black, options.EncoderOutput);
            if (encoded.dim() < 2 || encoded.size(0) != ProbeRows || encoded.numel() == 0)
            {
                throw encode.Wrong($"must give a latent of {ProbeRows} rows for {ProbeRows} images, but it gives {TensorGuard.Shape(encoded)}. If it was traced with one image, script it, or trace it with dynamic shapes");
            }
            long[] given = encoded.shape[1..];
            LatentSpace latent = options.Latent ?? LatentSpace.Of(("z", given));
            long dimension = encoded.numel() / ProbeRows;
            if (latent.Dimension != dimension) throw encode.Wrong($"must give the {latent.Dimension} numbers an image of options.Latent, but it gives {TensorGuard.Shape(encoded)}, {dimension} an image");
            long[] shape = options.Latent is null ? given : latent.Levels.Count == 1 ? [.. latent.Levels[0].Shape] : [latent.Dimension];
            Tensor decoded = decode.Probe(zeros([ProbeRows, .. shape], ScalarType.Float32, device), output: null);
            if (!decoded.shape.AsSpan().SequenceEqual([ProbeRows, .. imageShape]))
            {
                throw decode.Wrong($"must give images [{ProbeRows}, {string.Join(", ", imageShape)}] for latents [{ProbeRows}, {string.Join(", ", shape)}], but it gives {TensorGuard.Shape(decoded)}. Check options.Image and options.Latent");
            }
            return new TorchScriptModel(options.Name ?? Path.GetFileNameWithoutExtension(encode.Path), options, latent, shape, encode, decode, device);
        }
        catch
        {
            TorchScriptFile.Free(encode.Module);
            TorchScriptFile.Free(decode.Module);
            throw;
        }
    }

    /// <summary>A method of a program, from tensor to tensor.</summary>
    private sealed class ScriptCall(jit.ScriptModule module, string method, string path)
    {
        // Of the first weight, since a program of half precision takes its input so.
        private readonly ScalarType _dtype = DtypeOf(module);

        public jit.ScriptModule Module => module;

        public string Path => path;

        public string Method => method;

        public Tensor Run(Tensor input, int? output)
        {
            try
            {
                return Pick(module.invoke(method, input.to_type(_dtype)), output);
            }
            catch (ExternalException e)
            {
                throw new InvalidOperationException($"{method} of '{path}' must take {TensorGuard.Shape(input)}, but it failed: {TorchScriptFile.FirstLine(e)}", e);
            }
        }

        public Tensor Probe(Tensor input, int? output)
        {
            try
            {
                return Run(input, output);
            }
            catch (InvalidOperationException e)
            {
                throw new InvalidDataException(e.Message, e);
            }
        }

        public InvalidDataException Wrong(string text) => new($"{method} of '{path}' {text}.");

        private Tensor Pick(object? result, int? output)
        {
            object?[] parts = result switch
            {
                Tensor one => [one],
                Tensor[] several => several,
                object?[] several => several,
                ITuple several => Enumerable.Range(0, several.Length).Select(i => several[i]).ToArray(),
                _ => [],
            };
            if (result is Tensor ? output is null or 0 : output is not null && output < parts.Length && parts[output.Value] is Tensor) return (Tensor)parts[output ?? 0]!;
            string came = result is Tensor ? "one tensor" : parts.Length > 0 ? $"{parts.Length} values" : "no tensor";
            string wanted = output is { } index ? $"a tensor as value {index} of several" : "one tensor";
            throw new InvalidOperationException(
                $"{method} of '{path}' must give {wanted}, but it gives {came}. Of several that the encoder gives, options.EncoderOutput names the latent.");
        }

        private static ScalarType DtypeOf(jit.ScriptModule module)
        {
            using var scope = NewDisposeScope();
            return module.named_parameters().Select(pair => pair.parameter).FirstOrDefault(parameter => parameter.is_floating_point())?.dtype ?? ScalarType.Float32;
        }
    }
}
