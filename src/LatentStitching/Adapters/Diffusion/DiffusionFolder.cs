using System.Text.Json.Nodes;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>Model folders of <see cref="DiffusionModel"/>: the network's weights, the schedule and the options.</summary>
internal static class DiffusionFolder
{
    public static ModelDescription Describe(DiffusionModel model, IWeightedDenoiser network)
    {
        DiffusionOptions options = model.Options;
        JsonObject configuration = new()
        {
            ["network"] = network.Kind,
            ["dropout"] = network.Dropout,
            ["image"] = ModelFolder.ToJson(model.Image),
            ["betas"] = new JsonArray([.. model.Schedule.Betas.Select(beta => JsonValue.Create(beta))]),
            ["prediction"] = options.Prediction.ToString(),
            ["range"] = options.Range.ToString(),
            ["steps"] = options.Steps,
            ["decodeSteps"] = options.DecodeSteps,
            ["spacing"] = options.Spacing.ToString(),
            ["offset"] = options.Offset,
            ["setAlphaToOne"] = options.SetAlphaToOne,
            ["refinements"] = options.Refinements,
            ["clipPrediction"] = options.ClipPrediction,
            ["threshold"] = options.Threshold is { } threshold ? new JsonArray(threshold.Quantile, threshold.Maximum) : null,
            ["solver"] = options.Solver.ToString(),
            ["solverOrder"] = options.SolverOrder,
            ["compatibility"] = options.Compatibility.ToString(),
        };
        return new ModelDescription(DiffusionModel.Kind, configuration, network.Weights.All);
    }

    public static DiffusionModel Open(ModelFolder folder)
    {
        IDenoiser? network = null;
        try
        {
            DiffusionOptions options = OptionsOf(folder);
            NoiseSchedule schedule = NoiseSchedule.FromBetas(folder.List<double>("betas"));
            network = folder.Option<string>("network") switch
            {
                DiffusionUNet.Kind => DiffusionUNet.From(folder.Weights, folder.Image("image"), folder.FolderPath, folder.Device, dropout: folder.Option<double>("dropout")),
                ConvolutionalDenoiser.Kind => ConvolutionalDenoiser.From(folder.Weights, folder.FolderPath, folder.Device),
                string other => throw new InvalidDataException($"{folder.FolderPath} must hold a network of kind {DiffusionUNet.Kind} or {ConvolutionalDenoiser.Kind}, but it holds '{other}'."),
            };
            return DiffusionModel.FromNetwork(network, schedule, options);
        }
        catch (ArgumentException e)
        {
            network?.Dispose();
            throw new InvalidDataException($"{folder.FolderPath} must hold the description of a diffusion model, but it does not: {e.Message}", e);
        }
        catch
        {
            network?.Dispose();
            throw;
        }
    }

    private static DiffusionOptions OptionsOf(ModelFolder folder) => new()
    {
        Name = folder.Name,
        Prediction = Value<PredictionType>("prediction", folder),
        Range = Value<NetworkRange>("range", folder),
        Steps = folder.Option<int>("steps"),
        DecodeSteps = folder.Configuration["decodeSteps"] is null ? null : folder.Option<int>("decodeSteps"),
        Spacing = Value<StepSpacing>("spacing", folder),
        Offset = folder.Option<int>("offset"),
        SetAlphaToOne = folder.Option<bool>("setAlphaToOne"),
        Refinements = folder.Option<int>("refinements"),
        ClipPrediction = folder.Option<bool>("clipPrediction"),
        Threshold = folder.Configuration["threshold"] is null ? null : Threshold(folder),
        Solver = Value<DiffusionSolver>("solver", folder),
        SolverOrder = folder.Option<int>("solverOrder"),
        Compatibility = Value<InversionCompatibility>("compatibility", folder),
    };

    private static DynamicThreshold Threshold(ModelFolder folder)
    {
        IReadOnlyList<double> values = folder.List<double>("threshold");
        return values.Count == 2
            ? new DynamicThreshold { Quantile = values[0], Maximum = values[1] }
            : throw new InvalidDataException($"{folder.FolderPath} must hold a quantile and a maximum as 'threshold', but it holds {values.Count} numbers.");
    }

    private static T Value<T>(string key, ModelFolder folder)
        where T : struct, Enum
    {
        string text = folder.Option<string>(key);
        return Enum.TryParse(text, out T value) && Enum.IsDefined(value)
            ? value
            : throw new InvalidDataException($"{folder.FolderPath} must hold one of {string.Join(", ", Enum.GetNames<T>())} as '{key}', but it holds '{text}'.");
    }
}
