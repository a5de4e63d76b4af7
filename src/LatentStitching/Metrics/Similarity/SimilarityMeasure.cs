using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Does what every similarity measure would repeat: checks, no gradients, and one dispose scope a call.</summary>
/// <remarks>A measure writes <see cref="PrepareCore"/> and <see cref="MeasureCore"/>, and is then fit for every caller of <see cref="ISimilarityMeasure"/>.</remarks>
public abstract class SimilarityMeasure : ISimilarityMeasure
{
    /// <inheritdoc/>
    public abstract SimilarityInfo Info { get; }

    /// <inheritdoc/>
    public PreparedLatents Prepare(Tensor latents, string name = "latents")
    {
        Guard.NotBlank(name);
        TensorGuard.FiniteMatrix(latents, name);
        RequireShape(latents, name);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        RequireSpread(latents, name);
        return new PreparedLatents(Info.Id, latents, PrepareCore(latents, name));
    }

    /// <inheritdoc/>
    public double Measure(PreparedLatents x, PreparedLatents y)
    {
        RequireOwn(x, nameof(x));
        RequireOwn(y, nameof(y));
        TensorGuard.SameRows(x.Latents, y.Latents, nameof(x), nameof(y));
        TensorGuard.SameDevice(x.Latents, y.Latents, nameof(x), nameof(y));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return RequireFinite(MeasureCore(x, y), Info.Id, nameof(y));
    }

    /// <inheritdoc/>
    public virtual string? Warning(long rows, long xColumns, long yColumns) => null;

    /// <summary>Says the measure's id.</summary>
    /// <returns>For example "cka-kernel=linear-hsic=song-score".</returns>
    public override string ToString() => Info.Id;

    /// <summary>Works out all that depends on one side alone. Called without gradients, in a dispose scope; whatever is not returned is freed.</summary>
    /// <param name="latents">Latent batch [n, d]: finite, floating point, with at least <see cref="SimilarityInfo.MinimumRows"/> rows that are not all the same. Not to be changed.</param>
    /// <param name="name">What errors call the batch.</param>
    /// <returns>The tensors to keep, by name.</returns>
    protected abstract IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name);

    /// <summary>Measures two sides that this measure prepared, with as many rows each and on one device. Called without gradients, in a dispose scope.</summary>
    /// <param name="x">One side.</param>
    /// <param name="y">The other.</param>
    /// <returns>The value.</returns>
    protected abstract double MeasureCore(PreparedLatents x, PreparedLatents y);

    internal static double RequireFinite(double value, string id, string name) => double.IsFinite(value)
        ? value
        : throw new ArgumentException(
            string.Create(CultureInfo.InvariantCulture, $"{name} must be such that {id} is a number, but it came out as {value}: squares of the entries leave the range of float64. Scale the batches to entries around 1."), name);

    private protected virtual bool RowsAreEnough(long rows, long columns) => !Info.NeedsMoreRowsThanColumns || rows > columns + 1;

    private void RequireShape(Tensor latents, string name)
    {
        if (latents.size(0) < Info.MinimumRows)
        {
            throw new ArgumentException($"{name} must hold at least {Info.MinimumRows} rows for {Info.Id}, but its shape is {TensorGuard.Shape(latents)}. Take more images.", name);
        }
        if (RowsAreEnough(latents.size(0), latents.size(1))) return;
        throw new ArgumentException(
            $"{name} must have at least two more rows than columns for {Info.Id}, but its shape is {TensorGuard.Shape(latents)}: any two such spaces fit each other perfectly. Take more images, fewer columns (Svcca), or a measure that needs no inverse (LinearCka, ProcrustesDistance).",
            name);
    }

    // Kernels are squared, and their entries are squares already.
    private static void RequireSpread(Tensor latents, string name)
    {
        const double smallest = 1e-70, largest = 1e70;
        Tensor high = latents.amax([0]).to_type(ScalarType.Float64), low = latents.amin([0]).to_type(ScalarType.Float64);
        double spread = high.sub(low).max().ToDouble(), size = Math.Max(high.abs().max().ToDouble(), low.abs().max().ToDouble());
        if (spread == 0) throw new ArgumentException($"{name} must vary between rows, but all of its {latents.size(0)} rows are the same. A space without variance is like no other.", name);
        if (spread >= smallest && size <= largest) return;
        throw new ArgumentException(
            string.Create(CultureInfo.InvariantCulture, $"{name} must have entries up to 1e70 and vary by 1e-70 at least, but the largest is {size:g4} and they vary by {spread:g4}. Scale the batch to entries around 1."), name);
    }

    private void RequireOwn(PreparedLatents prepared, string name)
    {
        ArgumentNullException.ThrowIfNull(prepared, name);
        if (prepared.Measure == Info.Id) return;
        throw new ArgumentException($"{name} must be prepared by {Info.Id}, but it was by {prepared.Measure}. Call Prepare of this measure.", name);
    }
}
