using System.Buffers.Binary;
using System.Text.Json;

namespace LatentStitching.Checkpoints;

/// <summary>Reads a safetensors header and checks all of it against the file's length, before any memory for tensors is taken.</summary>
internal static class SafeTensorsHeaderReader
{
    // Dimensions of a tensor.
    private const int MaxNumbers = 64;
    private const int MaxDepth = 4;

    /// <summary>Reads from the stream's beginning; leaves it at the first byte of data.</summary>
    public static SafeTensorsHeader Read(FileStream stream)
    {
        string path = stream.Name;
        if (stream.Length < 8)
        {
            throw Invalid(
                path,
                $"must begin with the 8 bytes of its header's length, but it holds {stream.Length} bytes. "
                + "It is cut short or no safetensors file.");
        }
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > SafeTensorsHeader.MaxLength)
        {
            throw Invalid(
                path,
                $"must have a header of at most {SafeTensorsHeader.MaxLength} bytes, but it declares {length}. "
                + "It is damaged or no safetensors file.");
        }
        if ((long)length > stream.Length - 8)
        {
            throw Invalid(path, $"must hold its whole header, but that is {length} bytes long and {stream.Length - 8} follow. The file is cut short.");
        }
        byte[] json = new byte[length];
        stream.ReadExactly(json);
        return Parse(json, path, stream.Length - 8 - (long)length);
    }

    public static SafeTensorsHeader Parse(byte[] json, string path, long dataLength)
    {
        try
        {
            CheckLists(json, path);
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return Read(document.RootElement, path, dataLength);
        }
        // A text whose escapes make no Unicode gives InvalidOperationException.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}' must have a JSON object as its header, but it cannot be read: {e.Message}", e);
        }
    }

    // A document takes twelve bytes a number, and a header may have a hundred megabytes of them.
    private static void CheckLists(byte[] json, string path)
    {
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        int sinceName = 0;
        while (reader.Read())
        {
            // A few more for the brackets around the numbers.
            if (reader.TokenType == JsonTokenType.PropertyName) sinceName = 0;
            else if (++sinceName > MaxNumbers + 8) throw Invalid(path, $"must have lists of at most {MaxNumbers} numbers in its header, but one at byte {reader.TokenStartIndex} has more.");
        }
    }

    private static SafeTensorsHeader Read(JsonElement root, string path, long dataLength)
    {
        if (root.ValueKind != JsonValueKind.Object) throw Invalid(path, $"must have a JSON object as its header, but it is of kind {root.ValueKind}.");
        Dictionary<string, string>? metadata = null;
        HashSet<string> names = new(StringComparer.Ordinal);
        List<SafeTensorsEntry> entries = [];
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (!names.Add(property.Name)) throw Invalid(path, $"must name each tensor once, but its header names '{PickleText.Safe(property.Name)}' twice.");
            if (property.Name == SafeTensorsHeader.MetadataName) metadata = ReadMetadata(property.Value, path);
            else entries.Add(ReadEntry(property.Name, property.Value, path, dataLength));
        }
        CheckTiling(entries, path, dataLength);
        return new SafeTensorsHeader(entries, metadata ?? []);
    }

    private static Dictionary<string, string> ReadMetadata(JsonElement element, string path)
    {
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        if (element.ValueKind != JsonValueKind.Object) throw Invalid(path, $"must have an object as __metadata__, but it is of kind {element.ValueKind}.");
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
            {
                throw Invalid(path, $"must have texts as metadata, but '{PickleText.Safe(property.Name)}' is of kind {property.Value.ValueKind}.");
            }
            if (!metadata.TryAdd(property.Name, property.Value.GetString()!))
            {
                throw Invalid(path, $"must name metadata once, but '{PickleText.Safe(property.Name)}' comes twice.");
            }
        }
        return metadata;
    }

    private static SafeTensorsEntry ReadEntry(string name, JsonElement element, string path, long dataLength)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Invalid(path, $"must describe each tensor by an object, but '{PickleText.Safe(name)}' is of kind {element.ValueKind}.");
        }
        string? dtype = null;
        long[]? shape = null, offsets = null;
        foreach (JsonProperty property in element.EnumerateObject())
        {
            bool first = property.Name switch
            {
                "dtype" => dtype is null,
                "shape" => shape is null,
                "data_offsets" => offsets is null,
                _ => throw Invalid(path, $"must give dtype, shape and data_offsets for each tensor, but '{PickleText.Safe(name)}' has '{PickleText.Safe(property.Name)}'."),
            };
            if (!first) throw Invalid(path, $"must give each field once, but '{PickleText.Safe(name)}' has '{PickleText.Safe(property.Name)}' twice.");
            switch (property.Name)
            {
                case "dtype" when property.Value.ValueKind == JsonValueKind.String:
                    dtype = property.Value.GetString()!;
                    break;
                case "dtype":
                    throw Invalid(path, $"must have texts as dtype, but that of '{PickleText.Safe(name)}' is of kind {property.Value.ValueKind}.");
                case "shape":
                    shape = ReadNumbers(name, property, path);
                    break;
                default:
                    offsets = ReadNumbers(name, property, path);
                    break;
            }
        }
        if (dtype is null || shape is null || offsets is null)
        {
            string missing = dtype is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw Invalid(path, $"must give dtype, shape and data_offsets for each tensor, but '{PickleText.Safe(name)}' lacks {missing}.");
        }
        ElementType type = ElementType.OfSafeTensors(dtype) ?? throw Invalid(
            path,
            $"must hold tensors of {ElementType.ReadNames}, but '{PickleText.Safe(name)}' is {Short(dtype)}, "
            + (ElementType.IsUnsupported(dtype) ? "which TorchSharp has no type for. Convert it in Python first." : "which is no type of the format. The file is damaged, or newer than this library."));
        if (type.BytesOf(shape) is not { } bytes)
        {
            throw Invalid(path, $"must have shapes of at most 64 dimensions, none negative, of less than 2^63 bytes, but that of '{PickleText.Safe(name)}' is {Text(shape)}.");
        }
        if (offsets is not [long begin, long end] || begin < 0 || end < begin)
        {
            throw Invalid(path, $"must have two rising offsets, from 0, as data_offsets, but those of '{PickleText.Safe(name)}' are {Text(offsets)}.");
        }
        if (end > dataLength)
        {
            throw Invalid(
                path,
                $"must hold the data of all tensors, but '{PickleText.Safe(name)}' ends at byte {end} of {dataLength}. "
                + "The file is cut short or its header is damaged.");
        }
        if (end - begin != bytes)
        {
            throw Invalid(path, $"must give each tensor the bytes of its shape, but '{PickleText.Safe(name)}', {dtype} {Text(shape)}, needs {bytes} and has {end - begin}.");
        }
        return new SafeTensorsEntry(name, type, shape, begin, end);
    }

    private static long[] ReadNumbers(string name, JsonProperty property, string path)
    {
        if (property.Value.ValueKind != JsonValueKind.Array)
        {
            throw Invalid(path, $"must have a list as {property.Name}, but that of '{PickleText.Safe(name)}' is of kind {property.Value.ValueKind}.");
        }
        int count = property.Value.GetArrayLength();
        if (count > MaxNumbers) throw Invalid(path, $"must have at most {MaxNumbers} numbers as {property.Name}, but that of '{PickleText.Safe(name)}' has {count}.");
        long[] numbers = new long[count];
        int i = 0;
        foreach (JsonElement item in property.Value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out numbers[i++]))
            {
                throw Invalid(path, $"must have whole numbers of 64 bits as {property.Name}, but that of '{PickleText.Safe(name)}' holds {Short(item.GetRawText())}.");
            }
        }
        return numbers;
    }

    private static void CheckTiling(List<SafeTensorsEntry> entries, string path, long dataLength)
    {
        long at = 0;
        string before = "the header";
        foreach (SafeTensorsEntry entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin < at)
            {
                throw Invalid(path, $"must keep its tensors apart, but '{PickleText.Safe(entry.Name)}' begins at byte {entry.Begin} and '{PickleText.Safe(before)}' ends at {at}: they overlap.");
            }
            if (entry.Begin > at) throw Invalid(path, $"must have no gaps, but bytes {at} to {entry.Begin}, before '{PickleText.Safe(entry.Name)}', belong to no tensor.");
            (at, before) = (entry.End, entry.Name);
        }
        if (at != dataLength)
        {
            throw Invalid(path, $"must end with its last tensor, but {dataLength - at} bytes after byte {at} of the data belong to no tensor.");
        }
    }

    private static string Text(long[] numbers) =>
        numbers.Length <= 64 ? $"[{string.Join(", ", numbers)}]" : $"[{string.Join(", ", numbers[..8])}, … {numbers.Length} numbers]";

    private static string Short(string text) => text.Length <= 40 ? text : text[..40] + "…";

    private static InvalidDataException Invalid(string path, string text) => new($"'{path}' {text}");
}
