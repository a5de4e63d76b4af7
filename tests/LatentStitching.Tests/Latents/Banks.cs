using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Latents;

/// <summary>Small banks, and a reader of their files that shares no code with the library.</summary>
internal static class Banks
{
    /// <summary>"v", the first four columns, and "w", the last two.</summary>
    public static readonly LatentSpace TwoLevels = LatentSpace.Of(("v", [2, 2]), ("w", [2]));

    public static LatentBankInfo Info(int count, LatentSpace? latent = null, AttributeTable? attributes = null) => new()
    {
        ModelName = "toy",
        ModelFingerprint = "f00d",
        Latent = latent ?? TwoLevels,
        ImageSourceName = "pictures",
        Image = new ImageFormat(1, 2, 3),
        Ids = [.. Enumerable.Range(0, count).Select(i => $"picture-{i}")],
        Attributes = attributes,
    };

    /// <summary>Rows whose entry (i, j) is 10 i + j, exact in float16 too.</summary>
    public static Tensor Rows(int count, int width = 6)
    {
        using var scope = NewDisposeScope();
        return arange(count, dtype: ScalarType.Float32).mul(10).unsqueeze(1).add(arange(width, dtype: ScalarType.Float32)).MoveToOuterDisposeScope();
    }

    public static float[] Numbers(this Tensor tensor) => tensor.data<float>().ToArray();

    /// <summary>The header and the bytes of each tensor.</summary>
    public static (JsonElement Header, Dictionary<string, byte[]> Data) Parse(byte[] file)
    {
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        JsonElement header = JsonDocument.Parse(Encoding.UTF8.GetString(file, 8, length)).RootElement;
        Dictionary<string, byte[]> data = [];
        foreach (JsonProperty tensor in header.EnumerateObject().Where(tensor => tensor.Name != "__metadata__"))
        {
            JsonElement offsets = tensor.Value.GetProperty("data_offsets");
            data[tensor.Name] = file[(8 + length + offsets[0].GetInt32())..(8 + length + offsets[1].GetInt32())];
        }
        return (header, data);
    }

    /// <summary>Where the latents begin.</summary>
    public static int LatentsOffset(byte[] file) => 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
}

/// <summary>A linear model that calls back before it encodes, and knows its own fingerprint.</summary>
internal sealed class WatchedModel(string fingerprint = "weights", Action<int>? beforeEncode = null, Func<Tensor, Tensor>? after = null) : ILatentModel, IFingerprinted
{
    private readonly DelegateLatentModel _inner = Toy.Linear("watched", 3);

    public int Calls { get; private set; }

    public string Name { get; init; } = "watched";

    public ImageFormat Image => _inner.Image;

    public LatentSpace Latent => _inner.Latent;

    public string Fingerprint => fingerprint;

    public Tensor Encode(Tensor images)
    {
        beforeEncode?.Invoke(Calls++);
        Tensor latents = _inner.Encode(images);
        if (after is null) return latents;
        using (latents) return after(latents);
    }

    public Tensor Decode(Tensor latents) => _inner.Decode(latents);

    public void Dispose() => _inner.Dispose();
}

/// <summary>Images that call back before they are read, and count what their thread leaves alive.</summary>
internal sealed class WatchedImages(int count, Action<int>? beforeLoad = null) : IImageSource
{
    private readonly TensorImages _inner = Toy.Images(count);
    private int _calls;

    public string Name { get; init; } = "watched images";

    public ImageFormat Image { get; init; } = Toy.Format;

    public IReadOnlyList<string> Ids => _inner.Ids;

    public AttributeTable? Attributes { get; init; }

    public string Preparation { get; init; } = "as given";

    public string? ContentHash { get; init; }

    public List<(int Thread, long Live)> Loads { get; } = [];

    public Tensor Load(IReadOnlyList<int> indices)
    {
        Loads.Add((Environment.CurrentManagedThreadId, NoTensorLeaksAttribute.Live()));
        beforeLoad?.Invoke(_calls++);
        return _inner.Load(indices);
    }
}
