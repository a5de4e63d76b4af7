using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;

namespace LatentStitching.Latents;

/// <summary>All that a bank's file holds but the latents themselves, checked against the file's length and against its own checksum.</summary>
internal sealed record BankHeader(LatentBankInfo Info, ScalarType Dtype, int BlockRows, long LatentsOffset, byte[] Hashes, string ContentHash, string LibraryVersion)
{
    /// <summary>Reads from the stream's beginning. The latents are not touched.</summary>
    public static BankHeader Read(FileStream stream)
    {
        SafeTensorsHeader header = SafeTensorsHeaderReader.Read(stream);
        return new Reader(stream, header, stream.Position).Read();
    }

    private sealed class Reader(FileStream stream, SafeTensorsHeader header, long dataOffset)
    {
        public BankHeader Read()
        {
            if (header.Metadata.GetValueOrDefault(BankLayout.Kind) is var kind && kind != BankLayout.KindName)
            {
                throw Invalid($"must be a latent bank, but its metadata names the kind '{kind ?? "none"}'. Write banks with EncodingPipeline.Encode or LatentBank.Create.");
            }
            if (header.Metadata.GetValueOrDefault(BankLayout.Format) is var format && format != BankLayout.FormatName)
            {
                throw Invalid($"must be of format {BankLayout.FormatName}, but it is of format '{format ?? "none"}'. A newer version of the library wrote it.");
            }
            SafeTensorsEntry latents = Entry(BankLayout.LatentsTensor);
            if (latents.Type.Dtype is not (ScalarType.Float32 or ScalarType.Float16) || latents.Shape is not [> 0 and <= int.MaxValue, > 0])
            {
                throw Invalid($"must hold 'latents' as F32 or F16 [n, d], but it is {Text(latents)}.");
            }
            int count = (int)latents.Shape[0];
            int blockRows = Number(BankLayout.BlockSize);
            byte[] hashes = Bytes(BankLayout.HashesTensor, ((count + (long)blockRows - 1) / blockRows, SHA256.HashSizeInBytes));
            for (int block = 0; block < hashes.Length; block += SHA256.HashSizeInBytes)
            {
                if (hashes.AsSpan(block, SHA256.HashSizeInBytes).ContainsAnyExcept((byte)0)) continue;
                throw Invalid($"must hold the checksum of each block of {blockRows} rows, but that of block {block / SHA256.HashSizeInBytes} is zeros: its latents were never written. Encode it anew.");
            }
            string[]? names = header.Metadata.ContainsKey(BankLayout.AttributeNames) ? Parsed(BankLayout.AttributeNames, Texts) : null;
            byte[] labels = names is null ? [] : Bytes(BankLayout.AttributesTensor, (count, names.Length), ScalarType.Bool);
            byte[] ids = Bytes(BankLayout.IdsTensor, null);
            byte[] stored = Bytes(BankLayout.RootTensor, (SHA256.HashSizeInBytes, null));
            byte[] root = BankLayout.Root(Slice(0, dataOffset), hashes, labels, ids);
            if (!root.AsSpan().SequenceEqual(stored))
            {
                throw Invalid($"must match its checksum {Hex(stored)}, but its header, ids and labels have {Hex(root)}. The file was changed or damaged.");
            }
            LatentBankInfo info = Info(ids, names, labels, count);
            if (info.Latent.Dimension != latents.Shape[1]) throw Invalid($"must have levels of {latents.Shape[1]} columns together, but they have {info.Latent.Dimension}.");
            return new BankHeader(info, latents.Type.Dtype, blockRows, dataOffset + latents.Begin, hashes, Hex(root), Fact(BankLayout.Version));
        }

        private LatentBankInfo Info(byte[] ids, string[]? names, byte[] labels, int count)
        {
            long[] image = Parsed(BankLayout.ImageSize, root => root.EnumerateArray().Select(size => size.GetInt64()).ToArray());
            if (image.Length != 3) throw Invalid($"must tell channels, height and width as '{BankLayout.ImageSize}', but it tells {image.Length} numbers.");
            try
            {
                LatentBankInfo info = new()
                {
                    ModelName = Fact(BankLayout.Model),
                    ModelFingerprint = Fact(BankLayout.ModelHash),
                    Latent = Parsed(BankLayout.Levels, Levels),
                    ImageSourceName = Fact(BankLayout.Images),
                    Image = new ImageFormat(image[0], image[1], image[2]),
                    Preparation = Fact(BankLayout.Preparation),
                    ImagesContentHash = header.Metadata.GetValueOrDefault(BankLayout.ImagesContent),
                    Ids = Array.AsReadOnly(Parse(ids, BankLayout.IdsTensor, Texts)),
                    Attributes = names is null
                        ? null
                        : new AttributeTable(names, [.. Enumerable.Range(0, count).Select(i => Array.ConvertAll(labels[(i * names.Length)..((i + 1) * names.Length)], label => label != 0))]),
                };
                info.Check("the bank");
                if (info.Ids.Count != count) throw Invalid($"must hold one id a row, but there are {info.Ids.Count} ids and {count} rows.");
                return info;
            }
            catch (Exception e) when (e is ArgumentException or OverflowException)
            {
                throw new InvalidDataException($"'{stream.Name}' must hold a well-formed bank, but {e.Message}", e);
            }
        }

        private static LatentSpace Levels(JsonElement root) => LatentSpace.Of([.. root.EnumerateArray().Select(level => (
            level.GetProperty("name").GetString()!,
            (IReadOnlyList<long>)[.. level.GetProperty("shape").EnumerateArray().Select(length => length.GetInt64())]))]);

        private static string[] Texts(JsonElement root) => [.. root.EnumerateArray().Select(text => text.GetString()!)];

        private T Parsed<T>(string key, Func<JsonElement, T> read) => Parse(System.Text.Encoding.UTF8.GetBytes(Fact(key)), key, read);

        private T Parse<T>(byte[] json, string name, Func<JsonElement, T> read)
        {
            try
            {
                using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
                return read(document.RootElement);
            }
            // What is well-formed JSON of another shape gives InvalidOperationException, KeyNotFoundException or FormatException.
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
            {
                throw new InvalidDataException($"'{stream.Name}' must hold '{name}' as the JSON of a bank, but it cannot be read: {e.Message}", e);
            }
        }

        private string Fact(string key) => header.Metadata.GetValueOrDefault(key) ?? throw Invalid($"must tell '{key}' in its metadata, but it does not.");

        private int Number(string key) => int.TryParse(Fact(key), NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0
            ? value
            : throw Invalid($"must have a whole number from 1 as '{key}', but it is '{Fact(key)}'.");

        private SafeTensorsEntry Entry(string name) => header.Entries.FirstOrDefault(entry => entry.Name == name)
            ?? throw Invalid($"must hold the tensor '{name}', but it holds {string.Join(", ", header.Entries.Select(entry => entry.Name))}.");

        private byte[] Bytes(string name, (long Rows, long? Columns)? shape, ScalarType dtype = ScalarType.Byte)
        {
            SafeTensorsEntry entry = Entry(name);
            long[] wanted = shape switch
            {
                null => [entry.End - entry.Begin],
                (long rows, null) => [rows],
                (long rows, long columns) => [rows, columns],
            };
            if (entry.Type.Dtype != dtype || !entry.Shape.AsSpan().SequenceEqual(wanted))
            {
                throw Invalid($"must hold '{name}' as {ElementType.Of(dtype)!.SafeTensorsName} [{string.Join(", ", wanted)}], but it is {Text(entry)}.");
            }
            return Slice(dataOffset + entry.Begin, entry.End - entry.Begin);
        }

        private byte[] Slice(long offset, long length)
        {
            if (length > Array.MaxLength) throw Invalid($"must hold ids and labels of at most {Array.MaxLength} bytes each, but one takes {length}.");
            byte[] bytes = new byte[length];
            stream.Position = offset;
            stream.ReadExactly(bytes);
            return bytes;
        }

        private static string Text(SafeTensorsEntry entry) => $"{entry.Type.SafeTensorsName} [{string.Join(", ", entry.Shape)}]";

        private static string Hex(byte[] hash) => Convert.ToHexString(hash).ToLower(CultureInfo.InvariantCulture);

        private InvalidDataException Invalid(string text) => new($"'{stream.Name}' {text}");
    }
}
