using LatentStitching.Adapters.Weights;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Flows;

/// <summary>The flow itself: pixels to levels and back, with the density of each.</summary>
/// <remarks>Kingma and Dhariwal, "Glow: Generative Flow with Invertible 1×1 Convolutions" (arXiv:1807.03039), table 1 and figure 2; the levels are those of Dinh et al. (arXiv:1605.08803), section 3.6.</remarks>
internal sealed class GlowNetwork : IDisposable
{
    // Null while weights change.
    private GlowFold[][]? _folds;
    private int _learners;

    public GlowNetwork(GlowDialect dialect, WeightSet weights)
    {
        Dialect = dialect;
        Weights = weights;
        _folds = Fold();
    }

    /// <summary>Gives a level's values, from the Gaussian that its prior puts there if it asks for it.</summary>
    public delegate Tensor LevelSource(int level, Func<(Tensor Mean, Tensor LogDeviation)> prior);

    public GlowDialect Dialect { get; }

    public WeightSet Weights { get; }

    public GlowShape Shape => Dialect.Shape;

    /// <summary>Whether the normalisations have taken their first values from data, or come from a trained checkpoint.</summary>
    public bool Initialised => Weights.All.Where(weight => weight.Name.EndsWith(GlowDialect.Flag, StringComparison.Ordinal)).All(weight => weight.Tensor.ToDouble() != 0);

    /// <summary>Marks weights as changing until the result is disposed: until then nothing worked out from them is kept.</summary>
    public IDisposable Learn()
    {
        Forget();
        _learners++;
        return new Learning(this);
    }

    /// <summary>Sets every normalisation from a batch: Kingma and Dhariwal, section 3.1.</summary>
    public void Initialise(Tensor pixels)
    {
        using var grad = no_grad();
        using var learning = Learn();
        using var scope = NewDisposeScope();
        _ = Run(pixels, determinant: false, initialise: true);
    }

    /// <summary>Pixels on the network's scale [n, c, h, w] → each level's values with what the level hands on (null at the top), and if asked log|det| [n] in float64.</summary>
    public (IReadOnlyList<(Tensor Values, Tensor? Kept)> Levels, Tensor? LogDeterminant) Forward(Tensor pixels, bool determinant) =>
        Run(pixels, determinant, initialise: false);

    /// <summary>The Gaussian of a level, given what the level hands on.</summary>
    public (Tensor Mean, Tensor LogDeviation) Prior(int level, Tensor? kept, long count, Tensor? classes) => Dialect.Prior(Weights, level, kept, count, classes);

    /// <summary>From the coarsest level to the finest, each one's values from its source.</summary>
    /// <param name="count">Rows.</param>
    /// <param name="classes">One-hot classes, or null.</param>
    /// <param name="source">Called once a level, the coarsest first.</param>
    /// <param name="pixels">False to stop when the finest level has its values.</param>
    /// <returns>Pixels on the network's scale, or null where none were asked for.</returns>
    public Tensor? Backward(long count, Tensor? classes, LevelSource source, bool pixels = true)
    {
        Tensor? kept = null;
        for (int level = Shape.Levels - 1; level >= 0; level--)
        {
            (int here, Tensor? given) = (level, kept);
            Tensor values = source(level, () => Prior(here, given, count, classes));
            if (level == 0 && !pixels) return null;
            Tensor x = kept is null ? values : cat([kept, values], 1);
            for (int step = Shape.Steps - 1; step >= 0; step--)
            {
                Tensor before = x;
                x = StepBackward(before, level, step);
                // The source may still want its values.
                if (!ReferenceEquals(before, values)) before.Dispose();
            }
            kept = Unsqueeze(x);
        }
        return kept;
    }

    public bool IsDisposed { get; private set; }

    public void Dispose()
    {
        Forget();
        Weights.Dispose();
        IsDisposed = true;
    }

    private (IReadOnlyList<(Tensor Values, Tensor? Kept)> Levels, Tensor? LogDeterminant) Run(Tensor pixels, bool determinant, bool initialise)
    {
        List<(Tensor Values, Tensor? Kept)> levels = new(Shape.Levels);
        Tensor? total = determinant ? zeros([pixels.size(0)], ScalarType.Float64, pixels.device) : null;
        Tensor x = pixels;
        for (int level = 0; level < Shape.Levels; level++)
        {
            x = Squeeze(x);
            for (int step = 0; step < Shape.Steps; step++)
            {
                Tensor before = x;
                (x, total) = StepForward(before, total, level, step, initialise);
                before.Dispose();
            }
            long half = x.size(1) / 2;
            (Tensor values, Tensor? kept) = Shape.IsTop(level) ? (x, null) : (x.narrow(1, half, half), x.narrow(1, 0, half));
            levels.Add((values, kept));
            x = kept ?? x;
        }
        return (levels, total);
    }

    private (Tensor Pixels, Tensor? LogDeterminant) StepForward(Tensor x, Tensor? total, int level, int step, bool initialise)
    {
        // The hidden channels are many times the image: they are freed step by step.
        using var scope = NewDisposeScope();
        string prefix = Dialect.Step(level, step);
        if (initialise) Dialect.InitialiseActNorm(Weights, prefix, x);
        (Tensor matrix, Tensor offset, Tensor logDeterminant) = _folds?[level][step] is { } fold
            ? (fold.Matrix, fold.Offset, fold.LogDeterminant)
            : GlowFold.Forward(Dialect, Weights, level, prefix);
        Tensor mixed = nn.functional.conv2d(x, matrix, offset);
        long half = mixed.size(1) / 2;
        Tensor kept = mixed.narrow(1, 0, half), changed = mixed.narrow(1, half, half);
        Tensor coupled = Dialect.Couple(Weights, prefix, kept, initialise);
        if (total is not null) total = total + logDeterminant * (x.size(2) * x.size(3));
        if (Shape.Affine)
        {
            (Tensor shift, Tensor gate) = Dialect.Halves(coupled);
            Tensor opened = gate.Plus(2);
            changed = (changed + shift) * opened.sigmoid();
            if (total is not null) total = total + opened.log_sigmoid().sum([1, 2, 3], type: ScalarType.Float64);
        }
        else
        {
            changed = changed + coupled;
        }
        return (cat([kept, changed], 1).MoveToOuterDisposeScope(), total?.MoveToOuterDisposeScope());
    }

    private Tensor StepBackward(Tensor x, int level, int step)
    {
        using var scope = NewDisposeScope();
        string prefix = Dialect.Step(level, step);
        long half = x.size(1) / 2;
        Tensor kept = x.narrow(1, 0, half), changed = x.narrow(1, half, half);
        Tensor coupled = Dialect.Couple(Weights, prefix, kept, initialise: false);
        if (Shape.Affine)
        {
            (Tensor shift, Tensor gate) = Dialect.Halves(coupled);
            changed = changed / gate.Plus(2).sigmoid() - shift;
        }
        else
        {
            changed = changed - coupled;
        }
        GlowFold? held = _folds?[level][step];
        GlowFold fold = held ?? GlowFold.Of(Dialect, Weights, level, prefix);
        Tensor mixed = nn.functional.conv2d(cat([kept, changed], 1), fold.Inverse, fold.InverseOffset);
        if (held is null) fold.Dispose();
        return mixed.MoveToOuterDisposeScope();
    }

    private GlowFold[][] Fold() => [.. Enumerable.Range(0, Shape.Levels).Select(level =>
        Enumerable.Range(0, Shape.Steps).Select(step => GlowFold.Of(Dialect, Weights, level, Dialect.Step(level, step))).ToArray())];

    private void Forget()
    {
        foreach (GlowFold fold in (_folds ?? []).SelectMany(level => level)) fold.Dispose();
        _folds = null;
    }

    /// <summary>Each 2×2 square of pixels becomes four channels, in the order channel, row, column.</summary>
    private static Tensor Squeeze(Tensor x)
    {
        (long n, long c, long h, long w) = (x.size(0), x.size(1), x.size(2), x.size(3));
        return x.reshape(n, c, h / 2, 2, w / 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, h / 2, w / 2);
    }

    private static Tensor Unsqueeze(Tensor x)
    {
        (long n, long c, long h, long w) = (x.size(0), x.size(1) / 4, x.size(2), x.size(3));
        return x.reshape(n, c, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c, 2 * h, 2 * w);
    }

    private sealed class Learning(GlowNetwork network) : IDisposable
    {
        private bool _disposed;

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            network._learners--;
            if (network._learners == 0 && !network.IsDisposed) network._folds = network.Fold();
        }
    }
}
