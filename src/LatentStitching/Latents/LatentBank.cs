using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Latents;

/// <summary>Latents at rest: one model's latents of a set of images in one file, with the images' ids and where they come from.</summary>
/// <remarks>
/// <para>The file is a safetensors file, memory-mapped: opening reads ids and labels, and rows are read when they are asked for. A bank larger than memory opens as fast as a small one.</para>
/// <para>Latents are kept as float32 or float16 and always come as float32. A checksum over all but the latents is verified when the bank is opened, that of the latents by <see cref="Verify"/>.</para>
/// <para>Nothing may change the file while it is open; a new bank of its name is a new file and does no harm.</para>
/// <para>Thread safety: may be read from several threads at once, as long as none disposes it.</para>
/// </remarks>
public sealed class LatentBank : IDisposable
{
    private readonly BankHeader _header;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewStream _latents;
    private readonly Lock _gate = new();
    private readonly int _elementSize;
    private Dictionary<string, int>? _rows;
    private bool _disposed;

    private LatentBank(string path, BankHeader header, MemoryMappedFile file)
    {
        (Path, _header, _file) = (path, header, file);
        _elementSize = ElementType.Of(header.Dtype)!.Size;
        _latents = file.CreateViewStream(header.LatentsOffset, Count * Dimension * _elementSize, MemoryMappedFileAccess.Read);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Which model, which images, and how they were prepared.</summary>
    public LatentBankInfo Info => _header.Info;

    /// <summary>The images' ids: row i is the latent of Ids[i].</summary>
    public IReadOnlyList<string> Ids => Info.Ids;

    /// <summary>The model's latent: its width and its levels.</summary>
    public LatentSpace Latent => Info.Latent;

    /// <summary>The images' labels at the time of encoding, row i for row i, or null where there were none.</summary>
    public AttributeTable? Attributes => Info.Attributes;

    /// <summary>Number of rows n.</summary>
    public int Count => Info.Ids.Count;

    /// <summary>Width D of the latents.</summary>
    public long Dimension => Info.Latent.Dimension;

    /// <summary>The dtype in the file: float32 or float16. What is read comes as float32.</summary>
    public ScalarType Dtype => _header.Dtype;

    /// <summary>The version of the library that wrote the file.</summary>
    public string LibraryVersion => _header.LibraryVersion;

    /// <summary>The bank's checksum, 64 hexadecimal digits: SHA-256 of everything in the file but the latents, which count by the SHA-256 of each block of rows. Equal files have equal ones.</summary>
    public string ContentHash => _header.ContentHash;

    /// <summary>Opens a bank. Reads ids and labels, not the latents.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The bank. To be disposed by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or is a folder.</exception>
    /// <exception cref="InvalidDataException">The file is no bank, is cut short, or its ids, labels or facts do not match their checksum; the text says which.</exception>
    public static LatentBank Open(string path)
    {
        Guard.NotBlank(path);
        FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 1 << 16);
        try
        {
            BankHeader header = BankHeader.Read(stream);
            var file = MemoryMappedFile.CreateFromFile(stream, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            return new LatentBank(path, header, file);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Writes latents that are in memory as a bank, replacing a file that is there, and opens it.</summary>
    /// <remarks>Written beside the path, flushed to the disk and then renamed: whatever happens, the path never shows half a file. Equal arguments give equal bytes.</remarks>
    /// <param name="path">The file. Its folder must be there.</param>
    /// <param name="latents">Latent batch [n, D], floating point, finite, on any device. Not disposed.</param>
    /// <param name="info">Where they come from: n ids, and a latent space of D columns.</param>
    /// <param name="dtype">The dtype in the file: float32, or float16, which keeps 11 bits of each number up to 65504.</param>
    /// <returns>The bank. To be disposed by the caller.</returns>
    /// <exception cref="ArgumentException">The latents are no finite floating-point matrix or do not fit the dtype or the info, or the info is incomplete.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written, or the path is a folder.</exception>
    public static LatentBank Create(string path, Tensor latents, LatentBankInfo info, ScalarType dtype = ScalarType.Float32)
    {
        Guard.NotBlank(path);
        ArgumentNullException.ThrowIfNull(info);
        TensorGuard.FiniteMatrix(latents);
        info.Check(nameof(info));
        EncodingOptions.CheckDtype(dtype, nameof(dtype));
        if (latents.size(0) != info.Ids.Count || latents.size(1) != info.Latent.Dimension)
        {
            throw new ArgumentException(
                $"latents must have one row an id and one column a number of the latent space, [{info.Ids.Count}, {info.Latent.Dimension}], but its shape is {TensorGuard.Shape(latents)}.",
                nameof(latents));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor kept = RowKeeping.Kept(latents, dtype);
        if (RowKeeping.Refusal(latents, kept, row => $"row {row}") is { } refusal) throw new ArgumentException($"latents must {refusal}", nameof(latents));
        BankLayout layout = new(info, dtype, EncodingOptions.DefaultBatchSize);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(layout.Header);
            byte[] hashes = new byte[layout.BlockCount * SHA256.HashSizeInBytes];
            for (int block = 0; block < layout.BlockCount; block++)
            {
                using Tensor rows = kept.narrow(0, (long)block * layout.BlockRows, layout.RowsOf(block));
                RowKeeping.Write(stream, rows).CopyTo(hashes, block * SHA256.HashSizeInBytes);
            }
            stream.Write(hashes);
            stream.Write(layout.Tail(hashes));
        });
        return Open(path);
    }

    /// <summary>Reads some rows.</summary>
    /// <param name="indices">Rows, each from 0 to Count − 1; any order, repeats allowed.</param>
    /// <returns>Latent batch [indices.Count, D], float32, on the CPU, owned by the caller.</returns>
    /// <exception cref="ArgumentException">No row is asked for, or one is outside the bank.</exception>
    /// <exception cref="ObjectDisposedException">The bank was disposed.</exception>
    public Tensor Rows(IReadOnlyList<int> indices)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ImageSourceGuard.Indices(indices, Count);
        return Read(indices.Count, place => indices[place], 0, Dimension);
    }

    /// <summary>Reads the rows of some images.</summary>
    /// <param name="ids">Ids in the bank; any order, repeats allowed.</param>
    /// <returns>Latent batch [ids.Count, D], float32, on the CPU, owned by the caller.</returns>
    /// <exception cref="ArgumentException">No id is asked for, or the bank lacks some; the text counts them.</exception>
    /// <exception cref="ObjectDisposedException">The bank was disposed.</exception>
    public Tensor Rows(IReadOnlyList<string> ids)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Guard.NotEmpty(ids, "Load reads all rows.");
        string[] missing = [.. ids.Where(id => !Contains(id)).Distinct(StringComparer.Ordinal)];
        if (missing.Length > 0) throw new ArgumentException($"ids must be in the bank, but {NameList.Of(missing, missing.Length)} not.", nameof(ids));
        return Read(ids.Count, place => IndexOf(ids[place]), 0, Dimension);
    }

    /// <summary>Whether the bank holds an image.</summary>
    /// <param name="id">The image's id.</param>
    /// <returns>True if one of the rows is its latent.</returns>
    public bool Contains(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return Places().ContainsKey(id);
    }

    /// <summary>The row of an image.</summary>
    /// <param name="id">The image's id.</param>
    /// <returns>From 0 to Count − 1.</returns>
    /// <exception cref="ArgumentException">The bank lacks it.</exception>
    public int IndexOf(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return Places().TryGetValue(id, out int row) ? row : throw new ArgumentException($"id must be in the bank, but '{id}' is not.", nameof(id));
    }

    /// <summary>Reads the whole bank. It takes 4 × n × D bytes.</summary>
    /// <returns>Latent batch [n, D], float32, on the CPU, owned by the caller.</returns>
    /// <exception cref="ObjectDisposedException">The bank was disposed.</exception>
    public Tensor Load()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Read(Count, place => place, 0, Dimension);
    }

    /// <summary>Reads the bank a run of rows at a time, in order: for banks larger than memory.</summary>
    /// <param name="size">Rows a block, at least 1; the last block may have fewer.</param>
    /// <returns>Latent batches [size, D], float32, on the CPU; each is read when it is asked for, and owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The bank was disposed, also between blocks.</exception>
    public IEnumerable<Tensor> Blocks(int size)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Guard.Positive(size);
        return Each();

        IEnumerable<Tensor> Each()
        {
            foreach ((long start, long count) in CentredMatrix.Blocks(Count, size))
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                yield return Read((int)count, place => (int)start + place, 0, Dimension);
            }
        }
    }

    /// <summary>Reads one level of all rows, and nothing else.</summary>
    /// <param name="name">The level's name.</param>
    /// <returns>A tensor [n, *level shape], float32, on the CPU, owned by the caller.</returns>
    /// <exception cref="ArgumentException">There is no such level; the text lists those there are.</exception>
    /// <exception cref="ObjectDisposedException">The bank was disposed.</exception>
    public Tensor Level(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        LatentLevel level = Latent.Level(name);
        using var scope = NewDisposeScope();
        return Read(Count, place => place, level.Offset, level.Dimension).reshape([Count, .. level.Shape]).MoveToOuterDisposeScope();
    }

    /// <summary>Reads all latents and compares them with their checksums.</summary>
    /// <param name="cancellationToken">Cancels between blocks.</param>
    /// <exception cref="InvalidDataException">The latents were changed or damaged; the text names the rows of the first block that was.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The bank was disposed.</exception>
    public void Verify(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        byte[] buffer = new byte[1 << 20];
        using MemoryMappedViewStream view = _file.CreateViewStream(_header.LatentsOffset, _latents.Length, MemoryMappedFileAccess.Read);
        for (int start = 0, block = 0; start < Count; start += Math.Min(_header.BlockRows, Count - start), block++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(_header.BlockRows, Count - start);
            view.Position = start * RowBytes;
            byte[] actual = RowKeeping.Hash(view, rows * RowBytes, buffer);
            if (actual.AsSpan().SequenceEqual(_header.Hashes.AsSpan(block * SHA256.HashSizeInBytes, SHA256.HashSizeInBytes))) continue;
            throw new InvalidDataException($"'{Path}' must match its checksums, but rows {start} to {start + rows - 1} do not. The file was changed or damaged: encode it anew.");
        }
    }

    /// <summary>Closes the file. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _latents.Dispose();
        _file.Dispose();
    }

    /// <summary>Says model, images and sizes.</summary>
    /// <returns>For example "vae of CelebA (3×64×64, squash 64×64): 5000 rows of 512 (z [512])".</returns>
    public override string ToString() => Info.ToString();

    private long RowBytes => Dimension * _elementSize;

    private Dictionary<string, int> Places()
    {
        lock (_gate)
        {
            if (_rows is not null) return _rows;
            Dictionary<string, int> rows = new(Count, StringComparer.Ordinal);
            for (int i = 0; i < Count; i++) rows.Add(Ids[i], i);
            return _rows = rows;
        }
    }

    private Tensor Read(int count, Func<int, int> rowOf, long column, long width)
    {
        const long ChunkBytes = 1L << 24;
        using var scope = NewDisposeScope();
        Tensor result = empty([count, width], ScalarType.Float32);
        int chunkRows = (int)Math.Clamp(ChunkBytes / (width * sizeof(float)), 1, count);
        Tensor? half = Dtype == ScalarType.Float16 ? empty([chunkRows, width], ScalarType.Float16) : null;
        for (int start = 0; start < count; start += Math.Min(chunkRows, count - start))
        {
            int size = Math.Min(chunkRows, count - start);
            using Tensor chunk = result.narrow(0, start, size);
            if (half is null)
            {
                Fill(chunk, start, rowOf, column, width);
                continue;
            }
            using Tensor kept = half.narrow(0, 0, size);
            Fill(kept, start, rowOf, column, width);
            chunk.copy_(kept);
        }
        return result.MoveToOuterDisposeScope();
    }

    private void Fill(Tensor chunk, int start, Func<int, int> rowOf, long column, long width)
    {
        Span<byte> bytes = chunk.bytes;
        int size = (int)chunk.size(0);
        int lineBytes = checked((int)(width * _elementSize));
        lock (_gate)
        {
            for (int i = 0; i < size;)
            {
                int row = rowOf(start + i), run = 1;
                // Whole neighbouring rows lie in one piece.
                while (width == Dimension && i + run < size && rowOf(start + i + run) == row + run) run++;
                _latents.Position = (row * RowBytes) + (column * _elementSize);
                _latents.ReadExactly(bytes.Slice(i * lineBytes, run * lineBytes));
                i += run;
            }
        }
    }
}
