using System.IO.Compression;

namespace LatentStitching.Checkpoints;

/// <summary>A part of a zip file that keeps its checksum as it is read: the runtime's own reader of zip files does not look at it.</summary>
internal sealed class CheckedStream(Stream inner, ZipArchiveEntry entry) : Stream
{
    private readonly Crc32 _sum = new();
    private long _read;

    /// <summary>Whether what was read is another content than the archive declares. Of a part that was not read to its end, that is not known.</summary>
    public bool Differs => _read > entry.Length || (_read == entry.Length && _sum.Value != entry.Crc32);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => entry.Length;

    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        if (read == 0) return 0;
        _sum.Add(buffer[..read]);
        _read += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
