using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Probing;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>What checkpoints' own probes say of the same images: how far concepts are the same images, and whether they stay.</summary>
[NoTensorLeaks]
public sealed class ConceptDynamicsTests
{
    private const int Count = 160;
    private static readonly (long Seen, int Known)[] _series = [(0, 2), (100, 4), (400, 6)];
    private static readonly StitchingStudyOptions _options = StudyToys.Options with { Attributes = ["Male", "Heavy_Makeup", "No_Beard", "Pale_Skin"] };

    [Fact]
    public void TrainingDynamics_TellsWhatEachCheckpointsProbesSay()
    {
        using TempFolder folder = new();
        PixelFaces images = new(Count);
        TrainingDynamicsResult result = Run(images, folder);
        sbyte[][][] predicted = [.. _series.Select(point => Predict(images, point.Known))];
        bool[][] truth = [.. DataSplit.CreateByShare(Count, 0.6, 0.2, 0.2, 0).Test.Select(row => (bool[])[.. _options.Attributes!.Select(name => images.Attributes[row, name])])];
        for (int point = 0; point < _series.Length; point++)
        {
            IReadOnlyList<TrainingConcept> concepts = result.Points[point].Concepts;
            concepts.Select(concept => concept.Attribute).Should().Equal(_options.Attributes);
            for (int attribute = 0; attribute < 4; attribute++)
            {
                sbyte[] own = predicted[point][attribute];
                concepts[attribute].Share.Value.Should().BeApproximately(own.Average(said => said == 1 ? 1.0 : 0), 1e-12);
                if (point + 1 == _series.Length) concepts[attribute].KappaToNext.Should().BeNull();
                else Matches(concepts[attribute].KappaToNext!.Value, Kappa(own, predicted[point + 1][attribute]));
            }
            IReadOnlyList<TrainingConceptPair> pairs = result.Points[point].GenderOverlaps;
            pairs.Select(pair => (pair.First, pair.Second)).Should().Equal(("Male", "Heavy_Makeup"), ("Male", "No_Beard"));
            for (int other = 1; other < 3; other++)
            {
                double both = predicted[point][0].Zip(predicted[point][other], (a, b) => a == 1 && b == 1 ? 1.0 : 0).Sum(), either = predicted[point][0].Zip(predicted[point][other], (a, b) => a == 1 || b == 1 ? 1.0 : 0).Sum();
                TrainingConceptPair pair = pairs[other - 1];
                Matches(pair.Overlap.Value, both / either);
                pair.Overlap.Signature.Should().Be("jaccard|of:own-probes|sets:images|n:32|ci:bca-bootstrap-2000");
                pair.LabelledOverlap.Should().BeApproximately(truth.Count(row => row[0] && row[other]) / (double)truth.Count(row => row[0] || row[other]), 1e-12);
            }
        }
        result.Points[^1].GenderOverlaps[0].Overlap.Lower.Should().BeLessThan(result.Points[^1].GenderOverlaps[0].Overlap.Upper);
        File.ReadAllText(folder["dynamics.json"]).Should().Be(result.ToJson()).And.Contain("\"genderOverlaps\"");
        result.Study.Failures.Should().BeEmpty();

        void Matches(double actual, double wanted)
        {
            if (double.IsNaN(wanted)) actual.Should().Be(double.NaN);
            else actual.Should().BeApproximately(wanted, 1e-12);
        }
    }

    [Fact]
    public void TrainingDynamics_Again_ReadsTheConcepts_AndGivesTheSameBytes()
    {
        using TempFolder folder = new();
        PixelFaces images = new(Count);
        string json = Run(images, folder).ToJson();
        Steps<StudyProgress> steps = new();
        Run(images, folder, steps).ToJson().Should().Be(json);
        steps.All.Should().OnlyContain(step => step.Resumed);
        steps.All.Where(step => step.Step == "concepts").Select(step => step.Item).Should().Equal(_series.Select(point => $"concepts of growing@{point.Seen} (pixel faces)"));
    }

    [Fact]
    public void TrainingDynamics_WithoutAttributes_HasNoConcepts()
    {
        using TempFolder folder = new();
        TrainingDynamicsResult result = TrainingDynamicsStudy.Run([.. _series.Select(point => new StudyCheckpoint(point.Seen, () => Growing(point.Known)))], new PixelFaces(Count), folder.Root, _options with { Attributes = [] });
        result.Points.Should().OnlyContain(point => point.Concepts.Count == 0 && point.GenderOverlaps.Count == 0);
    }

    [Fact]
    public void Opposites_WithEmptySets_HaveNoNumber_AndSayWhy()
    {
        StudyConcepts none = new(["Male", "No_Beard"], ["000", "000"], ["100", "011"]);
        TrainingConceptPair pair = ConceptDynamics.Opposites(none, 0).Single();
        (pair.Overlap.Value, pair.Overlap.Warning, pair.Overlap.Count, pair.LabelledOverlap).Should().Be((double.NaN, "Neither probe gives any image its attribute.", "3", 0));
        ConceptDynamics.Concepts(none, none, 0)[0].KappaToNext!.Value.Should().Be(double.NaN);
        ConceptDynamics.Concepts(none with { Predicted = ["01-", "011"] }, none with { Predicted = ["01-", "011"] }, 0).Select(concept => concept.KappaToNext!.Value).Should().Equal(1, 1);
    }

    private static TrainingDynamicsResult Run(PixelFaces images, TempFolder folder, IProgress<StudyProgress>? progress = null) =>
        TrainingDynamicsStudy.Run([.. _series.Select(point => new StudyCheckpoint(point.Seen, () => Growing(point.Known)))], images, folder.Root, _options, progress: progress);

    // At a checkpoint the first columns are what they will be, and the others are still empty.
    private static DelegateLatentModel Growing(int known) => LatentModel.FromFunctions(
        "growing",
        Toy.Format,
        LatentSpace.Vector(6),
        images => cat([images.flatten(1).narrow(1, 0, known), images.flatten(1).narrow(1, known, 6 - known).mul(0)], 1),
        latents => latents.clamp(0, 1).reshape(-1, 1, 2, 3));

    private static sbyte[][] Predict(PixelFaces images, int known)
    {
        var split = DataSplit.CreateByShare(Count, 0.6, 0.2, 0.2, 0);
        using var scope = NewDisposeScope();
        using DelegateLatentModel model = Growing(known);
        ProbeLabels labels = ProbeLabels.Of(images.Attributes, _options.Attributes!);
        using ProbeFit fit = _options.ProbeTrainer.Train(model.Encode(images.Load(split.ProbeTrain)), labels.Select(split.ProbeTrain));
        sbyte[] said = fit.Probes.Predict(model.Encode(images.Load(split.Test))).data<sbyte>().ToArray();
        return [.. Enumerable.Range(0, 4).Select(attribute => said.Where((_, i) => i % 4 == attribute).ToArray())];
    }

    private static double Kappa(sbyte[] first, sbyte[] second)
    {
        double observed = first.Zip(second, (a, b) => a == b ? 1.0 : 0).Average(), chance = ((sbyte[])[0, 1]).Sum(value => first.Average(a => a == value ? 1.0 : 0) * second.Average(b => b == value ? 1.0 : 0));
        return chance == 1 ? double.NaN : (observed - chance) / (1 - chance);
    }

    /// <summary>Six pixels: the fourth tells a man, the second a pale skin; beard and makeup go with the fourth and one more.</summary>
    private sealed class PixelFaces : IImageSource
    {
        private readonly TensorImages _inner;

        public PixelFaces(int count)
        {
            _inner = Toy.Images(count, 8);
            using Tensor all = _inner.LoadAll();
            float[] pixels = all.data<float>().ToArray();
            Attributes = new AttributeTable(
                ["Male", "Heavy_Makeup", "No_Beard", "Pale_Skin"],
                [.. Enumerable.Range(0, count).Select(row => (bool[])[Pixel(row, 3) > 0.5f, Pixel(row, 3) < 0.6f && Pixel(row, 2) > 0.3f, Pixel(row, 3) < 0.5f || Pixel(row, 0) > 0.4f, Pixel(row, 1) > 0.6f])]);

            float Pixel(int row, int place) => pixels[(row * 6) + place];
        }

        public string Name => "pixel faces";

        public ImageFormat Image => Toy.Format;

        public IReadOnlyList<string> Ids => _inner.Ids;

        public AttributeTable Attributes { get; }

        AttributeTable? IImageSource.Attributes => Attributes;

        public Tensor Load(IReadOnlyList<int> indices) => _inner.Load(indices);
    }
}
