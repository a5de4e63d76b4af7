using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Data;

/// <summary>Reads pictures of a store as framed image batches: decoded on all cores, framed on the caller's thread.</summary>
internal sealed class ImageReader(ImageStore store, ImageGeometry geometry, bool grey)
{
    // Decoded pictures are larger than the images made of them: so many are held at once.
    private const int Chunk = 64;

    public ImageFormat Format { get; } = grey ? ImageFormat.Grey(geometry.Size) : ImageFormat.Rgb(geometry.Size);

    public Tensor Load(IReadOnlyList<int> indices)
    {
        ImageSourceGuard.Indices(indices, store.Ids.Count);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor images = empty(indices.Count, Format.Channels, Format.Height, Format.Width, dtype: ScalarType.Float32);
        for (int start = 0; start < indices.Count; start += Chunk)
        {
            using var chunkScope = NewDisposeScope();
            int count = Math.Min(Chunk, indices.Count - start);
            DecodedImage[] pictures = Decode(indices, start, count);
            foreach (var ofOneSize in Enumerable.Range(0, count).GroupBy(i => (pictures[i].Height, pictures[i].Width)))
            {
                int[] places = [.. ofOneSize];
                Tensor framed = geometry.Frame(Stack(pictures, places));
                if (places.Length == count)
                {
                    images.narrow(0, start, count).copy_(framed);
                }
                else
                {
                    images.index_copy_(0, tensor(Array.ConvertAll(places, place => (long)start + place)), framed);
                }
            }
        }
        return images.MoveToOuterDisposeScope();
    }

    // No tensor is made here: dispose scopes belong to threads.
    private DecodedImage[] Decode(IReadOnlyList<int> indices, int start, int count)
    {
        DecodedImage[] pictures = new DecodedImage[count];
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, count) }, i =>
            {
                int index = indices[start + i];
                DecodedImage picture = ImageDecoder.Decode(store.Read(index), grey, () => store.Describe(index));
                if (geometry.Refusal(picture.Height, picture.Width) is { } refusal) throw new InvalidDataException($"{store.Describe(index)} must {refusal}");
                pictures[i] = picture;
            });
        }
        catch (AggregateException e)
        {
            // Whichever came first: the caller reads about one file, not about threads.
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        return pictures;
    }

    private Tensor Stack(DecodedImage[] pictures, int[] places)
    {
        (int height, int width) = (pictures[places[0]].Height, pictures[places[0]].Width);
        Tensor bytes = empty(places.Length, Format.Channels, height, width, dtype: ScalarType.Byte);
        Span<byte> memory = bytes.bytes;
        for (int i = 0; i < places.Length; i++)
        {
            byte[] planes = pictures[places[i]].Planes;
            planes.CopyTo(memory[(i * planes.Length)..]);
        }
        return bytes.to_type(ScalarType.Float32).Over(255);
    }
}
