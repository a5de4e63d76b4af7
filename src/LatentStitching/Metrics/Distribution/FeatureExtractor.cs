using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>Feature extractors made of a function or of a TorchScript file.</summary>
public static class FeatureExtractor
{
    /// <summary>Makes an extractor of a function.</summary>
    /// <param name="signature">What decides the features, for reports: lower-case letters, digits, '-', '.', '+' and ','.</param>
    /// <param name="dimension">Number of features of an image, at least 1.</param>
    /// <param name="extract">Image batch [n, c, h, w] in [0, 1] → features, [n, dimension]. Called without gradients; must not change its input.</param>
    /// <returns>The extractor.</returns>
    /// <exception cref="ArgumentException">The signature is blank or has other characters, or the dimension is not positive.</exception>
    public static IFeatureExtractor FromFunction(string signature, long dimension, Func<Tensor, Tensor> extract)
    {
        FeatureSignature.Require(signature);
        Guard.Positive(dimension);
        Guard.NotNull(extract);
        return new FunctionFeatures(signature, dimension, extract, owned: null);
    }

    /// <summary>Opens a TorchScript file, as CLIP, DINO and StyleGAN's Inception are handed around.</summary>
    /// <remarks>The file's own program is run by libtorch. It can call no Python, but open only files you trust.</remarks>
    /// <param name="path">The file, made with torch.jit.save.</param>
    /// <param name="signature">What decides the features, for reports: lower-case letters, digits, '-', '.', '+' and ','.</param>
    /// <param name="dimension">Number of features of an image, at least 1.</param>
    /// <param name="prepare">Image batch in [0, 1] → what the file's module takes (its size and scale); the batch as it is if null.</param>
    /// <param name="device">Where to compute; the CPU if null.</param>
    /// <returns>The extractor, owned by the caller.</returns>
    /// <exception cref="ArgumentException">A text is blank, the signature has other characters, or the dimension is not positive.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no TorchScript module.</exception>
    public static IFeatureExtractor FromTorchScript(string path, string signature, long dimension, Func<Tensor, Tensor>? prepare = null, Device? device = null)
    {
        Guard.NotBlank(path);
        FeatureSignature.Require(signature);
        Guard.Positive(dimension);
        if (!File.Exists(path)) throw new FileNotFoundException($"path must be a TorchScript file, but there is no '{path}'.", path);
        Device where = device ?? CPU;
        jit.ScriptModule<Tensor, Tensor> module;
        try
        {
            module = jit.load<Tensor, Tensor>(path, where.type, where.index);
        }
        catch (System.Runtime.InteropServices.ExternalException e)
        {
            throw new InvalidDataException($"{path} must be a TorchScript module, as torch.jit.save writes it, but libtorch cannot read it.", e);
        }
        module.eval();
        return new FunctionFeatures(signature, dimension, images => module.call((prepare is null ? images : prepare(images)).to(where)), module);
    }
}
