using System.Globalization;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Flows;
using LatentStitching.Adapters.Gans;
using LatentStitching.Data;
using LatentStitching.Models;
using TorchSharp.Modules;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Encoding and decoding with each adapter beside the same network as bare TorchSharp modules, in one process on one thread.</summary>
internal static class AdapterTable
{
    private const int Steps = 5;

    /// <summary>Prints one line an adapter.</summary>
    /// <param name="which">Part of the names of the adapters to time; empty for all.</param>
    /// <param name="seconds">How long each pair is timed, at least seven rounds.</param>
    public static int Run(string which, double seconds)
    {
        set_num_threads(1);
        Console.WriteLine("Medians of processor time in turns, ms a batch; ratio: bare time over the adapter's, that is, the adapter's throughput as a share.");
        Console.WriteLine("| adapter | batch | encode | bare | ratio | decode | bare | ratio |");
        Console.WriteLine("|---|---|---:|---:|---:|---:|---:|---:|");
        Table table = new(which, TimeSpan.FromSeconds(seconds));
        table.Row("Autoencoder", () => Plain(Autoencoder.Create(), BareAutoencoders.Plain(3, [12, 24, 48]), BareAutoencoders.Mirror([48, 24, 12], 3), 256));
        table.Row("Vae", () => Plain(Vae.Create(), BareAutoencoders.BurgessEncoder(), BareAutoencoders.BurgessDecoder(), 128));
        table.Row("AspertiVae", () => Plain(AspertiVae.Create(), BareAutoencoders.AspertiEncoder(), BareAutoencoders.AspertiDecoder(), 16));
        table.Row("VanillaVae", () => Plain(VanillaVae.Create(), BareAutoencoders.VanillaEncoder(), BareAutoencoders.VanillaDecoder(), 16));
        table.Row("MlpVae", () => Plain(MlpVae.Create(), BareAutoencoders.MlpEncoder(), BareAutoencoders.MlpDecoder(), 128));
        table.Row("DiffuseVae", () => Blocked(DiffuseVaeOptions.CelebA64, 8));
        table.Row("SplitVae, small", () => Split(SplitVaeOptions.Small32, 64));
        table.Row("SplitVae", () => Split(new SplitVaeOptions(), 4));
        table.Row("TinyAutoencoder", () => Plain(TinyAutoencoder.Create(), BareAutoencoders.TinyEncoder(), BareAutoencoders.TinyDecoder(), 4));
        table.Row("VqVae, small", () => Vq(32, [32, 32, 64], 1, 4, 256, 16));
        table.Row("VqVae", () => Vq(64, [128, 256, 512], 2, 3, 8192, 1));
        table.Row("Glow, 64 channels within", () => Flow(64));
        table.Row("Glow, 512 channels within", () => Flow(512));
        table.Row("DiffusionModel, 7×7 blocks, 5 steps", Blocks);
        table.Row("DiffusionModel, U-Net, 5 steps", UNet);
        table.Row("StyleGan2, decode from w", () => Style(StyleGan2Latent.W, noise: false));
        table.Row("StyleGan2, decode from w with constant noise", () => Style(StyleGan2Latent.W, noise: true));
        table.Row("StyleGan2, decode from z", () => Style(StyleGan2Latent.Z, noise: false));
        table.Row("StyleGan2, decode from w+", () => Style(StyleGan2Latent.WPlus, noise: false));
        table.Row("Gan, decode", () => Drawn(Gan.Create(), BareAutoencoders.Generator(), 16));
        table.Row("Gan, encode by a Recoder", Recoded);
        table.Row("PcaModel, 64 components", Components);
        table.Row("MlpGan, decode", Dense);
        return 0;
    }

    private static Side Plain(LatentModel model, Sequential encoder, Sequential decoder, long count) =>
        new(model, count, encoder.call, latents => decoder.call(latents.reshape([latents.size(0), .. model.Latent.Levels[0].Shape])), [encoder, decoder]);

    private static Side Blocked(DiffuseVaeOptions options, long count) => Plain(
        DiffuseVae.Create(options), BareDiffuseVae.Encoder(options.EncoderBlocks, options.EncoderChannels), BareDiffuseVae.Decoder(options.DecoderBlocks, options.DecoderChannels, options.Size), count);

    private static Side Split(SplitVaeOptions options, long count)
    {
        BareSplitVae bare = new(options.Image, options.LatentDimension, options.BaseChannels, options.EmbeddingDimension);
        bare.eval();
        return new Side(SplitVae.Create(options), count, bare.Encode, bare.Decode, [bare]);
    }

    // The network ends in tanh; pixels lie in [0, 1].
    private static Side Dense()
    {
        Sequential generator = BareAutoencoders.MlpGenerator();
        return new Side(MlpGan.Create(), 128, null, latents => (generator.call(latents) + 1) / 2, [generator]);
    }

    private static Side Drawn(LatentModel model, Sequential generator, long count) => new(model, count, null, generator.call, [generator]);

    private static Side Vq(long side, long[] channels, int blocks, long vector, long codes, long count)
    {
        BareVqVae bare = new(channels, blocks, vector, codes);
        VqVaeOptions options = new() { Image = ImageFormat.Rgb(side), Channels = channels, ResidualBlocks = blocks, LatentChannels = vector, EmbeddingDimension = vector, CodebookSize = codes };
        return new Side(VqVae.Create(options), count, bare.Encode, latents => bare.Decode(latents.reshape(count, vector, side / 4, side / 4)), [bare]);
    }

    private static Side Flow(int hidden)
    {
        const int levels = 4, steps = 2;
        BareGlow bare = new(levels, steps, hidden);
        return new Side(Glow.Create(new GlowOptions { Levels = levels, Steps = steps, HiddenChannels = hidden, Affine = true }), 16, bare.Encode, bare.Decode, [bare]);
    }

    private static Side Blocks()
    {
        var network = ConvolutionalDenoiser.Create();
        BareDenoiser bare = BareDenoiser.Create();
        var model = DiffusionModel.FromNetwork(network, network.Schedule, new DiffusionOptions { Steps = Steps, Refinements = 0, Range = NetworkRange.MinusHalfToHalf });
        Func<Tensor, Tensor, Tensor> predict = (x, time) => bare.call(x, time / 1000f);
        return new Side(model, 32, images => Walk(model, predict, images - 0.5, up: true), latents => Walk(model, predict, latents.reshape(32, 1, 28, 28), up: false) + 0.5, [bare]);
    }

    private static Side UNet()
    {
        var options = DiffusionUNetOptions.Small(ImageFormat.Rgb(32));
        BareUNet bare = new(3, 32, options.Channels, [.. options.Multipliers], options.BlocksPerLevel, [.. options.AttentionHeights]);
        var model = DiffusionModel.FromNetwork(DiffusionUNet.Create(options), NoiseSchedule.Linear(), new DiffusionOptions { Steps = Steps, Refinements = 0 });
        return new Side(model, 16, images => Walk(model, bare.call, (images * 2) - 1, up: true), latents => (Walk(model, bare.call, latents.reshape(16, 3, 32, 32), up: false) + 1) / 2, [bare]);
    }

    private static Side Style(StyleGan2Latent latent, bool noise)
    {
        StyleGan2Decoding decoding = new() { Latent = latent, Noise = noise ? SynthesisNoise.Constant : SynthesisNoise.None };
        StyleGan2 model = StyleGan2.Create(new StyleGan2Options { Image = ImageFormat.Rgb(64), ChannelBase = 4096, MostChannels = 128, Decoding = decoding });
        var bare = BareStyleGan2.Of([128, 128, 128, 128, 64], latent == StyleGan2Latent.Z, noise);
        return new Side(model, 16, null, bare.call, [bare]);
    }

    // The inversion belongs to the side, as the bare networks do.
    private static Side Recoded()
    {
        var recoder = Recoder.Create();
        Gan model = Gan.Create();
        model.Inversion = recoder;
        Sequential encoder = nn.Sequential(
            nn.Conv2d(3, 128, 4, stride: 2, padding: 1), nn.ReLU(), nn.Conv2d(128, 256, 4, stride: 2, padding: 1), nn.ReLU(), nn.Conv2d(256, 512, 4, stride: 2, padding: 1), nn.ReLU(), nn.Flatten(), nn.Linear(512 * 64, 64));
        Sequential generator = BareAutoencoders.Generator();
        return new Side(model, 16, encoder.call, generator.call, [encoder, generator, recoder]);
    }

    // The bare form of principal components is two matrices and a mean.
    private static Side Components()
    {
        ProceduralFaces faces = new(256, 64);
        var model = PcaModel.Fit(faces, dimension: 64);
        Tensor matrix = randn(64, 3 * 64 * 64).DetachFromDisposeScope(), mean = rand(3 * 64 * 64).DetachFromDisposeScope();
        return new Side(model, 128, images => (images.flatten(1) - mean).mm(matrix.t()), latents => (latents.mm(matrix) + mean).clamp(0, 1).reshape(-1, 3, 64, 64), [matrix, mean]);
    }

    private static Tensor Walk(DiffusionModel model, Func<Tensor, Tensor, Tensor> predict, Tensor x, bool up)
    {
        IReadOnlyList<double> alphaBars = model.Schedule.AlphaBars;
        int times = alphaBars.Count;
        for (int i = 1; i <= Steps; i++)
        {
            using var scope = NewDisposeScope();
            int upper = up ? i : Steps + 1 - i, time = (upper * times / Steps) - 1;
            double high = alphaBars[time], low = upper == 1 ? 1 : alphaBars[((upper - 1) * times / Steps) - 1];
            (double from, double to) = up ? (low, high) : (high, low);
            Tensor noise = predict(x, full([x.size(0)], (float)time));
            x = ((((x - (noise * Math.Sqrt(1 - from))) / Math.Sqrt(from)) * Math.Sqrt(to)) + (noise * Math.Sqrt(1 - to))).MoveToOuterDisposeScope();
        }
        return x;
    }

    /// <summary>An adapter and its bare network; no encoder where the adapter has none.</summary>
    private sealed record Side(LatentModel Model, long Count, Func<Tensor, Tensor>? Encoder, Func<Tensor, Tensor> Decoder, IDisposable[] Bare);

    private sealed class Table(string which, TimeSpan length)
    {
        public void Row(string name, Func<Side> make)
        {
            if (!name.Contains(which, StringComparison.OrdinalIgnoreCase)) return;
            using var scope = NewDisposeScope();
            Side side = make();
            using LatentModel model = side.Model;
            Tensor images = rand(side.Count, model.Image.Channels, model.Image.Height, model.Image.Width);
            Tensor latents = model is StyleGan2 gan ? gan.Sample(side.Count, 1) : side.Encoder is null ? randn(side.Count, model.Latent.Dimension) : model.Encode(images);
            string encode = side.Encoder is { } encoder ? Pair(() => model.Encode(images), () => encoder(images)) : "– | – | –";
            string decode = Pair(() => model.Decode(latents), () => side.Decoder(latents));
            Console.WriteLine($"| {name} | {side.Count} × {model.Image} | {encode} | {decode} |");
            foreach (IDisposable held in side.Bare) held.Dispose();
        }

        private string Pair(Func<Tensor> ours, Func<Tensor> bare)
        {
            Interleaved.Medians[] times = Interleaved.Time(length, 7, () => ours(), () => bare());
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{times[0].Processor * 1000:0.0} | {times[1].Processor * 1000:0.0} | {times[1].Processor / times[0].Processor:0.00}");
        }
    }
}
