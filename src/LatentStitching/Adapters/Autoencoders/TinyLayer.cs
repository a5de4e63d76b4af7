namespace LatentStitching.Adapters.Autoencoders;

/// <summary>What a layer of <see cref="TinyAutoencoder"/> does.</summary>
internal enum TinyKind
{
    Convolution,
    Block,
    WideBlock,
    Rectify,
    Squash,
    Upsample,
}

/// <summary>One layer of the published sequences; its place in them is its name.</summary>
internal readonly record struct TinyLayer(TinyKind Kind, long Inputs = 0, long Outputs = 0, long Stride = 1, bool Bias = true)
{
    /// <summary>RGB → latent.</summary>
    public static IReadOnlyList<TinyLayer> Encoder(long latents, long reduction, bool wide)
    {
        List<TinyLayer> layers = reduction == 8
            ? [new(TinyKind.Convolution, 3, 64), new(TinyKind.Block, 64, 64)]
            : [new(TinyKind.Convolution, 3, 32, 2), new(TinyKind.Rectify), new(TinyKind.Convolution, 32, 64, 2), new(TinyKind.Rectify), new(TinyKind.Block, 64, 64)];
        for (int i = 0; i < 3; i++)
        {
            layers.Add(new(TinyKind.Convolution, 64, 64, 2, Bias: false));
            layers.AddRange(Enumerable.Repeat(new TinyLayer(wide && i == 2 ? TinyKind.WideBlock : TinyKind.Block, 64, 64), 3));
        }
        layers.Add(new(TinyKind.Convolution, 64, latents));
        return layers;
    }

    /// <summary>Latent → RGB.</summary>
    public static IReadOnlyList<TinyLayer> Decoder(long latents, long reduction, bool wide)
    {
        long[] widths = reduction == 8 ? [64, 64, 64, 64] : [256, 128, 64, 64, 64, 64];
        List<TinyLayer> layers = [new(TinyKind.Squash), new(TinyKind.Convolution, latents, widths[0]), new(TinyKind.Rectify)];
        for (int i = 0; i < widths.Length - 1; i++)
        {
            layers.AddRange(Enumerable.Repeat(new TinyLayer(wide && i == 0 ? TinyKind.WideBlock : TinyKind.Block, widths[i], widths[i]), 3));
            layers.Add(new(TinyKind.Upsample));
            layers.Add(new(TinyKind.Convolution, widths[i], widths[i + 1], Bias: false));
        }
        layers.Add(new(TinyKind.Block, 64, 64));
        layers.Add(new(TinyKind.Convolution, 64, 3));
        return layers;
    }
}
