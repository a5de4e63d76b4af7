using System.Buffers.Binary;
using System.Text;

namespace LatentStitching.Checkpoints;

/// <summary>The names that a zip file has beside its parts. Its directory repeats them, and no checksum covers either.</summary>
internal static class ZipLocalNames
{
    private const int HeaderBytes = 30;
    private const int NameLengthAt = 26;
    private const int MaxNameBytes = 4096;
    private const int BlockBytes = 1 << 20;

    /// <summary>The names that follow anything that looks like a part's header, so all that are there, and by chance others.</summary>
    public static HashSet<string> Read(FileStream stream)
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        byte[] buffer = new byte[BlockBytes + HeaderBytes + MaxNameBytes];
        int kept = 0;
        stream.Position = 0;
        for (int read = 1; read > 0;)
        {
            read = stream.ReadAtLeast(buffer.AsSpan(kept), buffer.Length - kept, throwOnEndOfStream: false);
            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, kept + read);
            // A header that begins in the last bytes is read with the next block, unless there is none.
            int end = Math.Min(bytes.Length, bytes.Length == buffer.Length ? BlockBytes : bytes.Length);
            Find(bytes, end, names);
            kept = bytes.Length - end;
            bytes[end..].CopyTo(buffer);
        }
        return names;
    }

    private static void Find(ReadOnlySpan<byte> bytes, int end, HashSet<string> names)
    {
        for (int at = 0; at < end;)
        {
            int next = bytes[at..].IndexOf("PK\u0003\u0004"u8);
            if (next < 0 || at + next >= end) return;
            at += next;
            if (bytes.Length - at >= HeaderBytes)
            {
                int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at + NameLengthAt)..]);
                if (length <= MaxNameBytes && bytes.Length - at - HeaderBytes >= length) names.Add(Encoding.UTF8.GetString(bytes.Slice(at + HeaderBytes, length)));
            }
            at++;
        }
    }
}
