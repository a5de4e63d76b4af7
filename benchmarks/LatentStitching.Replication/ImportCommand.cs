using System.CommandLine;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Gans;
using LatentStitching.Models;
using LatentStitching.Training;

namespace LatentStitching.Replication;

/// <summary>Writes published weights as model folders, which the study and <see cref="LatentModel.Load"/> open without knowing the class.</summary>
internal static class ImportCommand
{
    private static readonly Dictionary<string, Func<string[], int, string, LatentModel>> _kinds = new(StringComparer.Ordinal)
    {
        ["burgess-vae"] = (files, _, name) => Vae.Load(files[0], name),
        ["mlp-vae"] = (files, size, name) => MlpVae.Load(files[0], ImageFormat.Grey(size), name),
        ["taesd"] = (files, size, name) => TinyAutoencoder.LoadParts(files[0], files[1], ImageFormat.Rgb(size), name),
        ["mlp-gan"] = (files, size, name) => Invertible(MlpGan.Load(files[0], ImageFormat.Grey(size), name)),
        ["ddpm-blocks"] = (files, _, name) => Diffusion(files[0], name),
    };

    public static Command Create()
    {
        Argument<string> kind = new("kind") { Description = $"Layout of the weights: {string.Join(", ", _kinds.Keys)}." };
        kind.AcceptOnlyFromAmong([.. _kinds.Keys]);
        Argument<string[]> files = new("files") { Description = "Weight files; for taesd the encoder's, then the decoder's.", Arity = ArgumentArity.OneOrMore };
        Option<string> output = new("--output") { Description = "The folder to write; its last part is the model's name.", Required = true };
        Option<int> size = new("--size") { Description = "Side of the images in pixels, where the weights do not tell it.", DefaultValueFactory = _ => 28 };
        Command command = new("import", "Writes published weights as a model folder for --models. A GAN gets a recoder, trained on what it draws (a minute or two).") { kind, files, output, size };
        command.SetAction((result, _) => Task.FromResult(Execute(result.GetValue(kind)!, result.GetValue(files)!, result.GetValue(size), result.GetValue(output)!)));
        return command;
    }

    private static int Execute(string kind, string[] files, int size, string output)
    {
        try
        {
            int needed = kind == "taesd" ? 2 : 1;
            if (files.Length != needed) throw new ArgumentException($"{kind} needs {needed} weight file{(needed == 1 ? "" : "s")}, but {files.Length} came.");
            using LatentModel model = _kinds[kind](files, size, Path.GetFileName(Path.TrimEndingDirectorySeparator(output)));
            model.Save(output);
            Display.Line($"Wrote {output}: {model}");
            return 0;
        }
        catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(exception.Message);
            return 2;
        }
    }

    private static MlpGan Invertible(MlpGan model)
    {
        var recoder = Recoder.Create(new RecoderOptions { Name = model.Name + "-recoder", Image = model.Image, LatentDimension = model.Latent.Dimension, Layers = 2, BaseChannels = 32, Dropout = 0 });
        model.Inversion = recoder;
        new RecoderTrainer(new TrainingOptions { Epochs = 10, BatchSize = 64, LearningRate = 2e-3, Schedule = LearningRateSchedule.Cosine }).Train(recoder, model);
        return model;
    }

    private static DiffusionModel Diffusion(string file, string name)
    {
        var network = ConvolutionalDenoiser.Load(file);
        return DiffusionModel.FromNetwork(network, network.Schedule, new DiffusionOptions { Name = name, Range = NetworkRange.MinusHalfToHalf, Steps = 10 });
    }
}
