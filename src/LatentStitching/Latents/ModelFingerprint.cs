using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;

namespace LatentStitching.Latents;

/// <summary>Tells models apart by what they encode with.</summary>
/// <remarks>
/// <para>SHA-256 of the model's name, image format and latent space, and of</para>
/// <para>- its own <see cref="IFingerprinted.Fingerprint"/>, where <see cref="ILatentModel.GetService"/> gives one; else</para>
/// <para>- the fingerprint of the model behind it and the way it is seen, for <c>model.At(level)</c>, <c>model.WithImage(format)</c> and the like; else</para>
/// <para>- what <see cref="LatentModel.Describe"/> gives, kind, configuration and weights, and the dtype it computes in, where the model describes itself, without options that only decoding or sampling
/// uses (temperature, the steps and solver of a diffusion model's decoder), and with the inversion of a generator; else</para>
/// <para>- its behaviour: the bytes and dtype of the latents of four images of uniform noise, always the same. Equal weights behave equally to the last bit on one machine, device and number of threads, not always on
/// another: a fingerprint of behaviour may take one model for two, but hardly two for one.</para>
/// </remarks>
public static class ModelFingerprint
{
    private const int ProbeCount = 4;
    private const long LongestRow = 1L << 30;
    private const ulong ProbeSeed = 0x1A7E_57BA_4B00_0001;

    /// <summary>The fingerprint of a model. One that neither is <see cref="IFingerprinted"/> nor describes itself encodes four images, twice.</summary>
    /// <param name="model">The model.</param>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="model"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The model calls itself fingerprinted and gives a blank text, or encodes the same images differently the second time.</exception>
    public static string Of(ILatentModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        string facts = $"{model.Name}\n{model.Image}\n{model.Latent}\n";
        if (model.GetService<IFingerprinted>() is not { } fingerprinted) return TensorChecksum.Of(facts + (Seen(model) ?? Described(model) ?? $"behaviour\n{Behaviour(model)}"));
        string declared = fingerprinted.Fingerprint;
        if (string.IsNullOrWhiteSpace(declared)) throw new InvalidOperationException($"Fingerprint of {model.Name} must not be blank. Give a hash of its weights: ModelFingerprint.OfWeights.");
        return TensorChecksum.Of($"{facts}declared\n{declared}");
    }

    /// <summary>A hash of named weights, for a model that offers <see cref="IFingerprinted"/>.</summary>
    /// <remarks>SHA-256 of names, dtypes, shapes and bytes, in ordinal order of the names.</remarks>
    /// <param name="weights">Names, all different, and dense tensors of any dtype, shape and device. Not changed, not disposed.</param>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    /// <exception cref="ArgumentException">A name comes twice, or a tensor is sparse or of a dtype that no file holds.</exception>
    /// <exception cref="ObjectDisposedException">A tensor has been disposed.</exception>
    public static string OfWeights(IReadOnlyList<(string Name, Tensor Tensor)> weights)
    {
        NamedTensors.CheckWritable(weights);
        using var grad = no_grad();
        using TensorChecksum checksum = new();
        foreach ((string name, Tensor tensor) in weights.OrderBy(weight => weight.Name, StringComparer.Ordinal))
        {
            using var scope = NewDisposeScope();
            checksum.Add($"{name} {tensor.dtype}[{string.Join(",", tensor.shape)}]\n");
            if (tensor.numel() == 0) continue;
            Tensor values = tensor.detach().cpu().contiguous();
            // A checksum takes a tensor row by row, and the bytes are the same in one row.
            checksum.Add(values.numel() * values.element_size() <= LongestRow ? values.reshape(1, -1) : values);
        }
        return checksum.Finish();
    }

    /// <summary>The fingerprint of all that a model does, for results that depend on its decoder too.</summary>
    internal static string OfWhole(ILatentModel model) => Decoding(model) is { } decoding ? TensorChecksum.Of($"{Of(model)}\n{decoding}") : Of(model);

    private static string? Decoding(ILatentModel model)
    {
        if (model is IModelView { Viewed: { } viewed } view) return $"{view.DecodingFacts}\n{Decoding(viewed)}";
        using var scope = NewDisposeScope();
        return (model as LatentModel)?.Describe()?.Configuration.ToJsonString();
    }

    private static string? Seen(ILatentModel model) => model is IModelView { Viewed: { } viewed } view ? $"seen\n{view.EncodingFacts}\n{Of(viewed)}" : null;

    private static string? Described(ILatentModel model)
    {
        using var scope = NewDisposeScope();
        return model is LatentModel self && self.DescribeEncoding() is { } description
            ? $"described\n{description.Kind} {self.Dtype}\n{description.Configuration.ToJsonString()}\n{OfWeights(description.Weights)}"
            : null;
    }

    private static string Behaviour(ILatentModel model)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor images = Probe(model.Image);
        string first = Encoded(model, images);
        return Encoded(model, images) == first
            ? first
            : throw new InvalidOperationException(
                $"model must encode the same images to the same latents, but {model.Name} does not. Seed its encoder, or let it offer IFingerprinted.");
    }

    private static string Encoded(ILatentModel model, Tensor images)
    {
        Tensor latents = model.Encode(images);
        return TensorChecksum.Of($"{latents.dtype}\n", latents.detach().cpu().contiguous());
    }

    // Drawn here and not by libtorch, whose numbers may change with its version.
    private static Tensor Probe(ImageFormat format)
    {
        SplitMix64 random = new(ProbeSeed);
        float[] pixels = new float[ProbeCount * format.PixelCount];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (random.Next() >> 40) * (1f / (1 << 24));
        return tensor(pixels, ProbeCount, format.Channels, format.Height, format.Width);
    }
}
