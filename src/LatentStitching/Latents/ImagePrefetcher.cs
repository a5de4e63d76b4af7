using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Latents;

/// <summary>Reads batches of images on a thread of its own while the caller works on the one before.</summary>
/// <remarks>
/// Dispose scopes and tensor statistics belong to threads, so no tensor changes hands: the caller makes a few buffers, the reader copies into them what it has read and frees that itself, and they go round.
/// </remarks>
internal sealed class ImagePrefetcher : IDisposable
{
    private readonly IImageSource _images;
    private readonly IReadOnlyList<(int Block, int Start, int Count)> _batches;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _stop;
    private readonly Tensor[] _buffers;
    private readonly BlockingCollection<Tensor> _free = [];
    private readonly BlockingCollection<(int Block, int Count, Tensor Buffer)> _ready = [];
    private readonly Thread _thread;
    private ExceptionDispatchInfo? _failure;

    public ImagePrefetcher(IImageSource images, IReadOnlyList<(int Block, int Start, int Count)> batches, int ahead, CancellationToken cancellationToken)
    {
        (_images, _batches, _cancellationToken) = (images, batches, cancellationToken);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        long largest = batches.Max(batch => batch.Count);
        _buffers = new Tensor[Math.Min(ahead + 1, batches.Count)];
        for (int i = 0; i < _buffers.Length; i++)
        {
            _buffers[i] = empty([largest, images.Image.Channels, images.Image.Height, images.Image.Width], ScalarType.Float32).DetachFromDisposeScope();
            _free.Add(_buffers[i], CancellationToken.None);
        }
        _thread = new Thread(Read) { IsBackground = true, Name = "LatentStitching images" };
        _thread.Start();
    }

    /// <summary>The batches in order. Each tensor ends with the step that it was given to; what the reader met is thrown where its batch would have come.</summary>
    public IEnumerable<(int Block, Tensor Images)> Batches()
    {
        foreach ((int block, int count, Tensor buffer) in _ready.GetConsumingEnumerable(_cancellationToken))
        {
            using (Tensor batch = buffer.narrow(0, 0, count)) yield return (block, batch);
            _free.Add(buffer, CancellationToken.None);
        }
        _failure?.Throw();
    }

    /// <summary>Stops the reader, after the batch that it is at.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        foreach (Tensor buffer in _buffers) buffer.Dispose();
        _free.Dispose();
        _ready.Dispose();
        _stop.Dispose();
    }

    private void Read()
    {
        try
        {
            foreach ((int block, int start, int count) in _batches)
            {
                Tensor buffer = _free.Take(_stop.Token);
                Fill(buffer, start, count);
                _ready.Add((block, count, buffer), CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The caller has stopped, and knows why.
        }
#pragma warning disable CA1031 // Whatever a source throws goes on to the caller's thread.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            _ready.CompleteAdding();
        }
    }

    private void Fill(Tensor buffer, int start, int count)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor read = _images.Load(start, count);
        long[] wanted = [count, .. buffer.shape[1..]];
        if (!read.shape.AsSpan().SequenceEqual(wanted) || read.dtype != ScalarType.Float32)
        {
            throw new InvalidOperationException(
                $"Load of {_images.Name} must return Float32 [{string.Join(", ", wanted)}], but it returned {read.dtype} {TensorGuard.Shape(read)}.");
        }
        buffer.narrow(0, 0, count).copy_(read);
    }
}
