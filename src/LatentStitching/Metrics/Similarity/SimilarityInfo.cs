using System.Text;

namespace LatentStitching.Metrics.Similarity;

/// <summary>What a similarity measure is and what it may be relied on for, told once for all its values. Every statement is checked by a property test.</summary>
public sealed record SimilarityInfo
{
    /// <summary>The name with every choice that the number depends on, for example "cka-kernel=linear-hsic=song-score".</summary>
    /// <remarks>
    /// The grammar of nacloos/similarity-repository (Cloos et al., arXiv:2409.18333): words and <c>choice=value</c>, joined by hyphens, a value of several parts in parentheses. Where that
    /// repository has the measure, the id is the same.
    /// </remarks>
    public required string Id { get; init; }

    /// <summary>The name in tables, for example "linear CKA, debiased".</summary>
    public required string Name { get; init; }

    /// <summary>Which values mean that two spaces are alike.</summary>
    public required MetricDirection Direction { get; init; }

    /// <summary>The unit, for example "radians"; "none" where there is none.</summary>
    /// <value>Default "none".</value>
    public string Unit { get; init; } = "none";

    /// <summary>Where the formula comes from.</summary>
    public required string Reference { get; init; }

    /// <summary>The least value it can take; negative infinity where there is none.</summary>
    public required double Lowest { get; init; }

    /// <summary>The greatest value it can take; positive infinity where there is none.</summary>
    public required double Highest { get; init; }

    /// <summary>The value of a batch beside itself; null where it depends on the batch.</summary>
    public required double? OfItself { get; init; }

    /// <summary>Whether the two batches may change places.</summary>
    public required bool IsSymmetric { get; init; }

    /// <summary>Whether it is a metric up to its invariances: not negative, symmetric, 0 for a batch and itself, and with the triangle inequality.</summary>
    public required bool IsMetric { get; init; }

    /// <summary>What it does not feel. A change that is missing here changes the value of some batches.</summary>
    public required SimilarityInvariances Invariances { get; init; }

    /// <summary>The fewest rows it is defined for.</summary>
    /// <value>Default 2.</value>
    public long MinimumRows { get; init; } = 2;

    /// <summary>Whether it refuses a side without at least two more rows than columns (the mean takes one row): any two such spaces fit each other perfectly.</summary>
    /// <value>Default false.</value>
    public bool NeedsMoreRowsThanColumns { get; init; }

    /// <summary>The same facts as those of any other metric. The signature is <see cref="Id"/> in their form, for example "cka|kernel:linear|hsic:song|form:score".</summary>
    /// <returns>The facts.</returns>
    public MetricInfo ToMetricInfo() => new() { Name = Name, Direction = Direction, Unit = Unit, Reference = Reference, Signature = SignatureOf(Id) };

    private static string SignatureOf(string id)
    {
        StringBuilder signature = new(id.Length);
        int depth = 0;
        foreach (char letter in id)
        {
            depth += letter switch { '(' => 1, ')' => -1, _ => 0 };
            signature.Append(letter == '-' && depth == 0 ? '|' : letter);
        }
        string[] parts = signature.ToString().Split('|');
        for (int i = 0; i < parts.Length; i++)
        {
            int equals = parts[i].IndexOf('=', StringComparison.Ordinal);
            parts[i] = equals > 0 && parts[i][0] != '('
                ? $"{parts[i][..equals].Replace('_', '-')}:{parts[i][(equals + 1)..]}"
                : i == 0 ? parts[i].Replace('_', '-') : $"form:{parts[i]}";
        }
        return string.Join('|', parts);
    }
}
