using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Mapping;
using LatentStitching.Metrics;
using LatentStitching.Models;
using LatentStitching.Tests.Adapters.Autoencoders;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests;

[NoTensorLeaks]
public sealed class StitchErrorsTests
{
    [Fact]
    public void Measure_AModelStitchedToItself_ReachesTheCeiling()
    {
        using StitchedModel stitched = Stitch(Lossy("a", 1), Lossy("a", 1), IdentityMap());
        var errors = StitchErrors.Measure(stitched, Toy.Images(40));
        errors.Stitched.Value.Should().Be(errors.TargetReconstruction.Value).And.Be(errors.SourceReconstruction.Value).And.BeGreaterThan(0);
        errors.Latent.Value.Should().Be(0);
        errors.NormalisedLatent.Value.Should().Be(0);
        errors.SourceToStitched.Value.Should().Be(0);
        errors.TargetToStitched.Value.Should().Be(0);
        errors.Recovered.Should().Be(1);
        (errors.RecoveredLower, errors.RecoveredUpper).Should().Be((1, 1));
        errors.ShuffledFloor.Value.Should().BeGreaterThan(errors.MeanFloor.Value).And.BeGreaterThan(errors.Stitched.Value);
        errors.MeanFloor.Value.Should().BeGreaterThan(errors.Stitched.Value);
    }

    [Fact]
    public void Measure_AMapThatGivesTheMean_IsAtTheFloor()
    {
        TensorImages images = Toy.Images(40);
        DelegateLatentModel target = Lossy("t", 2);
        using var scope = NewDisposeScope();
        Tensor mean = target.Encode(images.LoadAll()).mean([0]);
        using StitchedModel stitched = Stitch(Lossy("s", 1), target, new AffineMap(zeros(4, 4), mean));
        StitchErrors errors = StitchErrors.Measure(stitched, images);
        errors.NormalisedLatent.Value.Should().BeApproximately(1, 1e-6);
        errors.Stitched.Value.Should().BeApproximately(errors.MeanFloor.Value, 1e-6);
        errors.ShuffledFloor.Value.Should().BeApproximately(errors.MeanFloor.Value, 1e-6);
        errors.Recovered.Should().BeApproximately(0, 1e-4);
        errors.RecoveredLower.Should().BeLessThan(errors.RecoveredUpper + 1e-12);
    }

    [Fact]
    public void Measure_EveryError_IsItsFormula()
    {
        TensorImages images = Toy.Images(12);
        using var scope = NewDisposeScope();
        using Generator generator = new(4);
        using StitchedModel stitched = Stitch(Lossy("s", 1), Lossy("t", 2), new AffineMap(randn([4, 4], generator: generator)));
        StitchErrors errors = StitchErrors.Measure(stitched, images);
        Tensor x = images.LoadAll(), own = stitched.Source.Reconstruct(x), ceiling = stitched.Target.Reconstruct(x), made = stitched.Translate(x);
        Tensor latents = stitched.Target.Encode(x), mapped = stitched.Encode(x);
        Is(errors.SourceReconstruction, x, own);
        Is(errors.TargetReconstruction, x, ceiling);
        Is(errors.Stitched, x, made);
        Is(errors.SourceToStitched, own, made);
        Is(errors.TargetToStitched, ceiling, made);
        Is(errors.Latent, latents, mapped);
        Is(errors.MeanFloor, x, stitched.Target.Decode(latents.mean([0], keepdim: true)).expand_as(x));
        Is(errors.ShuffledFloor, x, cat([made.narrow(0, 11, 1), made.narrow(0, 0, 11)], 0));
        double recovered = (errors.MeanFloor.Value - errors.Stitched.Value) / (errors.MeanFloor.Value - errors.TargetReconstruction.Value);
        errors.Recovered.Should().BeApproximately(recovered, 1e-9);
        errors.RecoveredLower.Should().BeLessThan(errors.Recovered);
        errors.RecoveredUpper.Should().BeGreaterThan(errors.Recovered);
        errors.ToString().Should().StartWith("R 0.").And.Contain(" of the variance), M 0.").And.Contain("ceiling R2").And.EndWith("%");

        static void Is(MetricValue value, Tensor a, Tensor b) => value.Value.Should().BeApproximately((a - b).square().mean().ToDouble(), 1e-6 * Math.Max(1, value.Value));
    }

    [Fact]
    public void Measure_SameSeed_GivesTheSameIntervals()
    {
        using StitchedModel stitched = Stitch(Lossy("s", 1), Lossy("t", 2), IdentityMap());
        TensorImages images = Toy.Images(20);
        StitchErrors a = StitchErrors.Measure(stitched, images, 3), b = StitchErrors.Measure(stitched, images, 3), c = StitchErrors.Measure(stitched, images, 4);
        (a.Stitched.Lower, a.Stitched.Upper, a.RecoveredLower).Should().Be((b.Stitched.Lower, b.Stitched.Upper, b.RecoveredLower));
        (a.Stitched.Lower, a.RecoveredLower).Should().NotBe((c.Stitched.Lower, c.RecoveredLower));
        a.Stitched.Value.Should().Be(c.Stitched.Value);
    }

    [Fact]
    public void Measure_ATargetNoBetterThanItsMeanImage_RecoversNothingThatCanBeTold()
    {
        DelegateLatentModel poor = LatentModel.FromFunctions("poor", Toy.Format, LatentSpace.Vector(4), images => images.flatten(1).narrow(1, 0, 4), latents => zeros(latents.size(0), 1, 2, 3));
        using StitchedModel stitched = Stitch(Lossy("s", 1), poor, IdentityMap());
        StitchErrors errors = StitchErrors.Measure(stitched, Toy.Images(10));
        errors.Recovered.Should().Be(double.NaN);
        errors.RecoveredLower.Should().Be(double.NaN);
        errors.RecoveredUpper.Should().Be(double.NaN);
    }

    [Fact]
    public void Measure_BadImages_Throws()
    {
        using StitchedModel stitched = Stitch(Lossy("s", 1), Lossy("t", 2), IdentityMap());
        Action one = () => StitchErrors.Measure(stitched, Toy.Images(1));
        one.ShouldRefuse("images", "images must hold at least two images, but it holds 1.");
        Action format = () => StitchErrors.Measure(stitched, new TensorImages("other", new float[32], new ImageFormat(1, 4, 4)));
        format.ShouldRefuse("images", "images must have the format 1×2×3 of the models, but it is 1×4×4.");
        Action same = () => StitchErrors.Measure(stitched, new TensorImages("same", new float[30], Toy.Format));
        same.ShouldRefuse("images", "images must differ in the latent of t, but it encodes all 5 of them alike.");
        Action nothing = () => StitchErrors.Measure(stitched, null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("images");
        Action noModel = () => StitchErrors.Measure(null!, Toy.Images(3));
        noModel.Should().Throw<ArgumentNullException>().WithParameterName("model");
    }

    [Fact]
    public void Measure_ATargetWithACodebook_TellsHowFarItSnaps()
    {
        using VqVae target = Small.Vq();
        using MlpVae source = MlpVae.Create(new MlpVaeOptions { Image = target.Image, HiddenWidth = 8, LatentDimension = 3 });
        using var scope = NewDisposeScope();
        using Generator generator = new(4);
        TensorImages images = new("pictures", rand([6 * target.Image.PixelCount], generator: generator).data<float>().ToArray(), target.Image);
        using StitchedModel stitched = Stitch(source, target, new AffineMap(randn([48, 3], generator: generator)));
        StitchErrors errors = StitchErrors.Measure(stitched, images);
        double expected = target.SnappingDistance(stitched.Encode(images.LoadAll())).mean().ToDouble();
        errors.SnappingDistance!.Value.Should().BeApproximately(expected, 1e-5 * expected);
        errors.SnappingDistance.PerImage.Should().HaveCount(6);
        errors.ToString().Should().MatchRegex(@", snapped by [0-9.]+$");
        using StitchedModel plain = Stitch(Lossy("s", 1), Lossy("t", 2), IdentityMap());
        StitchErrors.Measure(plain, Toy.Images(4)).SnappingDistance.Should().BeNull();
    }

    [Fact]
    public void Measure_Cancelled_ThrowsAndLeavesNoTensor()
    {
        using CancellationTokenSource cancel = new();
        DelegateLatentModel source = LatentModel.FromFunctions(
            "s",
            Toy.Format,
            LatentSpace.Vector(4),
            images =>
            {
                cancel.Cancel();
                return images.flatten(1).narrow(1, 0, 4);
            },
            _ => throw new InvalidOperationException("decoded after cancelling"));
        using StitchedModel stitched = Stitch(source, Lossy("t", 2), IdentityMap());
        Action act = () => StitchErrors.Measure(stitched, Toy.Images(10), cancellationToken: cancel.Token);
        act.Should().Throw<OperationCanceledException>();
    }

    private static StitchedModel Stitch(ILatentModel source, ILatentModel target, ILatentMap map) => new(source, map, target);

    private static AffineMap IdentityMap()
    {
        using Tensor weight = eye(4);
        return new AffineMap(weight);
    }

    /// <summary>Four orthonormal directions of the six pixels around grey, so that the reconstruction loses something.</summary>
    private static DelegateLatentModel Lossy(string name, ulong seed)
    {
        float[] basis;
        using (NewDisposeScope())
        {
            using Generator generator = new(seed);
            basis = linalg.qr(randn([6, 4], generator: generator)).Q.contiguous().data<float>().ToArray();
        }
        return LatentModel.FromFunctions(
            name,
            Toy.Format,
            LatentSpace.Vector(4),
            images => (images.flatten(1) - 0.5f).mm(tensor(basis).reshape(6, 4)),
            latents => (latents.mm(tensor(basis).reshape(6, 4).t()) + 0.5f).reshape(-1, 1, 2, 3));
    }
}
