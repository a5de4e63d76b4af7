using System.Text.Json;
using System.Text.Json.Nodes;

namespace LatentStitching.Checkpoints;

/// <summary>Reads a JSON object from a file of bounded length.</summary>
internal static class JsonFile
{
    private const int MaxDepth = 64;

    /// <summary>The object as nodes that can be changed. Every text in it can be read, and no key comes twice.</summary>
    public static JsonObject ReadObject(string path, int maxBytes)
    {
        using JsonDocument document = Read(path, maxBytes, allowDuplicates: false);
        try
        {
            CheckTexts(document.RootElement);
        }
        // A text whose escapes make no Unicode.
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"'{path}' must hold texts, but one cannot be read: {e.Message}", e);
        }
        return JsonObject.Create(document.RootElement.Clone())!;
    }

    /// <summary>The object. Its texts are read when they are asked for.</summary>
    public static JsonDocument Read(string path, int maxBytes, bool allowDuplicates = true)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        if (stream.Length > maxBytes) throw new InvalidDataException($"'{path}' must hold at most {maxBytes} bytes, but it holds {stream.Length}.");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        ReadOnlyMemory<byte> json = bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xef, 0xbb, 0xbf]) ? bytes.AsMemory(3) : bytes;
        try
        {
            JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = allowDuplicates });
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            JsonValueKind kind = document.RootElement.ValueKind;
            document.Dispose();
            throw new InvalidDataException($"'{path}' must hold a JSON object, but it is of kind {kind}.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}' must hold a JSON object, but it cannot be read: {e.Message}", e);
        }
    }

    private static void CheckTexts(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    _ = property.Name;
                    CheckTexts(property.Value);
                }
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray()) CheckTexts(item);
                break;
            case JsonValueKind.String:
                _ = element.GetString();
                break;
        }
    }
}
