using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace LatentStitching.Studies;

/// <summary>The one way in which results of studies become JSON.</summary>
internal static class StudyJson
{
    private static readonly JsonSerializerOptions _options = new(StudyJsonContext.Default.Options) { NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Type<T>()) + "\n";

    public static T Read<T>(string json, string where)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            return JsonSerializer.Deserialize(json, Type<T>()) ?? throw new InvalidDataException($"{where} must hold a {typeof(T).Name}, but it holds null.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{where} must hold a {typeof(T).Name}, but it does not: {e.Message}", e);
        }
    }

    private static JsonTypeInfo<T> Type<T>() => (JsonTypeInfo<T>)_options.GetTypeInfo(typeof(T));
}
