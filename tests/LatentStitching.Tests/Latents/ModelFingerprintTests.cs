using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Latents;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Latents;

[NoTensorLeaks]
public sealed class ModelFingerprintTests
{
    [Fact]
    public void Of_BehaviouralModels_TellsWeightsNamesAndLatentsApart()
    {
        using DelegateLatentModel one = Toy.Linear("a", 1), same = Toy.Linear("a", 1), weights = Toy.Linear("a", 2), name = Toy.Linear("b", 1);
        using DelegateLatentModel levels = LatentModel.FromFunctions("a", Toy.Format, Banks.TwoLevels, images => one.Encode(images), latents => one.Decode(latents));
        string fingerprint = ModelFingerprint.Of(one);
        fingerprint.Should().MatchRegex("^[0-9a-f]{64}$");
        ModelFingerprint.Of(same).Should().Be(fingerprint);
        ModelFingerprint.Of(one).Should().Be(fingerprint);
        ((string[])[fingerprint, ModelFingerprint.Of(weights), ModelFingerprint.Of(name), ModelFingerprint.Of(levels)]).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Of_OneWeightChanged_Differs()
    {
        using Vae one = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32), Seed = 5 }), other = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32), Seed = 5 });
        ModelFingerprint.Of(other).Should().Be(ModelFingerprint.Of(one));
        using (no_grad())
        {
            // The bias of the first mean is added to every latent.
            Tensor bias = other.Network.Weights["encoder.mu_logvar_gen.bias"];
            using Tensor first = bias.narrow(0, 0, 1);
            first.add_(1e-3f);
        }
        ModelFingerprint.Of(other).Should().NotBe(ModelFingerprint.Of(one));
    }

    [Fact]
    public void Of_AFingerprintedModel_AsksItAndRunsNothing()
    {
        int calls = 0;
        using WatchedModel one = new("1", _ => calls++), same = new("1"), other = new("2"), named = new("1") { Name = "other" };
        ModelFingerprint.Of(one).Should().Be(ModelFingerprint.Of(same));
        ((string[])[ModelFingerprint.Of(one), ModelFingerprint.Of(other), ModelFingerprint.Of(named)]).Should().OnlyHaveUniqueItems();
        calls.Should().Be(0);
    }

    [Fact]
    public void Of_AResizedModel_IsAnother()
    {
        using WatchedModel model = new();
        using ILatentModel resized = model.WithImage(new ImageFormat(1, 4, 6));
        ModelFingerprint.Of(resized).Should().NotBe(ModelFingerprint.Of(model));
    }

    [Fact]
    public void Of_BadModels_Throws()
    {
        using WatchedModel blank = new(" ");
        Action empty = () => ModelFingerprint.Of(blank);
        empty.ShouldSay<InvalidOperationException>("Fingerprint of watched must not be blank. Give a hash of its weights: ModelFingerprint.OfWeights.");
        int calls = 0;
        using DelegateLatentModel moody = LatentModel.FromFunctions("moody", Toy.Format, LatentSpace.Vector(1), images => images.flatten(1).narrow(1, 0, 1).add(calls++), latents => latents);
        Action changing = () => ModelFingerprint.Of(moody);
        changing.ShouldSay<InvalidOperationException>("model must encode the same images to the same latents, but moody does not. Seed its encoder, or let it offer IFingerprinted.");
        Action nothing = () => ModelFingerprint.Of(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("model");
    }

    [Fact]
    public void OfWeights_TellsNamesShapesDtypesAndValuesApart_NotTheOrder()
    {
        using var scope = NewDisposeScope();
        Tensor a = arange(6, dtype: ScalarType.Float32), b = tensor(2.5), none = empty(0, 3);
        string fingerprint = ModelFingerprint.OfWeights([("a", a), ("b", b), ("none", none)]);
        ModelFingerprint.OfWeights([("none", none), ("b", b), ("a", a)]).Should().Be(fingerprint);
        ModelFingerprint.OfWeights([("none", none), ("b", b), ("a", a.reshape(2, 3).t().contiguous().t().reshape(6))]).Should().Be(fingerprint);
        ((string[])
        [
            fingerprint,
            ModelFingerprint.OfWeights([("a", a), ("c", b), ("none", none)]),
            ModelFingerprint.OfWeights([("a", a.reshape(2, 3)), ("b", b), ("none", none)]),
            ModelFingerprint.OfWeights([("a", a.to_type(ScalarType.Int32)), ("b", b), ("none", none)]),
            ModelFingerprint.OfWeights([("a", a.add(1e-6f)), ("b", b), ("none", none)]),
            ModelFingerprint.OfWeights([("a", a), ("b", b)]),
        ]).Should().OnlyHaveUniqueItems();
        Action twice = () => ModelFingerprint.OfWeights([("a", a), ("a", b)]);
        twice.ShouldRefuse("weights", "weights must differ in their names, but 'a' comes twice.");
    }

    [Fact]
    public void Of_ModelThatDescribesItself_IsThatOfItsWeights_NotOfItsRun()
    {
        using var a = LatentStitching.Adapters.Autoencoders.Vae.Create(new() { Image = ImageFormat.Grey(32), Seed = 1 });
        using var b = LatentStitching.Adapters.Autoencoders.Vae.Create(new() { Image = ImageFormat.Grey(32), Seed = 1 });
        using var other = LatentStitching.Adapters.Autoencoders.Vae.Create(new() { Image = ImageFormat.Grey(32), Seed = 2 });
        ModelFingerprint.Of(a).Should().Be(ModelFingerprint.Of(b)).And.NotBe(ModelFingerprint.Of(other));
        // Smaller than any latent shows: behaviour would not tell.
        using (no_grad()) b.Network.Weights["decoder.lin1.bias"].add_(1e-3);
        ModelFingerprint.Of(b).Should().NotBe(ModelFingerprint.Of(a));
    }
}
