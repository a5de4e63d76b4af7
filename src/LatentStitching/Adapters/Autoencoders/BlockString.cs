using System.Globalization;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The grammar of DiffuseVAE's networks, after Child, "Very Deep VAEs" (arXiv:2011.10650): comma-separated layers, each named by the side of its feature map.</summary>
/// <remarks>RxN: N residual blocks. RdK: a residual block, then average pooling by K. RuK: nearest upsampling by K. AtB: from the channels of A to those of B.</remarks>
internal sealed class BlockString
{
    private BlockString(IReadOnlyList<Step> steps, IReadOnlyDictionary<long, long> channels)
    {
        Steps = steps;
        Channels = channels;
    }

    /// <summary>One layer of a string, repetitions written out: its letter, its side, and the number after the letter.</summary>
    public readonly record struct Step(char Kind, long Side, long Other);

    public IReadOnlyList<Step> Steps { get; }

    /// <summary>Channels by side.</summary>
    public IReadOnlyDictionary<long, long> Channels { get; }

    /// <summary>Reads both strings and checks that sides follow from one another.</summary>
    /// <param name="blocks">The layers.</param>
    /// <param name="channels">"side:channels", comma-separated.</param>
    /// <param name="from">The side of what comes in.</param>
    /// <param name="to">The side of what must come out.</param>
    /// <param name="name">The argument that holds the layers, for texts.</param>
    /// <param name="channelsName">The argument that holds the channels, for texts.</param>
    public static BlockString Parse(string blocks, string channels, long from, long to, string name, string channelsName)
    {
        Dictionary<long, long> widths = ParseChannels(channels, channelsName);
        List<Step> steps = [];
        long side = from, named = from;
        foreach (string part in blocks.Split(','))
        {
            int letter = part.AsSpan().IndexOfAny("xdut");
            if (letter < 0 || !TryCount(part.AsSpan(0, letter), out long first) || !TryCount(part.AsSpan(letter + 1), out long second))
            {
                throw new ArgumentException($"{name} must be layers such as 64x7,64d2,64t32, but it holds '{part}'.", name);
            }
            bool fits = part[letter] switch
            {
                'x' => first == side && first == named,
                'd' => first == side && first == named && side % second == 0,
                'u' => first == side && first == named,
                _ => first == named && second == side,
            };
            if (!fits)
            {
                throw new ArgumentException($"{name} must lead from side {from} to side {to} step by step, but '{part}' comes where the side is {side} and the channels are those of {named}.", name);
            }
            foreach (long wanted in part[letter] == 't' ? [first, second] : (long[])[first])
            {
                if (!widths.ContainsKey(wanted)) throw new ArgumentException($"{channelsName} must tell the channels of every side, but those of {wanted} are missing.", channelsName);
            }
            for (long i = 0; i < (part[letter] == 'x' ? second : 1); i++) steps.Add(new Step(part[letter], first, second));
            if (part[letter] == 'd') side /= second;
            if (part[letter] == 'u') side *= second;
            if (part[letter] == 't') named = second;
        }
        if (side != to || named != to) throw new ArgumentException($"{name} must end at side {to}, but it ends at {side} with the channels of {named}.", name);
        return new BlockString(steps, widths);
    }

    private static Dictionary<long, long> ParseChannels(string text, string name)
    {
        Dictionary<long, long> channels = [];
        foreach (string part in text.Split(','))
        {
            int colon = part.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !TryCount(part.AsSpan(0, colon), out long side) || !TryCount(part.AsSpan(colon + 1), out long width) || width < 2 || !channels.TryAdd(side, width))
            {
                throw new ArgumentException($"{name} must be different sides with at least 2 channels each, such as 64:64,32:128, but it holds '{part}'.", name);
            }
        }
        return channels;
    }

    private static bool TryCount(ReadOnlySpan<char> text, out long value) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value is > 0 and <= 65536;
}
