using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>How often each class was predicted for each true class. Rows are predicted, columns true, as in the published figures. Immutable.</summary>
public sealed class ConfusionMatrix
{
    private readonly int[,] _counts;

    /// <summary>Counts.</summary>
    /// <param name="predicted">The predicted class of each row, a place in <paramref name="names"/>.</param>
    /// <param name="actual">The true class of each row.</param>
    /// <param name="names">The classes.</param>
    /// <exception cref="ArgumentException">There is no row, the row counts differ, or a class has no name.</exception>
    public ConfusionMatrix(IReadOnlyList<int> predicted, IReadOnlyList<int> actual, IReadOnlyList<string> names)
    {
        Guard.NotEmpty(predicted, "Pass a prediction a row.");
        ArgumentNullException.ThrowIfNull(actual);
        ArgumentNullException.ThrowIfNull(names);
        if (actual.Count != predicted.Count) throw new ArgumentException($"actual must have a class a prediction, {predicted.Count}, but it has {actual.Count}.", nameof(actual));
        _counts = new int[names.Count, names.Count];
        for (int row = 0; row < predicted.Count; row++)
        {
            Known(predicted, row, nameof(predicted));
            Known(actual, row, nameof(actual));
            _counts[predicted[row], actual[row]]++;
        }
        Names = [.. names];
        Count = predicted.Count;

        void Known(IReadOnlyList<int> classes, int row, string name)
        {
            if (classes[row] >= 0 && classes[row] < names.Count) return;
            throw new ArgumentException($"{name} must lie from 0 to {names.Count - 1}, the places of names, but row {row} is {classes[row]}.", name);
        }
    }

    /// <summary>The classes.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>Rows of one true class that were predicted as another, or the same.</summary>
    /// <param name="predicted">Place of the predicted class.</param>
    /// <param name="actual">Place of the true class.</param>
    public int this[int predicted, int actual] => _counts[predicted, actual];

    /// <summary>Share of rows predicted rightly, in [0, 1].</summary>
    public double Accuracy => Enumerable.Range(0, Names.Count).Sum(place => _counts[place, place]) / (double)Count;

    /// <summary>Share of the rows of a true class that were predicted as it; NaN for a class without rows.</summary>
    /// <param name="actual">Place of the class.</param>
    /// <returns>In [0, 1].</returns>
    public double Recall(int actual) => _counts[actual, actual] / (double)Enumerable.Range(0, Names.Count).Sum(place => _counts[place, actual]);
}
