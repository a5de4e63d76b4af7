using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Latents;

/// <summary>Reads batches of images on a thread of its own while the caller works on the one before; or in turn with the caller, where none is to be read ahead.</summary>
/// <remarks>
/// Dispose scopes and tensor statistics belong to threads, so each thread disposes the handles that it has made: the caller works on an alias of what was read, and hands back what it is done with for the reader to free. No pixel is copied.
/// </remarks>
internal sealed class ImagePrefetcher : IDisposable
{
    private readonly IImageSource _images;
    private readonly IReadOnlyList<(int Block, int Start, int Count)> _batches;
    private readonly int _most;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _left = new();
    private readonly CancellationTokenSource _stop;
    private readonly BlockingCollection<(int Block, Tensor Images)> _ready = [];
    private readonly BlockingCollection<Tensor> _done = [];
    private readonly Thread? _thread;
    private ExceptionDispatchInfo? _failure;

    public ImagePrefetcher(IImageSource images, IReadOnlyList<(int Block, int Start, int Count)> batches, int ahead, CancellationToken cancellationToken)
    {
        (_images, _batches, _most, _cancellationToken) = (images, batches, ahead + 1, cancellationToken);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _left.Token);
        if (ahead == 0) return;
        _thread = new Thread(Run) { IsBackground = true, Name = "LatentStitching images" };
        _thread.Start();
    }

    /// <summary>Whether no batch waits and none will come.</summary>
    public bool Ended => _ready.IsCompleted;

    /// <summary>The batches in order. Each tensor ends with the step that it was given to; what the reader met is thrown where its batch would have come.</summary>
    /// <exception cref="OperationCanceledException">Cancelled: the enumeration never just ends early.</exception>
    public IEnumerable<(int Block, Tensor Images)> Batches()
    {
        if (_thread is null)
        {
            foreach ((int block, int start, int count) in _batches)
            {
                using Tensor batch = Load(start, count);
                yield return (block, batch);
            }
            yield break;
        }
        foreach ((int block, Tensor images) in _ready.GetConsumingEnumerable(_cancellationToken))
        {
            using (Tensor batch = images.alias()) yield return (block, batch);
            _done.Add(images, CancellationToken.None);
        }
        _failure?.Throw();
        // A reader that was stopped closes the queue as one that has read all does.
        _cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Stops the reader, after the batch that it is at.</summary>
    public void Dispose()
    {
        _left.Cancel();
        _thread?.Join();
        _ready.Dispose();
        _done.Dispose();
        _stop.Dispose();
        _left.Dispose();
    }

    private void Run()
    {
        // What waits for the caller, is with it, or came back: the reader's to free.
        HashSet<Tensor> held = new(ReferenceEqualityComparer.Instance);
        try
        {
            Read(held);
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
        _ready.CompleteAdding();
        // Until the caller leaves, it may be about to take what waits.
        _left.Token.WaitHandle.WaitOne();
        foreach (Tensor images in held) images.Dispose();
    }

    private void Read(HashSet<Tensor> held)
    {
        foreach ((int block, int start, int count) in _batches)
        {
            if (held.Count == _most)
            {
                Tensor done = _done.Take(_stop.Token);
                held.Remove(done);
                done.Dispose();
            }
            _stop.Token.ThrowIfCancellationRequested();
            Tensor images = Load(start, count);
            held.Add(images);
            _ready.Add((block, images), CancellationToken.None);
        }
    }

    private Tensor Load(int start, int count)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor read = _images.Load(start, count);
        long[] wanted = [count, _images.Image.Channels, _images.Image.Height, _images.Image.Width];
        if (!read.shape.AsSpan().SequenceEqual(wanted) || read.dtype != ScalarType.Float32)
        {
            throw new InvalidOperationException(
                $"Load of {_images.Name} must return Float32 [{string.Join(", ", wanted)}], but it returned {read.dtype} {TensorGuard.Shape(read)}.");
        }
        return read.cpu().contiguous().DetachFromDisposeScope();
    }
}
