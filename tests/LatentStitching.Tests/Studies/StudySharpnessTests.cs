using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Models;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

[NoTensorLeaks]
public sealed class StudySharpnessTests
{
    [Fact]
    public void Run_MeasuresDecodedImages_BesideTheTargetsOwnAndTheImages()
    {
        using TempFolder folder = new(), without = new();
        ProceduralFaces images = new(60, 16, 3);
        using PcaModel few = PcaModel.Fit(images.Take(40), 2, "few"), many = PcaModel.Fit(images.Take(40), 12, "many");
        StitchingStudyOptions options = StudyToys.Options with { Paths = false, Attributes = [], BatchSize = 7, Similarities = [] };
        StudyResult result = StitchingStudy.Run(StudyToys.Members(few, many), images, folder.Root, options);
        result.Failures.Should().BeEmpty();
        result.Manifest.Metrics.Should().Contain(LaplacianVariance.Info.Signature);
        var split = DataSplit.CreateByShare(60, 0.6, 0.2, 0.2, 0);
        using (NewDisposeScope())
        {
            Tensor test = images.Load(split.Test);
            foreach ((ILatentModel model, StudyModel alone) in ((ILatentModel[])[few, many]).Zip(result.Models))
            {
                StudyNumber own = alone.Number(StudyQuantity.Sharpness)!;
                Tensor mean = model.Encode(images.Load(split.MapTrain)).mean([0], keepdim: true);
                own.Value.Value.Should().BeApproximately(LaplacianVariance.Evaluate(model.Reconstruct(test)).Value, 1e-9);
                own.Value.Lower.Should().BeLessThan(own.Value.Value);
                own.Ceiling!.Value.Should().BeApproximately(LaplacianVariance.Evaluate(test).Value, 1e-9);
                own.MeanFloor!.Value.Should().BeApproximately(LaplacianVariance.Evaluate(model.Decode(mean)).Value, 1e-8);
                StudyNumber pair = result.Pairs.First(entry => !entry.IsControl && entry.Target == alone.Name).Number(StudyQuantity.Sharpness)!;
                pair.Ceiling.Should().BeEquivalentTo(own.Value);
                pair.MeanFloor.Should().BeEquivalentTo(own.MeanFloor);
                pair.Controls.Should().HaveCount(2);
            }
        }
        // Two components hold less detail than twelve, and a map from two cannot bring it back.
        Sharpness(result.Models[0]).Should().BeLessThan(Sharpness(result.Models[1]));
        result.Pair("few", "many")!.Number(StudyQuantity.Sharpness)!.Value.Value.Should().BeLessThan(Sharpness(result.Models[1]));

        StudyResult bare = StitchingStudy.Run(StudyToys.Members(few, many), images, without.Root, options with { Sharpness = false });
        bare.Manifest.Fingerprint.Should().NotBe(result.Manifest.Fingerprint);
        bare.Pairs.SelectMany(pair => pair.Numbers).Concat(bare.Models.SelectMany(model => model.Own)).Should().NotContain(number => number.Quantity == StudyQuantity.Sharpness);
    }

    [Fact]
    public void Run_OnImagesTooSmall_MeasuresNone()
    {
        using TempFolder folder = new();
        ILatentModel[] models = [Toy.Linear("a", 1), Toy.Linear("b", 2)];
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(40), folder.Root, StudyToys.Options with { Similarities = [] });
        result.Failures.Should().BeEmpty();
        result.Models[0].Number(StudyQuantity.Sharpness).Should().BeNull();
        result.Manifest.Metrics.Should().NotContain(LaplacianVariance.Info.Signature);
        StudyToys.Dispose(models);
    }

    private static double Sharpness(StudyModel model) => model.Number(StudyQuantity.Sharpness)!.Value.Value;
}
