using System.Diagnostics;
using System.Globalization;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Editing;
using LatentStitching.Mapping;
using LatentStitching.Pairing;
using LatentStitching.Probing;
using LatentStitching.Reporting;
using LatentStitching.Supports;

namespace LatentStitching.Benchmarks.Editing;

/// <summary>On labelled faces and pretrained VAEs: probes, agreement across all maps, the ranking of attributes, edits carried from model to model, and how many pairs a map needs.</summary>
internal static class SharedConcepts
{
    private const ulong Seed = 1;
    private static readonly string[] _attributes = ["Bald", "Blond_Hair", "Wavy_Hair", "Smiling", "Eyeglasses", "Heavy_Makeup", "Male", "No_Beard", "Pale_Skin", "Young"];
    private static readonly Stopwatch _clock = Stopwatch.StartNew();

    public static int Run(string images, string attributes, string output, IReadOnlyList<string> files)
    {
        _clock.Restart();
        set_num_threads(1);
        Directory.CreateDirectory(output);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        List<Vae> models = [.. files.Select(file => Vae.Load(Path.Combine(file, "model.pt")))];
        using CelebA faces = CelebA.Open(images, attributes, ImageGeometry.Squash((int)models[0].Image.Height));
        int count = faces.Ids.Count, fifth = count / 5;
        var split = DataSplit.Create(count, count - (2 * fifth), fifth, fifth, Seed);
        Tensor[] latents = Encode(faces, models);
        Tell($"encoded {count} images with {models.Count} models");

        Tensor map = Rows(split.MapTrain), probe = Rows(split.ProbeTrain), test = Rows(split.Test);
        ProbeLabels all = ProbeLabels.Of(faces.Attributes!, _attributes);
        ProbeLabels learn = all.Select(split.ProbeTrain).Balanced(Seed), judge = all.Select(split.Test).Balanced(Seed);
        ProbeFit[] probes = [.. latents.Select(own => new RidgeProbeTrainer().Train(own.index_select(0, probe), learn))];
        List<ProbeAgreement> agreements = [];
        Dictionary<(int, int), AffineMap> maps = [];
        for (int from = 0; from < models.Count; from++)
        {
            for (int to = 0; to < models.Count; to++)
            {
                if (from == to) continue;
                AffineMap fitted = maps[(from, to)] = Stitcher.Fit(latents[from].index_select(0, map), latents[to].index_select(0, map)).Affine;
                agreements.Add(ProbeAgreement.Measure(
                    $"{models[from].Name} → {models[to].Name}", probes[to].Probes, latents[to].index_select(0, test), fitted.Apply(latents[from].index_select(0, test)), judge, Seed));
            }
        }
        Console.WriteLine($"\nmap                             {string.Join("  ", _attributes)}: accuracy, points gained on mapped latents, equal predictions in percent, κ");
        foreach (ProbeAgreement agreement in agreements)
        {
            Console.WriteLine($"{agreement.Map,-32}{string.Join("  ", agreement.Attributes.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Accuracy.Value:0.00} {one.AccuracyChange.Value:+0.0;-0.0} {one.EqualPredictions.Value:0} {one.Kappa.Value:0.00}")))}");
        }
        Tell($"{agreements.Count} agreements");
        foreach (AgreementMeasure measure in (AgreementMeasure[])[AgreementMeasure.Kappa, AgreementMeasure.EqualPredictions])
        {
            var ranking = AttributeRanking.Of(agreements, measure, Seed);
            Tell($"{ranking.Signature}, critical value {ranking.CriticalValue:0.00}\n{ranking}");
        }

        (int source, int target) = (0, models.Count - 1);
        foreach (string attribute in (string[])["Smiling", "Eyeglasses", "Blond_Hair", "Male"]) Edit(attribute);
        Support();
        foreach (AffineMap fitted in maps.Values) fitted.Dispose();
        foreach (ProbeFit fit in probes) fit.Dispose();
        foreach (Vae model in models) model.Dispose();
        return 0;

        Tensor Rows(IReadOnlyList<int> rows) => tensor(rows.Select(row => (long)row).ToArray());

        void Edit(string attribute)
        {
            using LatentDirections found = Directions.FromClassMeans(latents[source].index_select(0, probe), learn), carried = found.Through(maps[(source, target)]);
            using LatentDirections native = Directions.FromClassMeans(latents[target].index_select(0, probe), learn), normal = Directions.FromProbes(probes[target].Probes);
            using LatentDirections own = carried.Select(attribute), others = carried.Select([.. ((string[])["Blond_Hair", "Pale_Skin", "Male"]).Where(name => name != attribute)]), conditioned = own.Conditioned(others);
            Tensor rows = latents[target].index_select(0, test), shown = rows.narrow(0, 0, 6);
            int place = native.IndexOf(attribute);
            using Tensor cosines = carried.Cosines(native);
            EditJudge other = EditJudge.Of(models[source], probes[source].Probes);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n{attribute}: carried {models[source].Name} → {models[target].Name}, cosine to the native class-mean direction {cosines[place, place].ToDouble():0.000}"));
            foreach ((string name, LatentDirections directions) in (IEnumerable<(string, LatentDirections)>)[("carried", carried), ("carried and conditioned", conditioned), ("native class means", native), ("native probe normal", normal)])
            {
                using LatentEdit edit = new(models[target], probes[target].Probes, directions, attribute);
                EditReport report = edit.Measure(rows, 1, other, Seed);
                Console.WriteLine($"  {name}, judged by {report.Judge}: {report}");
                Console.WriteLine($"    {string.Join(", ", report.Changes.Select(change => string.Create(CultureInfo.InvariantCulture, $"{change.Name} {change.Change.Value:+0.00;-0.00}")))}");
                edit.SaveStrip(Path.Combine(output, $"{attribute}-{name.Replace(' ', '-')}.png"), shown, [-1.5, -1, -0.5, 0, 0.5, 1, 1.5], new ImageGridOptions { Title = $"{attribute}, {name}: {edit}", Scale = 2 });
            }
            Tell(attribute);
        }

        void Support()
        {
            string[] ids = [.. faces.Ids];
            using LatentPairs train = new(latents[source].index_select(0, map), latents[target].index_select(0, map), [.. split.MapTrain.Select(row => ids[row])]);
            using LatentPairs held = new(latents[source].index_select(0, test), latents[target].index_select(0, test), [.. split.Test.Select(row => ids[row])]);
            AttributeTable table = faces.Attributes!.Select(split.MapTrain);
            (Func<ulong, ISupportSelector> Make, int Draws)[] selectors =
            [
                (seed => new UniformSupport { Seed = seed }, 10),
                (seed => StratifiedSupport.By(table, ["Male", "Smiling", "Young"], seed), 10),
                (seed => FilteredSupport.Of(new UniformSupport { Seed = seed }, table, without: ["Wearing_Hat"]), 10),
                (seed => new KCentreSupport { Seed = seed }, 10),
                (seed => new LeverageSupport { Seed = seed }, 10),
                (_ => new DOptimalSupport(), 1),
                (_ => new HerdingSupport(), 1),
            ];
            foreach ((Func<ulong, ISupportSelector> make, int draws) in selectors)
            {
                var curve = SupportSetCurve.Measure(train, held, make, [16, 24, 32, 48, 64, 128, 256, 512, 1024, 2048], draws: draws);
                Tell($"{curve.Selector}: all {train.Count} pairs {curve.Full}; within 10 % from {curve.PairsNeeded(0.1)} pairs, 5 % from {curve.PairsNeeded(0.05)}, 1 % from {curve.PairsNeeded(0.01)}\n{curve}");
            }
        }
    }

    private static Tensor[] Encode(CelebA faces, List<Vae> models)
    {
        const int Block = 250;
        List<Tensor>[] blocks = [.. models.Select(_ => new List<Tensor>())];
        for (int start = 0; start < faces.Ids.Count; start += Block)
        {
            using Tensor batch = faces.Load(start, Math.Min(Block, faces.Ids.Count - start));
            for (int i = 0; i < models.Count; i++) blocks[i].Add(models[i].Encode(batch));
        }
        return [.. blocks.Select(own => cat(own, 0))];
    }

    private static void Tell(string text) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n[{_clock.Elapsed.TotalSeconds:0.0} s] {text}"));
}
