using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Studies;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>Small studies whose parts can be made to fail.</summary>
internal static class StudyToys
{
    public static readonly StitchingStudyOptions Options = new() { BatchSize = 16, GaussianDimension = 3, ProbeTrainer = new LatentStitching.Probing.RidgeProbeTrainer { Alpha = 0.5 } };

    public static StudyMember[] Members(params IReadOnlyList<ILatentModel> models) => [.. models.Select(model => new StudyMember(model))];

    /// <summary>Two linear models of all six pixels, and one that sees four of them.</summary>
    public static ILatentModel[] Models() => [Toy.Linear("a", 1), Toy.Linear("b", 2), Narrow("narrow")];

    public static ILatentModel Narrow(string name, bool prior = false) => LatentModel.FromFunctions(
        name,
        Toy.Format,
        LatentSpace.Of(("left", [2]), ("right", [2])),
        images => images.flatten(1).narrow(1, 0, 4).mul(2),
        latents => cat([latents.div(2), full([latents.size(0), 2], 0.5f)], 1).clamp(0, 1).reshape(-1, 1, 2, 3),
        prior ? (count, generator) => rand([count, 4], generator: generator).mul(2) : null);

    public static void Dispose(params IReadOnlyList<ILatentModel> models)
    {
        foreach (ILatentModel model in models) model.Dispose();
    }
}

/// <summary>Random images of six pixels, labelled by whether the first and, rarely, the last are bright.</summary>
internal sealed class LabelledImages : IImageSource
{
    private readonly TensorImages _inner;

    public LabelledImages(int count, ulong seed = 5)
    {
        _inner = Toy.Images(count, seed);
        using Tensor all = _inner.LoadAll();
        float[] pixels = all.data<float>().ToArray();
        Attributes = new AttributeTable(["first", "last", "never"], [.. Enumerable.Range(0, count).Select(row => (bool[])[pixels[row * 6] > 0.5f, pixels[(row * 6) + 5] > 0.95f, false])]);
    }

    public string Name => "labelled";

    public ImageFormat Image => Toy.Format;

    public IReadOnlyList<string> Ids => _inner.Ids;

    public AttributeTable Attributes { get; }

    public Action? BeforeLoad { get; set; }

    public Tensor Load(IReadOnlyList<int> indices)
    {
        BeforeLoad?.Invoke();
        return _inner.Load(indices);
    }
}

/// <summary>A model that runs something before it encodes or decodes.</summary>
internal sealed class FragileModel(ILatentModel inner, Action? beforeEncode = null, Action? beforeDecode = null) : ILatentModel, IFingerprinted
{
    public string Name => inner.Name;

    public ImageFormat Image => inner.Image;

    public LatentSpace Latent => inner.Latent;

    public string Fingerprint => $"weights of {inner.Name}";

    public int Encodes { get; private set; }

    public Tensor Encode(Tensor images)
    {
        Encodes++;
        beforeEncode?.Invoke();
        return inner.Encode(images);
    }

    public Tensor Decode(Tensor latents)
    {
        beforeDecode?.Invoke();
        return inner.Decode(latents);
    }

    public object? GetService(Type serviceType) => serviceType.IsInstanceOfType(this) ? this : inner.GetService(serviceType);

    public void Dispose() => inner.Dispose();
}

/// <summary>Told a number of times, then throws.</summary>
internal sealed class Fuse(int reports) : IProgress<StudyProgress>
{
    public List<StudyProgress> All { get; } = [];

    public void Report(StudyProgress value)
    {
        All.Add(value);
        if (All.Count > reports) throw new Blown();
    }
}

internal sealed class Blown : Exception;
