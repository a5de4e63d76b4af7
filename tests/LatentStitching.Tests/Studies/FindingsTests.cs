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
