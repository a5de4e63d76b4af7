using System.Text.Json.Nodes;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>A recoder in the model folder of its generator: a recoder is weights like the generator's, where other inversions are options.</summary>
internal static class RecoderFolder
{
    /// <summary>How the options of a recoder begin.</summary>
    public const string Option = "recoder";

    /// <summary>How the names of its weights begin.</summary>
    public const string RecoderPrefix = "recoder.";

    private const int MostLayers = 16;
    private const string GeneratorPrefix = "generator.";

    /// <summary>Describes a generator, with its recoder if that is how it is inverted.</summary>
    public static ModelDescription Describe(string kind, JsonObject configuration, GanModel model)
    {
        List<(string Name, Tensor Tensor)> weights = [.. model.Weights.All.Select(weight => (GeneratorPrefix + weight.Name, weight.Tensor))];
        configuration["recoder"] = model.Inversion is Recoder;
        if (model.Inversion is Recoder recoder)
        {
            foreach ((string key, JsonNode? value) in OptionsOf(recoder.Options)) configuration[key] = value!.DeepClone();
            weights.AddRange(recoder.Weights.All.Select(weight => (RecoderPrefix + weight.Name, weight.Tensor)));
        }
        return new ModelDescription(kind, configuration, weights);
    }

    /// <summary>The layout of a recoder.</summary>
    public static JsonObject OptionsOf(RecoderOptions options) => new()
    {
        ["recoderName"] = options.Name,
        ["recoderLayers"] = options.Layers,
        ["recoderBaseChannels"] = options.BaseChannels,
        ["recoderMultiplier"] = options.Multiplier,
        ["recoderKernel"] = options.Kernel,
        ["recoderStride"] = options.Stride,
        ["recoderHiddenLayer"] = options.HiddenLayer,
        ["recoderDropout"] = options.Dropout,
    };

    /// <summary>Opens the generator, and attaches the recoder of the folder if there is one; it is disposed with the model.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="open">Opens a generator from its weights.</param>
    public static T Open<T>(ModelFolder folder, Func<StateDictionary, T> open)
        where T : GanModel
    {
        T model;
        using (StateDictionary state = folder.Weights.Under(GeneratorPrefix)) model = open(state);
        try
        {
            if (folder.Option<bool>("recoder")) model.Own(RecoderOf(folder, model));
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static Recoder RecoderOf(ModelFolder folder, GanModel model)
    {
        int layers = folder.Option<int>("recoderLayers");
        if (layers > MostLayers) throw new InvalidDataException($"config.json in '{folder.FolderPath}' is not that of a model: 'recoderLayers' must be at most {MostLayers}, but it is {layers}.");
        RecoderOptions options = new()
        {
            Name = folder.Option<string>("recoderName"),
            Image = model.Image,
            LatentDimension = model.Latent.Dimension,
            Layers = layers,
            BaseChannels = folder.Option<long>("recoderBaseChannels"),
            Multiplier = folder.Option<long>("recoderMultiplier"),
            Kernel = folder.Option<int>("recoderKernel"),
            Stride = folder.Option<int>("recoderStride"),
            HiddenLayer = folder.Option<bool>("recoderHiddenLayer"),
            Dropout = folder.Option<double>("recoderDropout"),
        };
        using StateDictionary state = folder.Weights.Under(RecoderPrefix);
        return Recoder.From(options, state, folder.FolderPath, folder.Device);
    }
}
