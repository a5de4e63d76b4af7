using LatentStitching.Mapping.Forms;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Mapping;

/// <content>The forms besides the dense one.</content>
public sealed partial class AffineMap
{
    /// <summary>Makes a map of two factors, W = left·right: applied as two thin products, it never forms W unless <see cref="Weight"/> is asked for.</summary>
    /// <remarks>A dual fit is one such map: W = AᵀX with the dual coefficients A [n, target] and the centred rows X [n, source].</remarks>
    /// <param name="left">[target, r], floating point, finite. Not disposed: the map keeps a copy.</param>
    /// <param name="right">[r, source], on the device of <paramref name="left"/>. Not disposed: the map keeps a copy in the dtype of <paramref name="left"/>.</param>
    /// <param name="bias">Offset b [target]; zero if null. Not disposed.</param>
    /// <returns>The map, owned by the caller.</returns>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, or an entry is not finite.</exception>
    public static AffineMap Factored(Tensor left, Tensor right, Tensor? bias = null) => Make(FactoredOf(left, right), bias);

    /// <summary>Makes a map that moves one kernel over the places of a spatial latent, with stride 1 and zeros outside, as a convolution layer with padding "same" does.</summary>
    /// <remarks>It takes latents [c, h, w] and gives [c', h, w], both flattened in C order. Like every framework's convolution it is a correlation. Memory of a call: that of the images alone, never W.</remarks>
    /// <param name="kernel">[c', c, k, k] with odd k, floating point, finite; k = 1 mixes the channels at each place alike. Not disposed: the map keeps a copy.</param>
    /// <param name="height">Rows h of the latent.</param>
    /// <param name="width">Columns w of the latent.</param>
    /// <param name="bias">Offset, one a channel [c'] or one a number of the target [c'·h·w]; zero if null. Not disposed.</param>
    /// <returns>The map, owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The height or width is not positive.</exception>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, or an entry is not finite.</exception>
    public static AffineMap Convolution(Tensor kernel, long height, long width, Tensor? bias = null)
    {
        ConvolutionForm form = ConvolutionOf(kernel, height, width);
        using var scope = NewDisposeScope();
        bool everywhere = bias is not null && bias.dim() == 1 && bias.size(0) == kernel.size(0) && height * width > 1;
        return Make(form, everywhere ? bias!.repeat_interleave(height * width) : bias);
    }

    /// <summary>Makes a map that is a product of one map over places and one over channels: y[o, q] = Σ channel[o, m]·space[q, p]·x[m, p].</summary>
    /// <remarks>On latents [c, h, w] flattened in C order W is the Kronecker product channel ⊗ space, and p = row·w + column.</remarks>
    /// <param name="space">[places of the target, places of the source], floating point, finite. Not disposed: the map keeps a copy.</param>
    /// <param name="channel">[channels of the target, channels of the source], on the device of <paramref name="space"/>. Not disposed: the map keeps a copy in the dtype of <paramref name="space"/>.</param>
    /// <param name="bias">Offset b [target], channels first; zero if null. Not disposed.</param>
    /// <returns>The map, owned by the caller.</returns>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, or an entry is not finite.</exception>
    public static AffineMap Kronecker(Tensor space, Tensor channel, Tensor? bias = null) => Make(KroneckerOf(space, channel), bias);

    /// <summary>Makes a block-diagonal map of maps laid one after the other on both sides.</summary>
    /// <param name="blocks">At least one map, all on one device. Not disposed: copies are kept in the dtype of the first.</param>
    /// <returns>The map, owned by the caller.</returns>
    /// <exception cref="ArgumentException">There is no block, or the devices differ.</exception>
    public static AffineMap Blocks(params IReadOnlyList<AffineMap> blocks)
    {
        Guard.NotEmpty(blocks, "Pass one map a block.");
        using var scope = NewDisposeScope();
        List<BlockForm.Part> parts = [];
        long source = 0, target = 0;
        foreach (AffineMap block in blocks)
        {
            ArgumentNullException.ThrowIfNull(block, nameof(blocks));
            parts.Add(new BlockForm.Part(block.Live.Explicit(), source, target));
            source = checked(source + block.SourceDimension);
            target = checked(target + block.TargetDimension);
        }
        return Joined(blocks, parts, source, target);
    }

    /// <summary>Makes a map of one map a level: each target level comes from one source level.</summary>
    /// <param name="source">The source space.</param>
    /// <param name="target">The target space.</param>
    /// <param name="levels">For every level of <paramref name="target"/>, once: the source level it comes from, and the map between the two. No source level twice; one that is left out does not matter to the map.
    /// Not disposed: copies are kept in the dtype of the first.</param>
    /// <returns>The map, owned by the caller.</returns>
    /// <exception cref="ArgumentException">A level is missing, unknown or named twice, or a map does not fit its levels.</exception>
    public static AffineMap Blocks(LatentSpace source, LatentSpace target, IReadOnlyList<(string Source, string Target, AffineMap Map)> levels)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        Guard.NotEmpty(levels, "Pass one map a level of the target.");
        using var scope = NewDisposeScope();
        List<BlockForm.Part> parts = [];
        foreach ((string from, string to, AffineMap map) in levels)
        {
            ArgumentNullException.ThrowIfNull(map, nameof(levels));
            LatentLevel start = source.Level(from), end = target.Level(to);
            if (map.SourceDimension != start.Dimension || map.TargetDimension != end.Dimension)
            {
                throw new ArgumentException($"levels must have maps that fit, but {start} → {end} has a map {map.SourceDimension} → {map.TargetDimension}.", nameof(levels));
            }
            parts.Add(new BlockForm.Part(map.Live.Explicit(), start.Offset, end.Offset));
        }
        foreach ((string side, IEnumerable<string> names) in ((string, IEnumerable<string>)[])[("source", levels.Select(level => level.Source)), ("target", levels.Select(level => level.Target))])
        {
            if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            {
                throw new ArgumentException($"levels must name each {side} level once, but '{twice.Key}' comes twice.", nameof(levels));
            }
        }
        if (target.Levels.FirstOrDefault(level => levels.All(given => given.Target != level.Name)) is { } missing)
        {
            throw new ArgumentException($"levels must give every level of the target, but '{missing.Name}' is missing.", nameof(levels));
        }
        AffineMap[] ordered = [.. levels.OrderBy(level => target.Level(level.Target).Offset).Select(level => level.Map)];
        return Joined(ordered, parts, source.Dimension, target.Dimension);
    }

    /// <summary>The same map in another floating-point type, for example a fit's float64 map in float32: half the memory, and where a processor is slow in float64 it is faster applied.</summary>
    /// <remarks>
    /// Every form stays what it is, but a map of a <see cref="Fitting.SharedSource"/> is made explicit: factored or dense, whichever takes fewer numbers. Each number is rounded to the nearest of the type; nothing is fitted anew. Float32
    /// rounds a prediction by 2·10⁻⁷, and by up to 10⁻⁵ where it is made of large numbers that cancel.
    /// </remarks>
    /// <param name="dtype">Float64, Float32, Float16 or BFloat16. That of the map gives a copy.</param>
    /// <returns>The map, owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dtype"/> is not floating point.</exception>
    /// <exception cref="ArgumentException">A number of the map is too large for <paramref name="dtype"/>.</exception>
    public AffineMap To(ScalarType dtype)
    {
        LinearForm form = Live;
        Guard.FloatingPoint(dtype);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        LinearForm cast = form.Explicit().With(Cast);
        Tensor bias = Cast(_bias);
        if (cast.Tensors.All(part => part.Tensor.isfinite().all().ToBoolean()) && bias.isfinite().all().ToBoolean()) return Own(cast, bias);
        throw new ArgumentException($"dtype must hold the map's numbers, but some are too large for {dtype}. Take a type of a wider range.", nameof(dtype));

        Tensor Cast(Tensor part) => part.to(dtype, part.device, copy: true);
    }

    /// <summary>Two factors, checked.</summary>
    internal static FactoredForm FactoredOf(Tensor left, Tensor right)
    {
        TensorGuard.FiniteMatrix(left);
        TensorGuard.FiniteMatrix(right);
        TensorGuard.SameDevice(left, right, nameof(left), nameof(right));
        if (left.size(1) != right.size(0))
        {
            throw new ArgumentException(
                $"right must have one row a column of left, but the shapes are {TensorGuard.Shape(left)} and {TensorGuard.Shape(right)}.", nameof(right));
        }
        return new FactoredForm(left, right);
    }

    /// <summary>A kernel over places, checked; nothing of their size is allocated.</summary>
    internal static ConvolutionForm ConvolutionOf(Tensor kernel, long height, long width)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        Guard.Positive(height);
        Guard.Positive(width);
        if (kernel.dim() != 4 || kernel.size(2) != kernel.size(3) || kernel.size(2) % 2 == 0 || kernel.numel() == 0)
        {
            throw new ArgumentException($"kernel must be [c', c, k, k] with odd k, but its shape is {TensorGuard.Shape(kernel)}.", nameof(kernel));
        }
        if (!kernel.is_floating_point()) throw new ArgumentException($"kernel must be floating point, but its dtype is {kernel.dtype}. Convert it: tensor.to_type(ScalarType.Float32).", nameof(kernel));
        TensorGuard.Finite(kernel);
        _ = checked(height * width * Math.Max(kernel.size(0), kernel.size(1)));
        return new ConvolutionForm(kernel, height, width);
    }

    /// <summary>A product, checked.</summary>
    internal static KroneckerForm KroneckerOf(Tensor space, Tensor channel)
    {
        TensorGuard.FiniteMatrix(space);
        TensorGuard.FiniteMatrix(channel);
        TensorGuard.SameDevice(space, channel, nameof(space), nameof(channel));
        return new KroneckerForm(space, channel);
    }

    /// <summary>Makes a map of checked tensors, of which it keeps copies.</summary>
    internal static AffineMap Make(LinearForm form, Tensor? bias) => new(form, bias, "a column of the target");

    /// <summary>Makes a map of fresh, finite tensors that nobody else holds and are freed with it: no copy is made.</summary>
    internal static AffineMap Own(LinearForm form, Tensor bias) => new(form.With(part => part.alias().DetachFromDisposeScope()), bias.alias().DetachFromDisposeScope());

    /// <summary>Makes a float64 map that applies a shared factor, of which it keeps handles.</summary>
    internal static AffineMap Kernel(KernelForm form, Tensor bias) => new(form.Kept(), bias.alias().DetachFromDisposeScope());

    private static AffineMap Joined(IReadOnlyList<AffineMap> blocks, List<BlockForm.Part> parts, long source, long target)
    {
        foreach (AffineMap block in blocks) TensorGuard.SameDevice(blocks[0].Bias, block.Bias, "the first block", nameof(blocks));
        using var scope = NewDisposeScope();
        ScalarType dtype = blocks[0].Bias.dtype;
        // Brought to one dtype one by one: cat would take the widest.
        return Make(new BlockForm(parts, source, target).In(dtype), cat([.. blocks.Select(block => block.Bias.to_type(dtype))]));
    }
}
