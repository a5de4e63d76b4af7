using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Flows;

/// <content>Prior, densities and whitening.</content>
public sealed partial class Glow
{
    /// <inheritdoc/>
    /// <remarks>Drawn from the learnt priors at <see cref="Temperature"/>, the coarsest level first, since each level's prior depends on the coarser ones. Decoding gives the drawn image.</remarks>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    /// <exception cref="InvalidOperationException">The prior depends on a class and <see cref="Class"/> is null.</exception>
    public Tensor Sample(long count, ulong seed)
    {
        ThrowIfDisposed();
        Guard.Positive(count);
        using var scope = NewDisposeScope();
        using Generator generator = new(seed, Device);
        Tensor noise = randn([count, Latent.Dimension], Dtype, Device, generator: generator) * Temperature;
        return Rows(noise, (block, classes) => _latents.Sample(block, classes)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has another width or dtype, is empty, or is not finite.</exception>
    /// <exception cref="InvalidOperationException">The prior depends on a class and <see cref="Class"/> is null.</exception>
    public Tensor LogPrior(Tensor latents)
    {
        ThrowIfDisposed();
        TensorGuard.Latents(latents, Latent.Dimension, Name);
        return Rows(latents, (block, classes) => _latents.LogPrior(block, classes));
    }

    /// <inheritdoc/>
    /// <remarks>Of the middle of each pixel's bin, without noise. All levels count, whichever the latent holds.</remarks>
    /// <exception cref="ArgumentException">The batch has another shape or dtype, is empty, or leaves [0, 1].</exception>
    /// <exception cref="InvalidOperationException">The prior depends on a class and <see cref="Class"/> is null.</exception>
    public Tensor LogLikelihood(Tensor images)
    {
        ThrowIfDisposed();
        TensorGuard.Images(images, Image, Name);
        double stretch = Image.PixelCount * Math.Log(GlowPixels.Slope);
        return Rows(images, (block, classes) => GlowLatents.LogLikelihood(Network, GlowPixels.Centred(block), classes) + stretch);
    }

    /// <summary>How many bits a channel of a pixel takes to tell images of <see cref="Bits"/> bits apart: the figure in which flows are compared.</summary>
    /// <remarks>−(log p(v) − D·log 2ᵇ)/(D·log 2), with v the pixels on the network's scale, where b bits make bins of 2⁻ᵇ: Kingma and Dhariwal, eq. 2. With noise, its mean over noise is an upper bound of the discrete code length (Theis et al.,
    /// "A note on the evaluation of generative models", arXiv:1511.01844, section 3.1); without, pixels are taken at the middle of their bin of 256, which is no bound.</remarks>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <param name="noiseSeed">Seed of the noise that fills the bins of <see cref="Bits"/> bits; null for none.</param>
    /// <returns>Bits per dimension, [n], float64, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The batch has another shape or dtype, is empty, or leaves [0, 1].</exception>
    /// <exception cref="InvalidOperationException">The prior depends on a class and <see cref="Class"/> is null.</exception>
    public Tensor BitsPerDimension(Tensor images, ulong? noiseSeed = null)
    {
        ThrowIfDisposed();
        TensorGuard.Images(images, Image, Name);
        using Generator? generator = noiseSeed is { } seed ? new(seed, Device) : null;
        return Rows(images, (block, classes) =>
        {
            Tensor pixels = generator is null ? GlowPixels.Centred(block) : GlowPixels.Dequantised(block, Bits, generator);
            return GlowPixels.BitsPerDimension(GlowLatents.LogLikelihood(Network, pixels, classes), Bits, Image.PixelCount);
        });
    }

    /// <summary>Encodes images with the noise that training adds: pixels are cut to <see cref="Bits"/> bits and spread evenly over their bins.</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <param name="seed">Seed of the noise.</param>
    /// <returns>Latent batch [n, D], owned by the caller.</returns>
    /// <exception cref="ArgumentException">The batch has another shape or dtype, is empty, or leaves [0, 1].</exception>
    public Tensor EncodeDequantised(Tensor images, ulong seed)
    {
        ThrowIfDisposed();
        TensorGuard.Images(images, Image, Name);
        using Generator generator = new(seed, Device);
        return Rows(images, (block, classes) => _latents.Encode(GlowPixels.Dequantised(block, Bits, generator), classes), needsClass: Whitened);
    }

    /// <summary>Whitens latents by the learnt priors, ε = (z − μ)/σ: draws of the prior become draws of N(0, I), for <see cref="TypicalSet"/>.</summary>
    /// <param name="latents">Latent batch [n, D], floating point. Not disposed.</param>
    /// <returns>A fresh batch [n, D], owned by the caller; the same numbers where the latent is <see cref="Whitened"/> already.</returns>
    /// <exception cref="ArgumentException">The batch has another width or dtype, is empty, or is not finite.</exception>
    /// <exception cref="InvalidOperationException">The prior depends on a class and <see cref="Class"/> is null.</exception>
    public Tensor Whiten(Tensor latents)
    {
        ThrowIfDisposed();
        TensorGuard.Latents(latents, Latent.Dimension, Name);
        return Rows(latents, (block, classes) => _latents.Whiten(block, classes));
    }

    /// <summary>Guesses the class of images with the linear layer that class-conditional weights of y0ast have on the coarsest level.</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <returns>Logits [n, <see cref="Classes"/>], owned by the caller.</returns>
    /// <exception cref="ArgumentException">The batch has another shape or dtype, is empty, or leaves [0, 1].</exception>
    /// <exception cref="InvalidOperationException">The model has no classes.</exception>
    public Tensor ClassLogits(Tensor images)
    {
        ThrowIfDisposed();
        TensorGuard.Images(images, Image, Name);
        if (Classes == 0) throw new InvalidOperationException($"{Name} must have classes, but its weights have none.");
        return Rows(images, (block, _) => Y0astGlow.ClassLogits(Network.Weights, Network.Forward(GlowPixels.Centred(block), determinant: false).Levels[^1].Values), needsClass: false);
    }

    private Tensor Rows(Tensor rows, Func<Tensor, Tensor?, Tensor> function, bool needsClass = true)
    {
        ThrowIfGone();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        List<Tensor> blocks = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(rows.size(0), BatchSize))
        {
            using var block = NewDisposeScope();
            blocks.Add(function(rows.narrow(0, start, size).to(Dtype, Device), needsClass ? ClassRows(size) : null).clone().MoveToOuterDisposeScope());
        }
        return cat(blocks, 0).contiguous().MoveToOuterDisposeScope();
    }
}
