using System.Text.Json;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Flows;
using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Metrics.Similarity;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Plots;
using LatentStitching.Reporting;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>The pictures that a study keeps, what it knows of the library's own models, and the report that is made of it.</summary>
[NoTensorLeaks]
public sealed class StudyPicturesTests
{
    private static readonly StitchingStudyOptions _options = StudyToys.Options with { Similarities = [new LinearCka()], Examples = 3 };

    [Fact]
    public void Examples_AreWhatImagesModelsAndPairsGive_InSteps()
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        LabelledImages images = new(60);
        StudyResult study = StitchingStudy.Run(StudyToys.Members(models), images, folder.Root, _options);
        var split = DataSplit.CreateByShare(60, 0.6, 0.2, 0.2, 0);
        using (NewDisposeScope())
        {
            using var examples = StudyExamples.Load(folder.Root);
            Tensor x = images.Load([.. split.Test.Take(3)]);
            Near(examples.Images("labelled")!, x);
            Near(examples.Own("narrow", "labelled")!, models[2].Reconstruct(x));
            using LatentPairs pairs = new(models[0].Encode(images.Load(split.MapTrain)), models[2].Encode(images.Load(split.MapTrain)));
            using LatentMapFit fit = new RidgePathFitter().Fit(pairs);
            Near(examples.Pair(study.Pair("a", "narrow")!)!, models[2].Decode(fit.Map.Apply(models[0].Encode(x))));
            examples.Pair(study.Pair("gaussian", "a")!).Should().NotBeNull("a control's pictures are kept too");
            examples.Own("nobody", "labelled").Should().BeNull();
            examples.Names.Should().HaveCount(1 + 3 + study.Pairs.Count);
        }
        StudyToys.Dispose(models);
    }

    [Fact]
    public void Examples_OfAnotherNumber_CostNothingButThemselves()
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        StudyResult first = StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(60), folder.Root, _options with { Examples = 0 });
        Action none = () => StudyExamples.Load(folder.Root);
        none.ShouldSay<FileNotFoundException>($"folder must hold a finished study with pictures, but '{folder.Root}' has no examples.safetensors. Run the study to its end, with StitchingStudyOptions.Examples above 0.");
        StudyResult second = StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(60), folder.Root, _options);
        second.ToJson().Should().Be(first.ToJson());
        using (var examples = StudyExamples.Load(folder.Root)) examples.Names.Should().Contain("images: labelled");
        StudyToys.Dispose(models);
        Action negative = () => _ = new StitchingStudyOptions { Examples = -1 };
        negative.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void MemberOf_KnowsFamilyAndArchitecture_AlsoThroughAView()
    {
        using Vae first = Vae.Create(new VaeOptions { Name = "first", Image = ImageFormat.Rgb(32), LatentDimension = 8, Seed = 1 }), second = Vae.Create(new VaeOptions { Name = "second", Image = ImageFormat.Rgb(32), LatentDimension = 8, Seed = 2 });
        using Vae wide = Vae.Create(new VaeOptions { Name = "wide", Image = ImageFormat.Rgb(32), LatentDimension = 16, Seed = 1 });
        using Glow shallow = Glow.Create(new GlowOptions { Image = ImageFormat.Rgb(16), Levels = 2, Steps = 1, HiddenChannels = 8 }), deep = Glow.Create(new GlowOptions { Image = ImageFormat.Rgb(16), Levels = 2, Steps = 2, HiddenChannels = 8 });
        using ILatentModel view = first.WithImage(ImageFormat.Rgb(24));
        StudyMember.Of(first).Family.Should().Be(ModelFamily.Vae);
        StudyMember.Of(first).Architecture.Should().Be(StudyMember.Of(second).Architecture).And.NotBe(StudyMember.Of(wide).Architecture);
        StudyMember.Of(shallow).Family.Should().Be(ModelFamily.Flow);
        StudyMember.Of(shallow).Architecture.Should().NotBe(StudyMember.Of(deep).Architecture, "the configuration is part of it");
        StudyMember.Of(view).Should().Be(new StudyMember(view) { Family = ModelFamily.Vae, Architecture = StudyMember.Of(first).Architecture });
        using ILatentModel foreign = Toy.Linear("foreign", 1);
        StudyMember.Of(foreign).Should().Be(new StudyMember(foreign));
    }

    [Fact]
    public void Levels_OfAViewAtAnotherSize_TakeItsImages()
    {
        using Vae vae = Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(32), LatentDimension = 4, Seed = 1 });
        using ILatentModel view = vae.WithImage(ImageFormat.Rgb(24)), features = view.At("features"), inner = vae.At("features");
        using Tensor images = rand(2, 3, 24, 24), large = LatentStitching.Numerics.ImageResize.Bilinear(images, 32, 32), expected = inner.Encode(large), found = features.Encode(images);
        features.Image.Should().Be(view.Image);
        found.ShouldBeCloseTo(expected, 0);
        using Tensor decoded = features.Decode(found);
        decoded.shape.Should().Equal(2, 3, 24, 24);
    }

    [Fact]
    public void Report_ShowsTheNumbersOfTheStudy_AndTheSameBytesTwice()
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        LabelledImages images = new(60);
        StudyMember[] members = [.. StudyToys.Members(models).Select(member => member with { Family = ModelFamily.Vae })];
        StudyResult study = StitchingStudy.Run(members, images, folder["study"], _options);
        LevelStudyResult levels = LevelStudy.Run([members[2]], images, folder["levels"], _options with { Paths = false });
        TrainingDynamicsResult training = TrainingDynamicsStudy.Run([new StudyCheckpoint(0, () => Toy.Linear("a", 3)), new StudyCheckpoint(100, () => Toy.Linear("a", 1))], images, folder["training"], _options);
        SupportSetResult support = SupportSetStudy.Run(models[0], models[1], images, new SupportSetOptions { Sizes = [8, 16], Repeats = 2 });
        using (var examples = StudyExamples.Load(folder["study"]))
        {
            StudyReportContent content = new() { Study = study, Examples = examples, Levels = levels, Dynamics = [("a", training)], Supports = [support], Provenance = [("command", "none")] };
            Report report = StudyReport.Create(content);
            (report.ToHtml() == StudyReport.Create(content).ToHtml()).Should().BeTrue("the same content gives the same bytes");
            using var json = JsonDocument.Parse(report.ToJson());
            string text = report.ToJson();
            text.Should().Contain("\"grid-labelled-1\"").And.Contain("\"training-convergence\"").And.Contain("\"support-latent\"").And.Contain("\"name\": \"levels-");
            double shown = Cells(json.RootElement).First(cell => cell.Caption.StartsWith("Mapped latents: latent MSE", StringComparison.Ordinal) && cell is { Row: "narrow", Column: "a" }).Value;
            shown.Should().Be(study.Pair("a", "narrow")!.Number(StudyQuantity.Latent, "latent MSE")!.Value.Value);
            double own = Cells(json.RootElement).First(cell => cell.Caption.StartsWith("Stitched images: pixel MSE", StringComparison.Ordinal) && cell is { Row: "a", Column: "a" }).Value;
            own.Should().Be(study.Models[0].Number(StudyQuantity.Image, "pixel MSE")!.Value.Value, "the diagonal is the model itself");
            report.ToMarkdown().Should().Contain("R², leave-one-out").And.NotContain("R², rows left out");
            StudyResult inFolds = study with { Pairs = [.. study.Pairs.Select(pair => pair with { Fit = pair.Fit with { LeaveOneOutR2 = null, CrossValidatedR2 = 0.4375 } })] };
            StudyReport.Create(new StudyReportContent { Study = inFolds, Examples = examples }).ToMarkdown().Should().Contain("R², rows left out").And.Contain("0.4375");
        }
        StudyToys.Dispose(models);
    }

    private static IEnumerable<(string Caption, string Row, string Column, double Value)> Cells(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array) return element.EnumerateArray().SelectMany(Cells);
        if (element.ValueKind != JsonValueKind.Object) return [];
        if (element.TryGetProperty("type", out JsonElement type) && type.ValueEquals("heat map"))
        {
            string caption = element.GetProperty("caption").GetString()!;
            return element.GetProperty("cells").EnumerateArray().Select(cell => (caption, cell.GetProperty("row").GetString()!, cell.GetProperty("column").GetString()!, cell.GetProperty("value").GetDouble())).ToArray();
        }
        return element.EnumerateObject().SelectMany(property => Cells(property.Value));
    }

    private static void Near(Tensor kept, Tensor exact) => (kept - exact.clamp(0, 1)).abs().max().ToDouble().Should().BeLessThan(0.5 / 255 + 1e-6);
}
