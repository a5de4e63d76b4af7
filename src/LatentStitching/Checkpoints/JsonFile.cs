using System.Text.Json;

namespace LatentStitching.Checkpoints;

/// <summary>Reads a JSON object from a file of bounded length.</summary>
internal static class JsonFile
{
    private const int MaxDepth = 64;

    public static JsonDocument Read(string path, int maxBytes)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        if (stream.Length > maxBytes) throw new InvalidDataException($"'{path}' must hold at most {maxBytes} bytes, but it holds {stream.Length}.");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        ReadOnlyMemory<byte> json = bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xef, 0xbb, 0xbf]) ? bytes.AsMemory(3) : bytes;
        try
        {
            JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            JsonValueKind kind = document.RootElement.ValueKind;
            document.Dispose();
            throw new InvalidDataException($"'{path}' must hold a JSON object, but it is of kind {kind}.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' must hold a JSON object, but it cannot be read: {e.Message}", e);
        }
    }
}
