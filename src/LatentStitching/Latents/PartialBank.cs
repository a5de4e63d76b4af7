using System.Diagnostics;
using System.Security.Cryptography;
using LatentStitching.Checkpoints;

namespace LatentStitching.Latents;

/// <summary>A bank that is being written: the file as it will be, with the checksum of each block that is whole and zeros for the others.</summary>
/// <remarks>
/// A block counts as done where its bytes match its checksum, so a torn one shows itself whatever reached the disk and in which order. Each block goes to the system at once, which a killed process does not undo;
/// the disk is flushed now and then, for a power cut.
/// </remarks>
internal sealed class PartialBank : IDisposable
{
    private static readonly TimeSpan _flushEvery = TimeSpan.FromSeconds(5);

    private readonly BankLayout _layout;
    private readonly FileStream _stream;
    private readonly byte[] _hashes;
    private readonly HashSet<int> _unwritten = [];
    private long _flushed = Stopwatch.GetTimestamp();

    private PartialBank(BankLayout layout, FileStream stream)
    {
        (_layout, _stream) = (layout, stream);
        _hashes = new byte[layout.BlockCount * SHA256.HashSizeInBytes];
    }

    /// <summary>The blocks that are still to be encoded, in order.</summary>
    public IReadOnlyList<int> Pending { get; private set; } = [];

    /// <summary>Opens what an interrupted run left, or begins anew. Nobody else may write it meanwhile.</summary>
    /// <exception cref="ArgumentException">The file is the beginning of another bank, and must not be replaced.</exception>
    public static PartialBank Open(string path, BankLayout layout, bool replace, CancellationToken cancellationToken)
    {
        // Unbuffered: a block that was written must not wait in this process.
        FileStream stream = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        try
        {
            PartialBank partial = new(layout, stream);
            if (!partial.Begins())
            {
                if (!replace) throw new ArgumentException(partial.Stranger(), nameof(path));
                stream.SetLength(0);
            }
            partial.Continue(cancellationToken);
            return partial;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Writes one block of rows, kept as the bank keeps them, and then its checksum.</summary>
    public void Write(int block, Tensor kept)
    {
        _stream.Position = Start(block);
        byte[] hash = RowKeeping.Write(_stream, kept);
        _stream.Position = HashAt(block);
        _stream.Write(hash);
        hash.CopyTo(_hashes, block * SHA256.HashSizeInBytes);
        _unwritten.Remove(block);
        if (Stopwatch.GetElapsedTime(_flushed) < _flushEvery) return;
        _stream.Flush(flushToDisk: true);
        _flushed = Stopwatch.GetTimestamp();
    }

    /// <summary>Writes what follows the checksums, and flushes the whole file to the disk.</summary>
    /// <exception cref="InvalidOperationException">A block has not been written: a bank with zeros in its place must not get a name.</exception>
    public void Finish()
    {
        if (_unwritten.Count > 0) throw new InvalidOperationException($"The bank must be whole before it is finished, but {_unwritten.Count} of its {_layout.BlockCount} batches are not written.");
        _stream.Position = HashAt(_layout.BlockCount);
        _stream.Write(_layout.Tail(_hashes));
        _stream.Flush(flushToDisk: true);
    }

    public void Dispose() => _stream.Dispose();

    // A file that ends within its header was cut while that was written.
    private bool Begins()
    {
        byte[] header = new byte[Math.Min(_layout.Header.Length, _stream.Length)];
        _stream.Position = 0;
        _stream.ReadExactly(header);
        return _layout.Header.AsSpan().StartsWith(header) && _stream.Length <= _layout.Length;
    }

    private void Continue(CancellationToken cancellationToken)
    {
        if (_stream.Length < _layout.Header.Length)
        {
            _stream.Position = 0;
            _stream.Write(_layout.Header);
        }
        _stream.SetLength(_layout.Length);
        _stream.Flush(flushToDisk: true);
        _stream.Position = HashAt(0);
        _stream.ReadExactly(_hashes);
        byte[] buffer = new byte[1 << 20];
        List<int> pending = [];
        for (int block = 0; block < _layout.BlockCount; block++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<byte> stored = _hashes.AsSpan(block * SHA256.HashSizeInBytes, SHA256.HashSizeInBytes);
            if (!stored.ContainsAnyExcept((byte)0) || !Hash(block, buffer).AsSpan().SequenceEqual(stored)) pending.Add(block);
        }
        Pending = pending;
        _unwritten.UnionWith(pending);
    }

    private byte[] Hash(int block, byte[] buffer)
    {
        _stream.Position = Start(block);
        return RowKeeping.Hash(_stream, _layout.RowsOf(block) * _layout.RowBytes, buffer);
    }

    private string Stranger()
    {
        string cure = "Delete it, choose another path, or set EncodingOptions.Overwrite.";
        try
        {
            _stream.Position = 0;
            IReadOnlyDictionary<string, string> theirs = SafeTensorsHeaderReader.Read(_stream).Metadata;
            byte[] json = _layout.Header[8..];
            IReadOnlyDictionary<string, string> ours = SafeTensorsHeaderReader.Parse(json, _stream.Name, _layout.Length - _layout.Header.Length).Metadata;
            string[] differing = [.. ours.Keys.Union(theirs.Keys, StringComparer.Ordinal).Where(key => ours.GetValueOrDefault(key) != theirs.GetValueOrDefault(key)).Order(StringComparer.Ordinal)
                .Select(key => key.Replace(BankLayout.Prefix, "", StringComparison.Ordinal))];
            string what = differing.Length > 0 ? $"its {string.Join(", ", differing)}" : "the sizes or types of its tensors";
            return $"path must be free or the beginning of this bank, but '{_stream.Name}' is that of another: {what} differ. {cure}";
        }
        catch (InvalidDataException e)
        {
            return $"path must be free or the beginning of this bank, but '{_stream.Name}' is neither: {e.Message} {cure}";
        }
    }

    private long Start(int block) => _layout.Header.Length + (block * (long)_layout.BlockRows * _layout.RowBytes);

    private long HashAt(int block) => _layout.HashesOffset + (block * (long)SHA256.HashSizeInBytes);
}
