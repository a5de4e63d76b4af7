using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LatentStitching.Reporting;

/// <summary>JSON of reports: indented, lines ended by \n, letters of all languages as they are.</summary>
internal static class JsonText
{
    private static readonly JsonWriterOptions _writing = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, _writing)) write(json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    /// <summary>A number with every digit; null where it is not finite, which JSON cannot say.</summary>
    public static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }

    /// <summary>The properties of a number: value, interval and the text that is shown.</summary>
    public static void Interval(Utf8JsonWriter json, double value, double lower, double upper)
    {
        Number(json, "value", value);
        if (!double.IsNaN(lower))
        {
            Number(json, "lower", lower);
            Number(json, "upper", upper);
        }
        json.WriteString("text", NumberText.Of(value, lower, upper));
    }
}
