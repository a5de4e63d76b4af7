using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using LatentStitching.Data;
using LatentStitching.Metrics;
using LatentStitching.Models;
using LatentStitching.Reporting;
using Spectre.Console;

namespace LatentStitching.Replication;

/// <summary>Shows and writes what a run found: tables, JSON, CSV and pictures.</summary>
internal sealed class Results(RunOptions options, IImageSource images, DataSplit split, IReadOnlyList<ILatentModel> models, IReadOnlyList<Pair> pairs, Stopwatch clock)
{
    private const int Shown = 8;
    private const int IntervalWidth = 180;

    private static readonly JsonSerializerOptions _json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    private static readonly (string Header, Func<StitchErrors, bool, string> Cell)[] _columns =
    [
        ("R: source's own", (errors, _) => Number(errors.SourceReconstruction)),
        ("L: latent MSE", (errors, _) => Number(errors.Latent)),
        ("L / variance", (errors, intervals) => intervals ? Interval(errors.NormalisedLatent) : Number(errors.NormalisedLatent)),
        ("M: stitched", (errors, intervals) => intervals ? Interval(errors.Stitched) : Number(errors.Stitched)),
        ("R2: ceiling", (errors, _) => Number(errors.TargetReconstruction)),
        ("floor: mean", (errors, _) => Number(errors.MeanFloor)),
        ("floor: shuffled", (errors, _) => Number(errors.ShuffledFloor)),
        ("recovered", (errors, intervals) => errors.Recovered.ToString("0.000", CultureInfo.InvariantCulture)
            + (intervals ? string.Create(CultureInfo.InvariantCulture, $" [{errors.RecoveredLower:0.000}, {errors.RecoveredUpper:0.000}]") : "")),
    ];

    public void Show(Display display)
    {
        Table table = new Table().Border(TableBorder.Simple).Title($"Stitched through linear maps: {split.MapTrain.Count} images to fit, {split.Test.Count} to test; pixel errors are MSE on [[0, 1]]");
        // In a narrow terminal a folded interval reads like two numbers; the files have them all.
        bool intervals = display.Width >= IntervalWidth;
        table.AddColumn(new TableColumn("source → target").NoWrap());
        foreach ((string header, _) in _columns) table.AddColumn(new TableColumn(Markup.Escape(header)).RightAligned());
        foreach (Pair pair in pairs) table.AddRow([.. Row(pair, intervals).Select(Markup.Escape)]);
        display.Table(table);
    }

    public void Write()
    {
        string json = Path.Combine(options.Output, "results.json");
        WriteWhole(json, JsonSerializer.Serialize(Document(), _json));
        WriteWhole(Path.Combine(options.Output, "errors.md"), MarkdownTable());
        WriteWhole(Path.Combine(options.Output, "errors.csv"), Csv());
        string[] pictures = Pictures();
        Display.Line($"Wrote {json}, errors.md, errors.csv, {string.Join(", ", pictures)} in {clock.Elapsed.TotalSeconds:0} s in all.");
    }

    private static string Number(MetricValue value) => value.Value.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Interval(MetricValue value) => string.Create(CultureInfo.InvariantCulture, $"{value.Value:0.0000} [{value.Lower:0.0000}, {value.Upper:0.0000}]");

    private static IEnumerable<string> Row(Pair pair, bool intervals) => _columns.Select(column => column.Cell(pair.Errors, intervals)).Prepend(pair.Model.Name);

    private static void WriteWhole(string path, string text)
    {
        string beside = path + ".part";
        File.WriteAllText(beside, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        File.Move(beside, path, overwrite: true);
    }

    private object Document() => new
    {
        library = typeof(Stitcher).Assembly.GetName().Version?.ToString(3),
        runtime = RuntimeInformation.FrameworkDescription,
        libtorch = TorchSharp.torch.__version__,
        system = RuntimeInformation.OSDescription,
        processors = Environment.ProcessorCount,
        seconds = Math.Round(clock.Elapsed.TotalSeconds, 1),
        options,
        images = new
        {
            images.Name,
            Format = images.Image.ToString(),
            Count = images.Ids.Count,
            MapTrain = split.MapTrain.Count,
            ProbeTrain = split.ProbeTrain.Count,
            Test = split.Test.Count,
            Prevalence = images.Attributes?.Names.ToDictionary(name => name, name => Math.Round(images.Attributes.Prevalence(name), 4), StringComparer.Ordinal),
        },
        models = models.Select(model => new { model.Name, Image = model.Image.ToString(), Latent = model.Latent.ToString() }),
        pairs = pairs.Select(pair => new
        {
            source = pair.Source.Name,
            target = pair.Target.Name,
            fit = pair.Report,
            recovered = new { pair.Errors.Recovered, lower = pair.Errors.RecoveredLower, upper = pair.Errors.RecoveredUpper },
            errors = Metrics(pair.Errors).ToDictionary(
                metric => metric.Name,
                metric => new { metric.Value.Value, metric.Value.Lower, metric.Value.Upper, metric.Value.StandardDeviation, metric.Value.Info.Unit, metric.Value.Signature },
                StringComparer.Ordinal),
        }),
    };

    private static IEnumerable<(string Name, MetricValue Value)> Metrics(StitchErrors errors) =>
    [
        ("R", errors.SourceReconstruction),
        ("R2", errors.TargetReconstruction),
        ("L", errors.Latent),
        ("LNormalised", errors.NormalisedLatent),
        ("M", errors.Stitched),
        ("sourceToStitched", errors.SourceToStitched),
        ("targetToStitched", errors.TargetToStitched),
        ("meanFloor", errors.MeanFloor),
        ("shuffledFloor", errors.ShuffledFloor),
    ];

    private string MarkdownTable()
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"| source → target | {string.Join(" | ", _columns.Select(column => column.Header))} |");
        text.AppendLine(CultureInfo.InvariantCulture, $"|---|{string.Concat(Enumerable.Repeat("---:|", _columns.Length))}");
        foreach (Pair pair in pairs) text.AppendLine(CultureInfo.InvariantCulture, $"| {string.Join(" | ", Row(pair, intervals: true))} |");
        return text.ToString();
    }

    private string Csv()
    {
        StringBuilder text = new("source,target,metric,value,lower,upper,standard_deviation,n,signature\n");
        foreach (Pair pair in pairs)
        {
            foreach ((string name, MetricValue value) in Metrics(pair.Errors))
            {
                text.Append(CultureInfo.InvariantCulture, $"{Quoted(pair.Source.Name)},{Quoted(pair.Target.Name)},{name},{value.Value:r},{value.Lower:r},{value.Upper:r},{value.StandardDeviation:r},{value.Count},{Quoted(value.Signature)}\n");
            }
        }
        return text.ToString();
    }

    private static string Quoted(string text) => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>One picture a target: the image, what each model makes of it alone, and what each source's encoder makes of it through this decoder.</summary>
    private string[] Pictures()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor x = images.Load([.. split.Test.Take(Shown)]);
        List<string> written = [];
        foreach (ILatentModel target in models)
        {
            List<(string, Tensor)> columns = [("original", x), ($"{target.Name} itself", target.Reconstruct(x))];
            foreach (Pair pair in pairs.Where(pair => pair.Target == target))
            {
                if (models.Contains(pair.Source)) columns.Add(($"{pair.Source.Name} itself", pair.Source.Reconstruct(x)));
                columns.Add((pair.Model.Name, pair.Model.Translate(x)));
            }
            string file = $"stitched-to-{target.Name}.png";
            ImageGrid.Save(Path.Combine(options.Output, file), columns, new ImageGridOptions { Title = $"Decoded by {target.Name}", Scale = 2 });
            written.Add(file);
        }
        return [.. written];
    }
}
