namespace LatentStitching.Studies;

/// <summary>Groups a study's pairs by what their models have in common: types 1, 2 and 3 of Asperti and Tonelli.</summary>
public static class MapKinds
{
    /// <summary>The kind of a pair of models.</summary>
    /// <remarks>
    /// Same family and same told architecture: type 1. Else same objective, type 2, or different ones, type 3. The objective follows from the family: that of <see cref="ModelFamily.Vae"/> and
    /// <see cref="ModelFamily.SplitVae"/> is one (the evidence lower bound), that of <see cref="ModelFamily.Linear"/> and <see cref="ModelFamily.Autoencoder"/> too (reconstruction), all others have their own.
    /// </remarks>
    /// <param name="first">A model.</param>
    /// <param name="second">Another.</param>
    /// <returns>The kind, or null where a family is not told.</returns>
    public static MapKind? Of(StudyModel first, StudyModel second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        if (first.Family == ModelFamily.Unknown || second.Family == ModelFamily.Unknown) return null;
        if (first.Family == second.Family && first.Architecture is not null && first.Architecture == second.Architecture) return MapKind.SameModel;
        return Objective(first.Family) == Objective(second.Family) ? MapKind.SameObjective : MapKind.DifferentObjective;
    }

    /// <summary>Summarises a study's pairs by kind.</summary>
    /// <param name="result">The study.</param>
    /// <returns>One summary a kind that has pairs, type 1 first. Controls, and models whose family is not told, are left out.</returns>
    public static IReadOnlyList<MapKindSummary> Summarise(StudyResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return [.. from pair in result.Pairs
                   where !pair.IsControl && KindOf(result, pair) is not null
                   group pair by KindOf(result, pair)!.Value into kind
                   orderby kind.Key
                   select new MapKindSummary(kind.Key, [.. kind.Select(pair => pair.ToString())], Numbers([.. kind]))];
    }

    internal static MapKind? KindOf(StudyResult result, StudyPair pair) =>
        Of(result.Models.First(model => model.Name == pair.Source), result.Models.First(model => model.Name == pair.Target));

    private static IReadOnlyList<MapKindNumber> Numbers(IReadOnlyList<StudyPair> pairs) =>
    [
        .. pairs.SelectMany(pair => pair.Numbers)
            .Where(number => number.Attribute is null && double.IsFinite(number.Value.Value))
            .GroupBy(number => (number.Quantity, number.Value.Info.Name), number => number.Value.Value)
            .OrderBy(values => values.Key.Quantity).ThenBy(values => values.Key.Name, StringComparer.Ordinal)
            .Select(values => new MapKindNumber(values.Key.Quantity, values.Key.Name, values.Count(), values.Average(), values.Min(), values.Max())),
    ];

    private static ModelFamily Objective(ModelFamily family) => family switch
    {
        ModelFamily.SplitVae => ModelFamily.Vae,
        ModelFamily.Linear => ModelFamily.Autoencoder,
        _ => family,
    };
}
