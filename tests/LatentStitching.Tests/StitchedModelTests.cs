using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests;

[NoTensorLeaks]
public sealed class StitchedModelTests
{
    [Fact]
    public void Translate_IsEncodeMapDecode()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        using var scope = NewDisposeScope();
        using StitchedModel stitched = new(source, new AffineMap(eye(6) * 0.5f), target);
        Tensor images = rand(3, 1, 2, 3);
        Tensor latents = source.Encode(images) * 0.5f;
        stitched.Encode(images).ShouldBeCloseTo(latents, 1e-6);
        stitched.Translate(images).ShouldBeCloseTo(target.Decode(latents), 1e-6);
        stitched.Name.Should().Be("s → t");
        stitched.ToString().Should().Be("s → t: 6 → 6");
        stitched.Latent.Should().BeSameAs(target.Latent);
    }

    [Fact]
    public void GetService_HandsTheTargetsPriorOn_AndNothingThatTakesImages()
    {
        using var vae = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32), LatentDimension = 3 });
        using var scope = NewDisposeScope();
        using StitchedModel stitched = new(vae, new AffineMap(eye(3)), vae);
        stitched.GetService<ILatentPrior>().Should().BeSameAs(vae);
        stitched.GetService<IPosteriorEncoder>().Should().BeNull();
        stitched.GetService<ILatentModel>().Should().BeSameAs(stitched);
        Action nothing = () => stitched.GetService(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("serviceType");
    }

    [Fact]
    public void Dispose_FreesTheMapOnce_AndLeavesTheModels()
    {
        using var vae = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32), LatentDimension = 3 });
        using var scope = NewDisposeScope();
        AffineMap map = new(eye(3));
        StitchedModel stitched = new(vae, map, vae);
        stitched.Dispose();
        stitched.Dispose();
        map.ToString().Should().Be("affine map (disposed)");
        vae.Decode(zeros(1, 3)).size(0).Should().Be(1);
    }

    [Fact]
    public void Constructor_MisfittingParts_Throws()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        using DelegateLatentModel large = LatentModel.FromFunctions("large", ImageFormat.Rgb(8), LatentSpace.Vector(6), x => x, z => z);
        using var scope = NewDisposeScope();
        using AffineMap map = new(eye(6)), narrow = new(zeros(6, 4));
        Action width = () => _ = new StitchedModel(source, narrow, target);
        width.ShouldRefuse("map", "map must lead from 6 to 6 columns, the latent widths of s and t, but it leads from 4 to 6.");
        Action format = () => _ = new StitchedModel(source, map, large);
        format.ShouldRefuse("target", "target must take the images of source, but large takes 3×8×8 and s takes 1×2×3. Wrap one: model.WithImage(format).");
        Action noMap = () => _ = new StitchedModel(source, null!, target);
        noMap.Should().Throw<ArgumentNullException>().WithParameterName("map");
    }
}
