using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Latents;

/// <summary>Every byte of a bank's file but the latents and their checksums, and where those go. docs/latent-banks.md tells the format.</summary>
internal sealed class BankLayout
{
    public const string Kind = Prefix + "kind";
    public const string Format = Prefix + "format";
    public const string Version = Prefix + "version";
    public const string Model = Prefix + "model";
    public const string ModelHash = Prefix + "model-fingerprint";
    public const string Levels = Prefix + "levels";
    public const string Images = Prefix + "images";
    public const string ImageSize = Prefix + "image";
    public const string Preparation = Prefix + "preparation";
    public const string ImagesHash = Prefix + "images-fingerprint";
    public const string ImagesContent = Prefix + "images-content";
    public const string BlockSize = Prefix + "block-rows";
    public const string AttributeNames = Prefix + "attributes";
    public const string Prefix = "latentstitching.";

    public const string KindName = "latent-bank";
    public const string FormatName = "1";

    public const string LatentsTensor = "latents";
    public const string HashesTensor = "block_sha256";
    public const string AttributesTensor = "attributes";
    public const string IdsTensor = "ids";
    public const string RootTensor = "sha256";

    private static readonly JsonWriterOptions _writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly byte[] _labels;
    private readonly byte[] _ids;

    public BankLayout(LatentBankInfo info, ScalarType dtype, int blockRows)
    {
        (Info, Dtype, BlockRows) = (info, dtype, blockRows);
        var type = ElementType.Of(dtype)!;
        RowBytes = checked(info.Latent.Dimension * type.Size);
        BlockCount = (int)((info.Ids.Count + (long)blockRows - 1) / blockRows);
        _labels = Labels(info);
        _ids = Json(json =>
        {
            json.WriteStartArray();
            foreach (string id in info.Ids) json.WriteStringValue(id);
            json.WriteEndArray();
        });

        ElementType bytes = ElementType.Of(ScalarType.Byte)!;
        List<SafeTensorsEntry> entries = [];
        long end = 0;
        void Add(string name, ElementType of, params long[] shape)
        {
            long begin = end;
            end = checked(begin + of.BytesOf(shape)!.Value);
            entries.Add(new SafeTensorsEntry(name, of, shape, begin, end));
        }
        // The latents first: a header ends at a multiple of 64 bytes, so a mapped file holds them aligned.
        Add(LatentsTensor, type, info.Ids.Count, info.Latent.Dimension);
        Add(HashesTensor, bytes, BlockCount, SHA256.HashSizeInBytes);
        if (info.Attributes is { } attributes) Add(AttributesTensor, ElementType.Of(ScalarType.Bool)!, attributes.Count, attributes.Names.Count);
        Add(IdsTensor, bytes, _ids.Length);
        Add(RootTensor, bytes, SHA256.HashSizeInBytes);
        Header = new SafeTensorsHeader(entries, Metadata(info, blockRows)).ToBytes();
        Length = Header.Length + end;
    }

    public LatentBankInfo Info { get; }

    public ScalarType Dtype { get; }

    /// <summary>Rows that have one checksum together; the last block may be smaller.</summary>
    public int BlockRows { get; }

    public int BlockCount { get; }

    public long RowBytes { get; }

    /// <summary>The length field and the header. The latents follow.</summary>
    public byte[] Header { get; }

    /// <summary>Bytes of the finished file.</summary>
    public long Length { get; }

    public long HashesOffset => Header.Length + (RowBytes * Info.Ids.Count);

    public int RowsOf(int block) => Math.Min(BlockRows, Info.Ids.Count - (block * BlockRows));

    /// <summary>What follows the checksums of the blocks: labels, ids, and the checksum of all but the latents.</summary>
    public byte[] Tail(byte[] hashes) => [.. _labels, .. _ids, .. Root(Header, hashes, _labels, _ids)];

    /// <summary>The checksum that stands for the whole bank: the latents count through those of their blocks.</summary>
    public static byte[] Root(byte[] header, byte[] hashes, byte[] labels, byte[] ids)
    {
        using var root = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] part in (byte[][])[header, hashes, labels, ids]) root.AppendData(part);
        return root.GetHashAndReset();
    }

    private static Dictionary<string, string> Metadata(LatentBankInfo info, int blockRows)
    {
        Dictionary<string, string> facts = new(StringComparer.Ordinal)
        {
            [Kind] = KindName,
            [Format] = FormatName,
            [Version] = typeof(LatentBank).Assembly.GetName().Version?.ToString(3) ?? "0.0.0",
            [Model] = info.ModelName,
            [ModelHash] = info.ModelFingerprint,
            [Levels] = Text(json => WriteLevels(json, info.Latent)),
            [Images] = info.ImageSourceName,
            [ImageSize] = $"[{info.Image.Channels}, {info.Image.Height}, {info.Image.Width}]",
            [Preparation] = info.Preparation,
            [ImagesHash] = info.ImagesFingerprint,
            [BlockSize] = $"{blockRows}",
        };
        if (info.ImagesContentHash is { } content) facts[ImagesContent] = content;
        if (info.Attributes is { } attributes)
        {
            facts[AttributeNames] = Text(json =>
            {
                json.WriteStartArray();
                foreach (string name in attributes.Names) json.WriteStringValue(name);
                json.WriteEndArray();
            });
        }
        return facts;
    }

    private static void WriteLevels(Utf8JsonWriter json, LatentSpace latent)
    {
        json.WriteStartArray();
        foreach (LatentLevel level in latent.Levels)
        {
            json.WriteStartObject();
            json.WriteString("name", level.Name);
            json.WriteStartArray("shape");
            foreach (long length in level.Shape) json.WriteNumberValue(length);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static byte[] Labels(LatentBankInfo info)
    {
        if (info.Attributes is not { } attributes) return [];
        int width = attributes.Names.Count;
        byte[] labels = new byte[checked(info.Ids.Count * width)];
        for (int j = 0; j < width; j++)
        {
            IReadOnlyList<bool> column = attributes.Column(attributes.Names[j]);
            for (int i = 0; i < column.Count; i++) labels[(i * width) + j] = column[i] ? (byte)1 : (byte)0;
        }
        return labels;
    }

    private static string Text(Action<Utf8JsonWriter> write) => Encoding.UTF8.GetString(Json(write));

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, _writing)) write(json);
        return buffer.WrittenSpan.ToArray();
    }
}
