using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

[NoTensorLeaks]
public sealed class LatentModelExtensionsTests
{
    [Fact]
    public void Reconstruct_IsEncodeThenDecode_AndLeavesOnlyTheResult()
    {
        using DelegateLatentModel model = Toy.Linear("toy", 3);
        using Tensor images = rand(4, 1, 2, 3);
        long before = NoTensorLeaksAttribute.Live();
        using Tensor reconstructed = model.Reconstruct(images);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(1);
        reconstructed.ShouldBeCloseTo(images, 1e-5);
        Action nothing = () => ((ILatentModel)null!).Reconstruct(images);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("model");
    }

    [Fact]
    public void WithImage_TheModelsOwnFormat_IsTheModel()
    {
        using DelegateLatentModel model = Toy.Linear("toy", 3);
        model.WithImage(new ImageFormat(1, 2, 3)).Should().BeSameAs(model);
    }

    [Fact]
    public void WithImage_Larger_ResizesOnTheWayInAndOut()
    {
        using DelegateLatentModel model = Toy.Linear("toy", 3);
        using ILatentModel wrapped = model.WithImage(new ImageFormat(1, 4, 6));
        wrapped.Name.Should().Be("toy");
        wrapped.Image.Should().Be(new ImageFormat(1, 4, 6));
        wrapped.Latent.Should().BeSameAs(model.Latent);
        using var scope = NewDisposeScope();
        // Each pixel repeated 2×2: halving averages with the triangle's weights, and away from the edges a flat image is left as it is.
        Tensor images = full([2, 1, 4, 6], 0.25f);
        images.narrow(0, 1, 1).fill_(0.75f);
        Tensor latents = wrapped.Encode(images);
        latents.ShouldBeCloseTo(model.Encode(images.narrow(2, 0, 2).narrow(3, 0, 3)), 1e-6);
        Tensor decoded = wrapped.Decode(latents);
        decoded.shape.Should().Equal(2, 1, 4, 6);
        decoded.ShouldBeCloseTo(images, 1e-5);
    }

    [Theory]
    [InlineData(ScalarType.Float16, 1, 2)]
    [InlineData(ScalarType.BFloat16, 4, 6)]
    [InlineData(ScalarType.Float16, 4, 6)]
    [InlineData(ScalarType.Float64, 4, 6)]
    public void WithImage_AnyFloatIn_IsResized(ScalarType dtype, long height, long width)
    {
        using DelegateLatentModel model = Toy.Linear("toy", 3);
        using ILatentModel wrapped = model.WithImage(new ImageFormat(1, height, width));
        using var scope = NewDisposeScope();
        Tensor flat = full([2, 1, height, width], 0.5, dtype);
        wrapped.Encode(flat).ShouldBeCloseTo(model.Encode(full([2, 1, 2, 3], 0.5f)), 1e-3);
    }

    [Fact]
    public void WithImage_InputsAskForGradients_TheyFlow()
    {
        using DelegateLatentModel model = Toy.Linear("toy", 3);
        using ILatentModel wrapped = model.WithImage(new ImageFormat(1, 4, 6));
        using var scope = NewDisposeScope();
        Tensor images = full([1, 1, 4, 6], 0.5f, requires_grad: true);
        wrapped.Encode(images).sum().backward();
        images.grad!.abs().max().ToDouble().Should().BePositive();
        wrapped.Encode(images.detach()).requires_grad.Should().BeFalse();
    }

    [Fact]
    public void WithImage_OtherChannels_Throws()
    {
        using DelegateLatentModel model = Toy.Linear("toy", 3);
        Action act = () => model.WithImage(ImageFormat.Rgb(8));
        act.ShouldRefuse("image", "image must have the 1 channels of toy, but it is 3×8×8.");
        Action nothing = () => model.WithImage(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("image");
    }

    [Fact]
    public void WithImage_WrongBatch_IsRefusedInTheWrappersOwnSize()
    {
        using DelegateLatentModel model = Toy.Linear("toy", 3);
        using ILatentModel wrapped = model.WithImage(new ImageFormat(1, 4, 6));
        using Tensor images = zeros(1, 1, 2, 3);
        Action act = () => wrapped.Encode(images);
        act.ShouldRefuse("images", "images must have the shape [n, 1, 4, 6] of toy's images, but it is [1, 1, 2, 3]. Resize the images, or wrap the model: model.WithImage(format).");
    }

    [Fact]
    public void WithImage_HandsThePriorOn_ButNotWhatTakesImages()
    {
        using var vae = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32) });
        using ILatentModel wrapped = vae.WithImage(ImageFormat.Grey(28));
        wrapped.GetService<ILatentPrior>().Should().BeSameAs(vae);
        wrapped.GetService<IPosteriorEncoder>().Should().BeNull();
        vae.GetService<IPosteriorEncoder>().Should().BeSameAs(vae);
        wrapped.GetService<ILatentModel>().Should().BeSameAs(wrapped);
        using DelegateLatentModel plain = Toy.Linear("toy", 3);
        plain.WithImage(new ImageFormat(1, 4, 6)).GetService<ILatentPrior>().Should().BeNull();
    }

    [Fact]
    public void WithImage_Disposed_LeavesTheModelAlive()
    {
        using DelegateLatentModel model = Toy.Linear("toy", 3);
        model.WithImage(new ImageFormat(1, 4, 6)).Dispose();
        using Tensor latents = zeros(1, 6);
        using Tensor decoded = model.Decode(latents);
        decoded.shape.Should().Equal(1, 1, 2, 3);
    }
}
