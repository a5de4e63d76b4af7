using System.Globalization;
using MathNet.Numerics.Statistics;

namespace LatentStitching.Studies;

/// <summary>The rules of <see cref="Findings"/>, one a method.</summary>
internal sealed class FindingRules(FindingEvidence evidence)
{
    private readonly StudyResult _study = evidence.Study;

    private IEnumerable<StudyPair> Pairs => _study.Pairs.Where(pair => !pair.IsControl);

    public static FindingOutcome Missing(string words) => new(FindingState.NotTestable, words, []);

    public FindingOutcome BestSource(StudyProtocol protocol)
    {
        int targets = 0, won = 0;
        foreach (IGrouping<string, StudyPair> column in Pairs.Where(pair => pair.Protocol == protocol && (protocol == StudyProtocol.SharedImages || !Model(pair.Target).Encodes)).GroupBy(pair => pair.Target, StringComparer.Ordinal))
        {
            StudyPair[] known = [.. column.Where(pair => Family(pair.Source) != ModelFamily.Unknown && pair.Number(StudyQuantity.Image) is not null)];
            if (!known.Any(pair => IsChosen(pair.Source)) || known.All(pair => IsChosen(pair.Source))) continue;
            targets++;
            if (IsChosen(known.MinBy(pair => Loss(pair.Number(StudyQuantity.Image)!.Value))!.Source)) won++;
        }
        return targets == 0
            ? Missing($"No target is reached both from a VQ-VAE or flow and from another family{(protocol == StudyProtocol.Synthetic ? " on images that it drew" : "")}.")
            : Judged(won * 2 > targets, $"A VQ-VAE or flow encoder is the best source for {won} of {targets} targets.", ("targets", targets), ("won by VQ-VAE or flow", won));
    }

    public FindingOutcome Errors()
    {
        int cells = 0, lower = 0, judged = 0, worse = 0;
        foreach (IGrouping<string, StudyPair> column in _study.Pairs.Where(pair => pair.Protocol == StudyProtocol.SharedImages).GroupBy(pair => pair.Target, StringComparer.Ordinal))
        {
            foreach ((StudyQuantity quantity, string metric) in column.SelectMany(pair => pair.Numbers).Where(number => number.Quantity is StudyQuantity.Latent or StudyQuantity.Image).Select(number => (number.Quantity, number.Value.Info.Name)).Distinct())
            {
                double[] chosen = Losses(column.Where(pair => !pair.IsControl && IsChosen(pair.Source)), quantity, metric);
                double[] others = Losses(column.Where(pair => !pair.IsControl && !IsChosen(pair.Source) && Family(pair.Source) != ModelFamily.Unknown), quantity, metric);
                double[] controls = Losses(column.Where(pair => pair.IsControl), quantity, metric);
                if (chosen.Length == 0 || others.Length == 0) continue;
                cells++;
                if (chosen.Median() < others.Median()) lower++;
                if (controls.Length == 0) continue;
                judged++;
                if (controls.Min() > chosen.Concat(others).Median()) worse++;
            }
        }
        return cells == 0 || judged == 0
            ? Missing("No target is reached from a VQ-VAE or flow, from another family, and from a control.")
            : Judged(
                lower * 2 > cells && worse * 2 > judged,
                $"VQ-VAE and flow sources have the lower error in {lower} of {cells} cells; controls are worse than the models' median in {worse} of {judged}.",
                ("cells", cells), ("lower from VQ-VAE and flow", lower), ("cells with controls", judged), ("controls worse", worse));
    }

    public FindingOutcome Separability()
    {
        Dictionary<string, double> accuracy = _study.Models.Where(model => model.Own.Any(number => number.Quantity == StudyQuantity.BalancedAccuracy)).ToDictionary(
            model => model.Name, model => model.Own.Where(number => number.Quantity == StudyQuantity.BalancedAccuracy).Average(number => number.Value.Value), StringComparer.Ordinal);
        double[] chosen = [.. accuracy.Where(entry => IsChosen(entry.Key)).Select(entry => entry.Value)];
        double[] others = [.. accuracy.Where(entry => !IsChosen(entry.Key) && Family(entry.Key) != ModelFamily.Unknown).Select(entry => entry.Value)];
        double[] changes = [.. Pairs.Where(pair => accuracy.ContainsKey(pair.Source) && accuracy.ContainsKey(pair.Target) && accuracy[pair.Source] > accuracy[pair.Target])
            .SelectMany(pair => pair.Numbers).Where(number => number.Quantity == StudyQuantity.AccuracyChange).Select(number => number.Value.Value)];
        if (chosen.Length == 0 || others.Length == 0) return Missing("Probes of a VQ-VAE or flow and of another family are needed.");
        if (changes.Length == 0) return Missing("No pair leads from a more to a less separable space.");
        return Judged(
            chosen.Average() > others.Average() && changes.Average() > 0,
            $"Balanced accuracy {Text(chosen.Average())} for VQ-VAEs and flows, {Text(others.Average())} for the others; from more to less separable spaces the accuracy changes by {Text(changes.Average())}.",
            ("balanced accuracy, VQ-VAE and flow", chosen.Average()), ("balanced accuracy, others", others.Average()), ("accuracy change, more to less separable", changes.Average()));
    }

    public FindingOutcome Agreement()
    {
        ILookup<bool, double> lifts = Pairs.SelectMany(pair => pair.Numbers)
            .Where(number => number is { Quantity: StudyQuantity.Agreement, MeanFloor.Value: < 1 })
            .ToLookup(number => Findings.Gender.Contains(number.Attribute), number => (number.Value.Value - number.MeanFloor!.Value) / (1 - number.MeanFloor.Value));
        return !lifts[true].Any() || !lifts[false].Any()
            ? Missing("Agreement on attributes that go with gender and on others is needed.")
            : Judged(
                lifts[true].Average() > lifts[false].Average(),
                $"Agreement beyond the mean latent's is {Text(lifts[true].Average())} on attributes that go with gender, {Text(lifts[false].Average())} on the others.",
                ("gender", lifts[true].Average()), ("others", lifts[false].Average()));
    }

    public FindingOutcome EarlyConvergence()
    {
        double[] shares = [.. evidence.Dynamics.Where(dynamics => dynamics.Family == ModelFamily.Flow).Select(dynamics => dynamics.ConvergedShare)];
        return shares.Length == 0
            ? Missing("A study of a flow's training dynamics is needed.")
            : Judged(shares.Average() <= 0.25, $"A flow's latents have converged after {Text(shares.Average())} of its training.", ("share of training", shares.Average()));
    }

    public FindingOutcome DisjointConcepts()
    {
        IReadOnlyList<TrainingDynamicsPoint>[] series = [.. evidence.Dynamics.Select(dynamics => dynamics.Points).Where(points => points.Count > 1)];
        (double First, double Last)[] overlaps = [.. from points in series
                                                     from first in points[0].GenderOverlaps
                                                     from last in points[^1].GenderOverlaps
                                                     where (first.First, first.Second) == (last.First, last.Second) && double.IsFinite(first.Overlap.Value) && double.IsFinite(last.Overlap.Value)
                                                     select (first.Overlap.Value, last.Overlap.Value)];
        double[] skin = Kappas(name => name == Findings.SkinTone), gender = Kappas(Findings.Gender.Contains);
        if (overlaps.Length == 0 || gender.Length == 0) return Missing("A study of training dynamics is needed whose probes find attributes that go with one gender and with the other.");
        if (skin.Length == 0) return Missing($"A study of training dynamics is needed whose probes of {Findings.SkinTone} do not say the same of all images.");
        double before = overlaps.Average(pair => pair.First), after = overlaps.Average(pair => pair.Last);
        return Judged(
            after < before && skin.Average() > gender.Average(),
            $"Concepts of the two genders overlap by {Text(before)} at the first checkpoint and by {Text(after)} at the last; from checkpoint to checkpoint the agreement is {Text(skin.Average())} on {Findings.SkinTone}, {Text(gender.Average())} on attributes that go with gender.",
            ("overlap at the first checkpoint", before), ("overlap at the last checkpoint", after), ("agreement between checkpoints, skin tone", skin.Average()), ("agreement between checkpoints, gender", gender.Average()), ("pairs of attributes", overlaps.Length));

        double[] Kappas(Func<string, bool> attribute) =>
            [.. series.SelectMany(points => points).SelectMany(point => point.Concepts).Where(concept => attribute(concept.Attribute)).Select(concept => concept.KappaToNext?.Value ?? double.NaN).Where(double.IsFinite)];
    }

    public FindingOutcome Recovery()
    {
        StudyPair[] between = [.. Pairs.Where(pair => pair.Fit.SourceDimension != pair.Fit.TargetDimension)];
        double[] models = Recovered(between.Length > 0 ? between : Pairs), controls = Recovered(_study.Pairs.Where(pair => pair.IsControl));
        return models.Length == 0 || controls.Length == 0
            ? Missing("Shares recovered by models and by controls are needed.")
            : Judged(
                models.Median() >= 0.5 && models.Median() > controls.Median(),
                $"The median map recovers {Text(models.Median())} of what the target's own encoder achieves, a control's {Text(controls.Median())}.",
                ("median recovered", models.Median()), ("median recovered by controls", controls.Median()), ("pairs", models.Length));
    }

    public FindingOutcome Architectures()
    {
        ILookup<bool, double> similar = Pairs.Where(pair => MapKinds.KindOf(_study, pair) is not null && pair.Number(StudyQuantity.Similarity) is not null)
            .ToLookup(pair => MapKinds.KindOf(_study, pair) != MapKind.DifferentObjective, pair => pair.Number(StudyQuantity.Similarity)!.Value.Value);
        return !similar[true].Any() || !similar[false].Any()
            ? Missing("Pairs of type 1 or 2 and pairs of type 3 are needed.")
            : Judged(
                similar[true].Average() > similar[false].Average(),
                $"Similarity is {Text(similar[true].Average())} between models of one kind or objective, {Text(similar[false].Average())} between others.",
                ("types 1 and 2", similar[true].Average()), ("type 3", similar[false].Average()));
    }

    public FindingOutcome Levels()
    {
        if (evidence.Levels is not { } levels) return Missing("A study of levels is needed.");
        int pairs = 0, above = 0;
        foreach (StudyPair pair in levels.Study.Pairs.Where(pair => !pair.IsControl && Whole(pair.Source) == Whole(pair.Target)))
        {
            if (pair.Number(StudyQuantity.Similarity) is not { Controls.Count: > 0 } number) continue;
            pairs++;
            if (number.Controls.All(control => number.Value.Value > control.Value.Value)) above++;
        }
        return pairs == 0
            ? Missing("No model has two levels that were compared beside a control.")
            : Judged(above * 2 > pairs, $"{above} of {pairs} pairs of levels of one model are more similar than any control.", ("pairs", pairs), ("above the controls", above));
    }

    public FindingOutcome SameModel()
    {
        double[] recovered = Recovered(Pairs.Where(pair => MapKinds.KindOf(_study, pair) == MapKind.SameModel));
        return recovered.Length == 0
            ? Missing("Two trainings of one architecture are needed.")
            : Judged(recovered.Median() >= 0.9, $"Between two trainings of one model the median map recovers {Text(recovered.Median())}.", ("median recovered", recovered.Median()), ("pairs", recovered.Length));
    }

    public FindingOutcome Sharper()
    {
        (double Before, double After)[] known = [.. from pair in Pairs
                                                    where pair.Protocol == StudyProtocol.SharedImages && Family(pair.Source) == ModelFamily.Vae && Family(pair.Target) == ModelFamily.SplitVae
                                                    let after = pair.Number(StudyQuantity.Sharpness)?.Value.Value
                                                    let before = Model(pair.Source).Number(StudyQuantity.Sharpness)?.Value.Value
                                                    where after is not null && before > 0
                                                    select (before.Value, after.Value)];
        if (known.Length == 0) return Missing("A VAE and a Split-VAE whose images' sharpness was measured are needed.");
        double ratio = known.Select(pair => pair.After / pair.Before).Median();
        return Judged(
            ratio > 1,
            $"From a VAE to a Split-VAE images have {Text(ratio)} times the sharpness of the VAE's own reconstructions. Plausibility is not judged.",
            ("median ratio of sharpness", ratio), ("pairs", known.Length));
    }

    public FindingOutcome NearerThanOwn()
    {
        double[] gains = [.. from pair in Pairs
                             where pair.Protocol == StudyProtocol.SharedImages && Family(pair.Source) == ModelFamily.Gan && Family(pair.Target) is not (ModelFamily.Gan or ModelFamily.Unknown)
                             let after = pair.Number(StudyQuantity.Image)
                             let own = Model(pair.Source).Number(StudyQuantity.Image)
                             where after is not null && own is not null
                             select Loss(own.Value) - Loss(after.Value)];
        return gains.Length == 0
            ? Missing("A GAN that encodes, by an inversion, and a model of another family are needed.")
            : Judged(gains.Max() > 0, $"From a GAN, {gains.Count(gain => gain > 0)} of {gains.Length} maps lead nearer to the original than its own reconstruction.", ("pairs", gains.Length), ("nearer", gains.Count(gain => gain > 0)), ("largest gain", gains.Max()));
    }

    public FindingOutcome Regularisation()
    {
        StudyPair[] known = [.. Pairs.Where(pair => Family(pair.Source) != ModelFamily.Unknown && Family(pair.Target) != ModelFamily.Unknown && double.IsFinite(pair.Fit.Alpha))];
        ILookup<bool, double> strengths = known.ToLookup(pair => Family(pair.Source) == ModelFamily.Gan || Family(pair.Target) == ModelFamily.Gan, pair => pair.Fit.Alpha);
        if (!strengths[true].Any() || !strengths[false].Any()) return Missing("Maps with and without a GAN are needed.");
        double gan = strengths[true].Median(), others = strengths[false].Median();
        return others <= 0
            ? Missing("The maps without a GAN were fitted without regularisation, so there is no ratio.")
            : Judged(gan / others is >= 5 and <= 45, $"Maps with a GAN have {Text(gan / others)} times the strength of the others.", ("median strength with a GAN", gan), ("median strength without", others), ("ratio", gan / others));
    }

    private static FindingOutcome Judged(bool holds, string words, params (string Name, double Value)[] numbers) =>
        new(holds ? FindingState.Reproduced : FindingState.NotReproduced, words, [.. numbers.Select(number => new FindingNumber(number.Name, number.Value))]);

    private static double[] Losses(IEnumerable<StudyPair> pairs, StudyQuantity quantity, string metric) =>
        [.. pairs.Select(pair => pair.Number(quantity, metric)).OfType<StudyNumber>().Select(number => Loss(number.Value)).Where(double.IsFinite)];

    private static double[] Recovered(IEnumerable<StudyPair> pairs) =>
        [.. pairs.Select(pair => pair.Number(StudyQuantity.Recovered)).OfType<StudyNumber>().Select(number => number.Value.Value).Where(double.IsFinite)];

    // Lower is better, whatever the metric's direction.
    private static double Loss(Metrics.MetricValue value) => value.Info.Direction == Metrics.MetricDirection.LowerIsBetter ? value.Value : -value.Value;

    private static string Text(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    private static string Whole(string level) => level[..level.LastIndexOf('/')];

    private StudyModel Model(string name) => _study.Models.First(model => model.Name == name);

    private ModelFamily Family(string name) => Model(name).Family;

    private bool IsChosen(string name) => Family(name) is ModelFamily.VqVae or ModelFamily.Flow;
}
