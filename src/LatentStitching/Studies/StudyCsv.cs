using System.Globalization;
using System.Text;
using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>A study's numbers as lines.</summary>
internal static class StudyCsv
{
    public static string Write(StudyResult result)
    {
        string[] controls = [.. result.Models.Where(model => model.IsControl).Select(model => model.Name)];
        StringBuilder text = new();
        Line(text, ["source", "target", "through", "images", "quantity", "metric", "attribute", "value", "lower", "upper", "standard_deviation", "n", "ceiling", "mean_floor", "shuffled_floor", .. controls, "signature"]);
        foreach (StudyModel model in result.Models)
        {
            foreach (StudyNumber number in model.Own) Number(text, model.Name, model.Name, model.Encodes ? result.Manifest.Images : $"prior of {model.Name}", number, controls);
        }
        foreach (StudyPair pair in result.Pairs)
        {
            foreach (StudyNumber number in pair.Numbers) Number(text, pair.Source, pair.Target, pair.Images, number, controls);
        }
        foreach (StudyPath path in result.Paths)
        {
            Values(text, [path.Models[0], path.Models[2], path.Models[1], result.Manifest.Images, $"{path.Quantity}"], "", path.Error, [path.Direct?.Value, null, null, .. controls.Select(_ => (double?)null)]);
        }
        return text.ToString();
    }

    private static void Number(StringBuilder text, string source, string target, string images, StudyNumber number, string[] controls) => Values(
        text,
        [source, target, "", images, $"{number.Quantity}"],
        number.Attribute ?? "",
        number.Value,
        [number.Ceiling?.Value, number.MeanFloor?.Value, number.ShuffledFloor?.Value, .. controls.Select(name => number.Controls.FirstOrDefault(control => control.Name == name)?.Value.Value)]);

    private static void Values(StringBuilder text, string[] head, string attribute, MetricValue value, double?[] beside) => Line(
        text,
        [.. head, value.Info.Name, attribute, Digits(value.Value), Digits(value.Lower), Digits(value.Upper), Digits(value.StandardDeviation), value.Count, .. beside.Select(Digits), value.Signature]);

    private static string Digits(double? number) => number is { } value && !double.IsNaN(value) ? value.ToString("r", CultureInfo.InvariantCulture) : "";

    private static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append(string.Join(',', cells.Select(Quoted))).Append('\n');

    private static string Quoted(string cell) =>
        cell.AsSpan().IndexOfAny(",\"\n\r") < 0 ? cell : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
