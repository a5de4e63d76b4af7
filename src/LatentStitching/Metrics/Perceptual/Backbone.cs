using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Perceptual;

/// <summary>The feature part of a torchvision classifier under its published names, giving the activations that LPIPS taps.</summary>
internal abstract class Backbone(NetworkWeights weights) : IDisposable
{
    protected NetworkWeights Weights => weights;

    public Device Device => weights.Device;

    /// <summary>Number of channels of each tap.</summary>
    public abstract IReadOnlyList<long> Channels { get; }

    /// <summary>How many pixels to take at once: the more of them, the less the rearranging of weights for each call costs, but the widest layer should stay at some 30 MB, near the processor.</summary>
    public abstract long BlockPixels { get; }

    /// <summary>The shortest side that leaves a place at the last tap.</summary>
    public abstract long LeastSide { get; }

    public static Backbone From(LpipsNetwork network, StateDictionary state, string source, Device device) => network switch
    {
        LpipsNetwork.AlexNet => new AlexNet(Take(state, source, "torchvision's AlexNet", AlexNet.Layout, device)),
        LpipsNetwork.Vgg16 => new Vgg16(Take(state, source, "torchvision's VGG16", Vgg16.Layout, device)),
        _ => new SqueezeNet(Take(state, source, "torchvision's SqueezeNet 1.1", SqueezeNet.Layout, device)),
    };

    /// <summary>The activations at the taps, in order, for images as the network was trained on: normalised by channel. [n, 3, h, w].</summary>
    public abstract IEnumerable<Tensor> Taps(Tensor images);

    public void Dispose() => weights.Dispose();

    private static NetworkWeights Take(StateDictionary state, string source, string name, IEnumerable<(string Layer, long[] Shape)> layout, Device device) =>
        NetworkWeights.Of(
            state,
            source,
            name,
            layout.SelectMany(layer => (IEnumerable<(string, long[])>)[(layer.Layer + ".weight", layer.Shape), (layer.Layer + ".bias", [layer.Shape[0]])]),
            static key => key.StartsWith("classifier.", StringComparison.Ordinal),
            device);
}
