using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Models;

namespace LatentStitching.Benchmarks.Latents;

/// <summary>The encoding that <see cref="BankKillLane"/> kills, as a process of its own: faces drawn in code, a small VAE, many small batches.</summary>
internal static class KilledEncoding
{
    public const string Command = "bank-kills-child";

    private const int Count = 2000;
    private const int Batch = 16;

    public static int Run(string path)
    {
        set_num_threads(1);
        using Vae model = Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(64), Seed = 1 });
        ProceduralFaces faces = new(Count);
        Console.WriteLine("begun");
        Console.Out.Flush();
        EncodingPipeline.Encode(model, faces, path, new EncodingOptions { BatchSize = Batch }).Dispose();
        Console.WriteLine("finished");
        return 0;
    }
}
