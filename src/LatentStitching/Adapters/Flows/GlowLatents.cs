using LatentStitching.Models;

namespace LatentStitching.Adapters.Flows;

/// <summary>Packs a flow's levels into latents and unpacks them: which levels a latent holds, from a first one to the coarsest, and whether they are whitened by the learnt priors.</summary>
/// <remarks>Levels that a latent does not hold are filled with the mean that their prior puts there, given the coarser ones.</remarks>
internal sealed class GlowLatents
{
    private readonly GlowNetwork _network;

    public GlowLatents(GlowNetwork network, int first, bool whitened)
    {
        _network = network;
        First = first;
        Whitened = whitened;
        GlowShape shape = network.Shape;
        Space = LatentSpace.Of([.. Enumerable.Range(first, shape.Levels - first).Select(level => (NameOf(level), (IReadOnlyList<long>)shape.LatentShape(level)))]);
    }

    private delegate void LevelVisitor(int level, Tensor values, Tensor whitened, Tensor logDeviation);

    public int First { get; }

    public bool Whitened { get; }

    public LatentSpace Space { get; }

    public static string NameOf(int level) => $"z{level + 1}";

    /// <summary>Pixels on the network's scale → latents [n, D].</summary>
    public Tensor Encode(Tensor pixels, Tensor? classes)
    {
        var levels = _network.Forward(pixels, determinant: false).Levels;
        return Join(level =>
        {
            (Tensor values, Tensor? kept) = levels[level];
            if (!Whitened) return values;
            (Tensor mean, Tensor logDeviation) = _network.Prior(level, kept, pixels.size(0), classes);
            return Whiten(values, mean, logDeviation);
        });
    }

    /// <summary>Latents → pixels on the network's scale. The priors are worked out only where the latents need them.</summary>
    public Tensor DecodePixels(Tensor latents, Tensor? classes) => Walk(latents, Whitened, classes, pixels: true, visit: null)!;

    /// <summary>Latents → pixels on the network's scale, and the squared norm [n] of the whitened latents in float64.</summary>
    public (Tensor Pixels, Tensor SquaredNorms) Decode(Tensor latents, Tensor? classes)
    {
        Tensor norms = zeros([latents.size(0)], ScalarType.Float64, latents.device);
        Tensor pixels = Walk(latents, Whitened, classes, pixels: true, (_, _, whitened, _) =>
        {
            using var grad = no_grad();
            norms = norms + whitened.detach().square().sum([1, 2, 3], type: ScalarType.Float64);
        })!;
        return (pixels, norms);
    }

    /// <summary>Noise ε [n, D] → the latents that it stands for.</summary>
    public Tensor Sample(Tensor noise, Tensor? classes) => Whitened ? noise.clone() : Collect(noise, whitened: true, classes, (values, _) => values);

    /// <summary>Latents → ε [n, D].</summary>
    public Tensor Whiten(Tensor latents, Tensor? classes) => Whitened ? latents.clone() : Collect(latents, whitened: false, classes, (_, whitened) => whitened);

    /// <summary>log p(z) in nats, [n], float64.</summary>
    public Tensor LogPrior(Tensor latents, Tensor? classes)
    {
        Tensor total = zeros([latents.size(0)], ScalarType.Float64, latents.device);
        if (Whitened) return total + LogDensity(latents, zeros_like(latents));
        _ = Walk(latents, whitened: false, classes, pixels: false, (_, _, whitened, logDeviation) => total = total + LogDensity(whitened.flatten(1), logDeviation.flatten(1)));
        return total;
    }

    /// <summary>log p of pixels on the network's scale in nats, [n], float64. All levels count, whichever the latent holds.</summary>
    public static Tensor LogLikelihood(GlowNetwork network, Tensor pixels, Tensor? classes)
    {
        (var levels, Tensor? total) = network.Forward(pixels, determinant: true);
        for (int level = 0; level < levels.Count; level++)
        {
            (Tensor values, Tensor? kept) = levels[level];
            (Tensor mean, Tensor logDeviation) = network.Prior(level, kept, pixels.size(0), classes);
            total = total! + LogDensity(Whiten(values, mean, logDeviation).flatten(1), logDeviation.flatten(1));
        }
        return total!;
    }

    private static Tensor Whiten(Tensor values, Tensor mean, Tensor logDeviation) => (values - mean) * logDeviation.neg().exp();

    // Of a Gaussian, at a place given by how many deviations it lies from the mean.
    private static Tensor LogDensity(Tensor whitened, Tensor logDeviation) =>
        (whitened.square() * -0.5 - logDeviation).sum([1], type: ScalarType.Float64) - (0.5 * Math.Log(2 * Math.PI) * whitened.size(1));

    private Tensor Collect(Tensor latents, bool whitened, Tensor? classes, Func<Tensor, Tensor, Tensor> which)
    {
        Tensor[] levels = new Tensor[_network.Shape.Levels];
        _ = Walk(latents, whitened, classes, pixels: false, (level, values, white, _) => levels[level] = which(values, white));
        return Join(level => levels[level]);
    }

    private Tensor Join(Func<int, Tensor> level) => cat([.. Enumerable.Range(First, Space.Levels.Count).Select(index => level(index).flatten(1))], 1);

    private Tensor? Walk(Tensor latents, bool whitened, Tensor? classes, bool pixels, LevelVisitor? visit) => _network.Backward(
        latents.size(0),
        classes,
        (level, prior) =>
        {
            if (level < First) return prior().Mean;
            LatentLevel place = Space.Levels[level - First];
            Tensor given = latents.narrow(1, place.Offset, place.Dimension).reshape([latents.size(0), .. place.Shape]);
            if (!whitened && visit is null) return given;
            (Tensor mean, Tensor logDeviation) = prior();
            Tensor values = whitened ? mean + logDeviation.exp() * given : given;
            visit?.Invoke(level, values, whitened ? given : Whiten(given, mean, logDeviation), logDeviation);
            return values;
        },
        pixels);
}
