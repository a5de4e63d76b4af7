using LatentStitching.Fitting;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Studies;

namespace LatentStitching.Tests.Studies;

/// <summary>Each rule on hand-made results: once as the claim says, once against it.</summary>
public sealed class FindingsTests
{
    private static readonly MetricInfo _similarity = new() { Name = "similarity", Direction = MetricDirection.HigherIsBetter, Unit = "share", Reference = "none", Signature = "similarity" };

    private static MetricValue Value(MetricInfo info, double value) => new() { Info = info, Value = value, Lower = double.NaN, Upper = double.NaN, Count = "10", IntervalMethod = "none" };

    private static StudyModel Model(string name, ModelFamily family, double accuracy = 0.7, double own = 0.02, bool encodes = true, bool control = false) => new()
    {
        Name = name, Family = family, Architecture = $"{family}", Encodes = encodes, IsControl = control, Fingerprint = name, Dimension = 4, Levels = ["z"],
        Own = control ? [] : [Number(StudyQuantity.Image, new PixelMse().Info, own), Number(StudyQuantity.BalancedAccuracy, _similarity, accuracy) with { Attribute = "Male" }],
    };

    private static StudyNumber Number(StudyQuantity quantity, MetricInfo info, double value) => new() { Quantity = quantity, Value = Value(info, value) };

    private static StudyNumber Agreement(string attribute, double value) => Number(StudyQuantity.Agreement, _similarity, value) with { Attribute = attribute, MeanFloor = Value(_similarity, 0.5) };

    private static StudyPair Pair(string source, string target, double error, double recovered = 0.8, double similarity = 0.5, double change = 0, double gender = 0.9, double alpha = 1, bool control = false, StudyProtocol protocol = StudyProtocol.SharedImages) => new()
    {
        Source = source, Target = target, IsControl = control, Protocol = protocol, Images = protocol == StudyProtocol.SharedImages ? "faces" : $"prior of {target}",
        Fit = new StudyFit { Status = FitStatus.Succeeded, Solver = "none", SampleCount = 10, SourceDimension = 4, TargetDimension = 8, Alpha = alpha, TrainingR2 = 1 },
        Numbers =
        [
            Number(StudyQuantity.Latent, new NormalisedLatentMse().Info, error),
            Number(StudyQuantity.Similarity, _similarity, similarity) with { Controls = control ? [] : [new StudyControl("gaussian", Value(_similarity, 0.1))] },
            Number(StudyQuantity.Image, new PixelMse().Info, error),
            Number(StudyQuantity.Recovered, _similarity, recovered),
            Number(StudyQuantity.AccuracyChange, _similarity, change) with { Attribute = "Male" },
            Agreement("Male", gender),
            Agreement("Smiling", 0.8),
        ],
    };

    private static StudyResult Study(IReadOnlyList<StudyModel> models, params IReadOnlyList<StudyPair> pairs) => new()
    {
        Manifest = new StudyManifest
        {
            Schema = 1, Library = "", TorchSharp = "", Seed = 0, Images = "faces", ImagesFingerprint = "", PixelsFingerprint = "", Split = "", SplitFingerprint = "", Fitter = "", Metrics = [], Probes = "",
            Attributes = [], AttributesLeftOut = [], Paths = false, Fingerprint = "",
        },
        Models = models, Pairs = pairs, Paths = [], Failures = [], Unpairable = [],
    };

    private static Finding Judge(string id, StudyResult study, TrainingDynamicsResult? dynamics = null, LevelStudyResult? levels = null) =>
        Findings.Evaluate(new FindingEvidence { Study = study, Dynamics = dynamics is null ? [] : [dynamics], Levels = levels }).Single(finding => finding.Id == id);

    private static FindingState State(bool holds) => holds ? FindingState.Reproduced : FindingState.NotReproduced;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void BestSourcesErrorsSeparabilityAndRecovery(bool holds)
    {
        StudyModel[] models = [Model("glow", ModelFamily.Flow, holds ? 0.9 : 0.6), Model("vae", ModelFamily.Vae), Model("gan", ModelFamily.Gan, own: holds ? 0.05 : 0.001), Model("noise", ModelFamily.Unknown, control: true)];
        StudyResult study = Study(
            models,
            Pair("glow", "vae", holds ? 0.01 : 0.03, change: 0.1, recovered: holds ? 0.8 : 0.3, gender: holds ? 0.9 : 0.7), Pair("gan", "vae", 0.02, change: 0.1, recovered: holds ? 0.8 : 0.3, gender: holds ? 0.9 : 0.7, alpha: holds ? 15 : 1),
            Pair("noise", "vae", 0.06, recovered: 0.1, control: true), Pair("vae", "glow", 0.02, change: 0.1, recovered: holds ? 0.8 : 0.3, gender: holds ? 0.9 : 0.7));
        foreach (string id in (string[])["F1", "F3", "F4", "F5", "F7", "F13", "F14"]) Judge(id, study).State.Should().Be(State(holds), id);
        Judge("F1", study).Words.Should().Be($"A VQ-VAE or flow encoder is the best source for {(holds ? 1 : 0)} of 1 targets.");
        Judge("F1", study).Numbers.Should().Equal(new FindingNumber("targets", 1), new FindingNumber("won by VQ-VAE or flow", holds ? 1 : 0));
        Judge("F2", study).State.Should().Be(FindingState.NotTestable, "no target drew its images");
        Judge("F6", study).Words.Should().Be("A study of a flow's training dynamics is needed.");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SyntheticTargets_KindsOfPairs_DynamicsAndLevels(bool holds)
    {
        StudyModel[] models = [Model("glow", ModelFamily.Flow), Model("vae", ModelFamily.Vae), Model("vae-2", ModelFamily.Vae), Model("gan", ModelFamily.Gan, encodes: false)];
        StudyResult study = Study(
            models,
            Pair("glow", "gan", holds ? 0.01 : 0.03, protocol: StudyProtocol.Synthetic), Pair("vae", "gan", 0.02, protocol: StudyProtocol.Synthetic),
            Pair("vae", "vae-2", 0.02, recovered: holds ? 0.95 : 0.5, similarity: holds ? 0.9 : 0.2));
        foreach (string id in (string[])["F2", "F8", "F11"]) Judge(id, study).State.Should().Be(State(holds), id);
        TrainingDynamicsResult dynamics = new() { Family = ModelFamily.Flow, Points = [], Threshold = 0.9, ConvergedAt = 1, ConvergedShare = holds ? 0.1 : 0.5, Study = study };
        Judge("F6", study, dynamics).State.Should().Be(State(holds));
        LevelStudyResult levels = new() { Study = Study([Model("glow/z1", ModelFamily.Flow), Model("glow/z2", ModelFamily.Flow)], Pair("glow/z1", "glow/z2", 0.1, similarity: holds ? 0.5 : 0.05)), Replacements = [] };
        Judge("F10", study, levels: levels).State.Should().Be(State(holds));
        foreach (string id in (string[])["F9", "F12", "F15"]) Judge(id, study).State.Should().Be(FindingState.NotTestable, id);
    }

    [Theory]
    [InlineData(0.5, 0.3, 0.9, FindingState.Reproduced)]
    [InlineData(0.3, 0.5, 0.9, FindingState.NotReproduced)]
    [InlineData(0.5, 0.3, 0.2, FindingState.NotReproduced)]
    public void ConceptsDuringTraining(double before, double after, double skin, FindingState state)
    {
        // Between, the overlap may do what it likes; a pair that has no number at one end is left out.
        TrainingDynamicsResult dynamics = Dynamics(Point(before, skin), Point(1, skin), Point(after, null));
        Finding finding = Judge("F9", Study([]), dynamics);
        finding.State.Should().Be(state);
        finding.Numbers.Should().Equal(
            new FindingNumber("overlap at the first checkpoint", before), new FindingNumber("overlap at the last checkpoint", after), new FindingNumber("agreement between checkpoints, skin tone", skin),
            new FindingNumber("agreement between checkpoints, gender", 0.6), new FindingNumber("pairs of attributes", 1));
    }

    [Fact]
    public void ConceptsDuringTraining_WithoutWhatTheRuleNeeds_AreNotTestable()
    {
        Judge("F9", Study([]), Dynamics(Point(0.5, 0.9) with { GenderOverlaps = [] }, Point(0.3, null))).Words
            .Should().Be("A study of training dynamics is needed whose probes find attributes that go with one gender and with the other.");
        Judge("F9", Study([]), Dynamics(Point(0.5, double.NaN), Point(0.3, null))).Words.Should().Be("A study of training dynamics is needed whose probes of Pale_Skin do not say the same of all images.");
        Judge("F9", Study([]), Dynamics()).State.Should().Be(FindingState.NotTestable);
    }

    [Theory]
    [InlineData(0.02, FindingState.Reproduced)]
    [InlineData(0.005, FindingState.NotReproduced)]
    public void SharpnessFromVaeToSplitVae(double after, FindingState state)
    {
        StudyModel vae = Model("vae", ModelFamily.Vae), split = Model("split", ModelFamily.SplitVae);
        vae = vae with { Own = [.. vae.Own, Number(StudyQuantity.Sharpness, _similarity, 0.01)] };
        StudyPair there = Pair("vae", "split", 0.1), back = Pair("split", "vae", 0.1);
        there = there with { Numbers = [.. there.Numbers, Number(StudyQuantity.Sharpness, _similarity, after)] };
        Finding finding = Judge("F12", Study([vae, split], there, back));
        finding.State.Should().Be(state);
        finding.Numbers.Should().Equal(new FindingNumber("median ratio of sharpness", after / 0.01), new FindingNumber("pairs", 1));
        Judge("F12", Study([vae, split], back)).Words.Should().Be("A VAE and a Split-VAE whose images' sharpness was measured are needed.");
    }

    private static TrainingDynamicsResult Dynamics(params IReadOnlyList<TrainingDynamicsPoint> points) =>
        new() { Family = ModelFamily.Vae, Points = points, Threshold = 0.9, ConvergedAt = 1, ConvergedShare = 0.5, Study = Study([]) };

    private static TrainingDynamicsPoint Point(double overlap, double? kappa) => new()
    {
        ImagesSeen = 0, Name = "", ProbeAccuracy = 0, TransferredAccuracy = 0, Convergence = 0,
        Concepts = [.. (((string, double)[])[("Male", 0.6), ("Smiling", 0.99), ("Pale_Skin", kappa ?? 0)]).Select(entry => new TrainingConcept
        {
            Attribute = entry.Item1, Share = Value(_similarity, 0.5), KappaToNext = kappa is null ? null : Value(_similarity, entry.Item2),
        })],
        GenderOverlaps =
        [
            new TrainingConceptPair { First = "Male", Second = "Heavy_Makeup", Overlap = Value(_similarity, overlap), LabelledOverlap = 0 },
            new TrainingConceptPair { First = "Male", Second = "No_Beard", Overlap = Value(_similarity, kappa is null ? double.NaN : 0.7), LabelledOverlap = 0 },
        ],
    };

    [Fact]
    public void Findings_WithoutPairs_AreNotTestable_AndSayWhatIsMissing()
    {
        IReadOnlyList<Finding> findings = Findings.Evaluate(new FindingEvidence { Study = Study([]) });
        findings.Should().OnlyContain(finding => finding.State == FindingState.NotTestable && finding.Numbers.Count == 0);
        foreach (Finding finding in findings)
        {
            foreach (string text in (string[])[finding.Claim, finding.Reference, finding.Rule, finding.Words]) text.Should().NotBeNullOrWhiteSpace(finding.Id);
        }
    }
}
