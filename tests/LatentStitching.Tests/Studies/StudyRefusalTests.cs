using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

[NoTensorLeaks]
public sealed class StudyRefusalTests
{
    private static Action Study(Func<ILatentModel[], StudyMember[]> members, StitchingStudyOptions? options = null, int count = 60) => () =>
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        try
        {
            StitchingStudy.Run(members(models), new LabelledImages(count), folder.Root, options ?? StudyToys.Options);
        }
        finally
        {
            StudyToys.Dispose(models);
        }
    };

    private static Action Study(StitchingStudyOptions options, int count = 60) => Study(models => StudyToys.Members(models), options, count);

    [Fact]
    public void Models_ThatCannotTakePart_AreRefused()
    {
        Study(models => StudyToys.Members(models[0])).ShouldRefuse("models", "models must hold at least two models, but it holds 1.");
        Study(models => StudyToys.Members(models[0], models[0])).ShouldRefuse("models", "models must have different names, but 'a' comes twice.");
        Study(models => [new StudyMember(models[0]), new StudyMember(models[1]) { Encodes = false }]).ShouldRefuse("models", "models must encode or have a prior, but b is said not to encode and has none.");
        using ILatentModel drawn = StudyToys.Narrow("c", prior: true), other = StudyToys.Narrow("d", prior: true);
        Study(_ => [new StudyMember(drawn) { Encodes = false }, new StudyMember(other) { Encodes = false }])
            .ShouldRefuse("models", "models must hold at least one that encodes, or no image has a latent in two of them.");
        using DelegateLatentModel wide = LatentModel.FromFunctions("wide", new ImageFormat(1, 2, 4), LatentSpace.Vector(8), images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 4));
        Study(models => StudyToys.Members(models[0], wide)).ShouldRefuse("models", "models must take the study's images, 1×2×3, but wide takes 1×2×4. Wrap it: model.WithImage(images.Image).");
        using ILatentModel gaussian = StudyToys.Narrow("gaussian");
        Study(models => StudyToys.Members(models[0], gaussian)).ShouldRefuse("models", "models must leave the name 'gaussian' to the control. Name the model otherwise, or set GaussianDimension to 0.");
    }

    [Fact]
    public void Splits_ThatDoNotFit_AreRefused()
    {
        Study(StudyToys.Options with { Split = DataSplit.Create(50, 30, 10, 10, 0) }).ShouldRefuse("options", "options.Split must split the 60 images of labelled, but it splits 50.");
        Study(StudyToys.Options with { Split = DataSplit.Create(60, 2, 10, 30, 0) })
            .ShouldRefuse("options", "options.Split must have at least 3 images to fit maps and 2 to judge, but it is 60 images: 2 map-train, 10 probe-train, 30 test (seed 0). Give more images.");
        string[] ids = [.. new LabelledImages(60).Ids];
        Study(StudyToys.Options with { Split = DataSplit.FromIds(ids, ids[..30], ids[20..40], ids[40..], allowOverlap: true) })
            .ShouldRefuse("options", "options.Split must hold disjoint sets, but they share images. Results on images that were fitted on flatter.");
        Study(StudyToys.Options, count: 20).ShouldRefuse("options", "options.Split must have at least 12 test images for mutual kNN, cosine, k 10, but it has 4. Give more images, or set options.Similarities.");
    }

    [Fact]
    public void Attributes_ThatCannotBeProbed_AreRefused()
    {
        Study(StudyToys.Options with { Attributes = ["second"] }).ShouldRefuse("options", "options.Attributes must be attributes of labelled, but 'second' is none.");
        Study(StudyToys.Options with { Attributes = ["never"] })
            .ShouldRefuse("options", "options.Attributes must have images of both classes in the probes' set and the test set, but 'never' has not. Leave it out.");
    }

    [Fact]
    public void Fitters_AndControls_ThatCannotBeKnown_AreRefused()
    {
        Study(StudyToys.Options with { Fitter = new Silent() }).ShouldRefuse("options", "options.Fitter must tell its options as text, for finished pairs are known by it, but Silent does not override ToString.");
        using ILatentModel twin = StudyToys.Narrow("a");
        Study(StudyToys.Options with { UntrainedControls = [twin] }).ShouldRefuse("options", "options.UntrainedControls must have names of their own, but 'a' comes twice.");
    }

    [Fact]
    public void Folder_ThatIsAFile_IsRefused()
    {
        using TempFolder folder = new();
        string file = folder.Write("file", "");
        ILatentModel[] models = StudyToys.Models();
        Action act = () => StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(60), file, StudyToys.Options);
        act.ShouldRefuse("folder", $"folder must name a folder, but '{file}' is a file.");
        StudyToys.Dispose(models);
    }

    private sealed class Silent : ILatentMapFitter
    {
        public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default) => new RidgePathFitter().Fit(pairs, progress, cancellationToken);
    }
}
