using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

/// <summary>The contract of an adapter: one body of tests for every model.</summary>
/// <typeparam name="TModel">The model's class.</typeparam>
public abstract class LatentModelConformanceTests<TModel>
    where TModel : ILatentModel
{
    private const int Count = 5;

    /// <summary>A new model; tests dispose it.</summary>
    protected abstract TModel Create();

    /// <summary>The name by which the model refuses bad images.</summary>
    protected virtual string EncoderName(TModel model) => model.Name;

    /// <summary>The name by which the model refuses bad latents.</summary>
    protected virtual string DecoderName(TModel model) => model.Name;

    /// <summary>Largest difference between one row and the same row in a batch, relative to the largest number: the rounding of the network's depth.</summary>
    protected virtual double Rounding => 1e-6;

    /// <summary>Whether gradients flow through the model; if not, it refuses inputs that ask for them.</summary>
    protected virtual bool GivesGradients => true;

    private static Tensor Images(ILatentModel model, long count = Count)
    {
        using Generator generator = new(7);
        return rand([count, model.Image.Channels, model.Image.Height, model.Image.Width], ScalarType.Float32, generator: generator);
    }

    private static Tensor Latents(ILatentModel model)
    {
        using Generator generator = new(8);
        return randn([Count, model.Latent.Dimension], ScalarType.Float32, generator: generator);
    }

    [Fact]
    public void Encode_GivesFiniteFloat32RowsOfTheLatentsWidth()
    {
        using TModel model = Create();
        using var scope = NewDisposeScope();
        Tensor latents = model.Encode(Images(model));
        latents.shape.Should().Equal(Count, model.Latent.Dimension);
        latents.dtype.Should().Be(ScalarType.Float32);
        latents.is_contiguous().Should().BeTrue();
        latents.isfinite().all().ToBoolean().Should().BeTrue();
        latents.requires_grad.Should().BeFalse();
    }

    [Fact]
    public void Decode_GivesFloat32ImagesInRange()
    {
        using TModel model = Create();
        using var scope = NewDisposeScope();
        Tensor images = model.Decode(Latents(model) * 10);
        images.shape.Should().Equal(Count, model.Image.Channels, model.Image.Height, model.Image.Width);
        images.dtype.Should().Be(ScalarType.Float32);
        images.is_contiguous().Should().BeTrue();
        images.min().ToDouble().Should().BeGreaterThanOrEqualTo(0);
        images.max().ToDouble().Should().BeLessThanOrEqualTo(1);
        images.requires_grad.Should().BeFalse();
    }

    [Fact]
    public void EncodeDecode_Again_GiveTheSameBytes()
    {
        using TModel model = Create(), twin = Create();
        using var scope = NewDisposeScope();
        Tensor images = Images(model), latents = Latents(model);
        Tensor encoded = model.Encode(images), decoded = model.Decode(latents);
        foreach (TModel other in (TModel[])[model, twin])
        {
            other.Encode(images).bytes.SequenceEqual(encoded.bytes).Should().BeTrue();
            other.Decode(latents).bytes.SequenceEqual(decoded.bytes).Should().BeTrue();
        }
    }

    [Fact]
    public void EncodeDecode_RowByRow_GiveWhatTheBatchGives()
    {
        using TModel model = Create();
        using var scope = NewDisposeScope();
        Tensor images = Images(model), latents = Latents(model);
        Tensor encoded = cat([.. images.split(1).Select(model.Encode)], 0);
        Tensor decoded = cat([.. latents.split(1).Select(model.Decode)], 0);
        encoded.ShouldBeCloseTo(model.Encode(images), Rounding);
        decoded.ShouldBeCloseTo(model.Decode(latents), Rounding);
        if (model is not LatentModel blocks) return;
        blocks.BatchSize = 2;
        model.Encode(images).ShouldBeCloseTo(encoded, Rounding);
        model.Decode(latents).ShouldBeCloseTo(decoded, Rounding);
    }

    [Fact]
    public void EncodeDecode_LeaveTheirInputsAlone_AndOnlyTheirResults()
    {
        using TModel model = Create();
        using Tensor images = Images(model), latents = Latents(model), imagesBefore = images.clone(), latentsBefore = latents.clone();
        long before = NoTensorLeaksAttribute.Live();
        using Tensor encoded = model.Encode(images);
        using Tensor decoded = model.Decode(latents);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        images.bytes.SequenceEqual(imagesBefore.bytes).Should().BeTrue();
        latents.bytes.SequenceEqual(latentsBefore.bytes).Should().BeTrue();
    }

    [Fact]
    public void EncodeDecode_InputsAskForGradients_TheyFlow()
    {
        using TModel model = Create();
        using var scope = NewDisposeScope();
        Tensor images = (Images(model) * 0.5f + 0.25f).requires_grad_(), latents = (Latents(model) * 0.1f).requires_grad_();
        if (!GivesGradients)
        {
            Action encode = () => model.Encode(images), decode = () => model.Decode(latents);
            foreach (Action act in (Action[])[encode, decode])
            {
                act.ShouldSay<InvalidOperationException>(
                    $"{model.Name} must be used without gradients, which ONNX Runtime does not compute, but its input asks for them. Pass input.detach(), or call it under torch.no_grad().");
            }
            using (no_grad()) model.Reconstruct(images).requires_grad.Should().BeFalse();
            return;
        }
        model.Encode(images).square().sum().backward();
        model.Decode(latents).square().sum().backward();
        images.grad!.abs().max().ToDouble().Should().BePositive();
        latents.grad!.abs().max().ToDouble().Should().BePositive();
        using (no_grad()) model.Decode(latents).requires_grad.Should().BeFalse();
    }

    [Fact]
    public void Encode_InsideAScope_TheModelOutlivesIt()
    {
        TModel model;
        using (NewDisposeScope()) model = Create();
        using (model)
        {
            using var scope = NewDisposeScope();
            model.Reconstruct(Images(model)).size(0).Should().Be(Count);
        }
    }

    [Fact]
    public void Encode_BadImages_IsRefusedInWords()
    {
        using TModel model = Create();
        ImageFormat format = model.Image;
        using var scope = NewDisposeScope();
        long[] shape = [2, format.Channels, format.Height, format.Width];
        Refuses(zeros(shape, ScalarType.Byte), "images must hold floating-point pixels in [0, 1], but its dtype is Byte. Convert bytes: x.to_type(ScalarType.Float32) / 255.");
        Refuses(
            zeros([2, format.Channels, format.Height + 1, format.Width]),
            $"images must have the shape [n, {format.Channels}, {format.Height}, {format.Width}] of {EncoderName(model)}'s images, but it is [2, {format.Channels}, {format.Height + 1}, {format.Width}]. "
            + "Resize the images, or wrap the model: model.WithImage(format).");
        Refuses(full(shape, 1.5f), "images must hold pixels in [0, 1], but image 0 holds values from 1.5 to 1.5. Map [-1, 1] by (x + 1) / 2 and [0, 255] by x / 255.");
        Refuses(zeros([0, .. shape[1..]]), $"images must hold at least one image, but its shape is [0, {format.Channels}, {format.Height}, {format.Width}].");

        void Refuses(Tensor images, string text)
        {
            Action act = () => model.Encode(images);
            act.ShouldRefuse("images", text);
        }
    }

    [Fact]
    public void Decode_BadLatents_IsRefusedInWords()
    {
        using TModel model = Create();
        long width = model.Latent.Dimension;
        using var scope = NewDisposeScope();
        Refuses(zeros(2, width + 1), $"latents must have {width} columns, the latent width of {DecoderName(model)}, but its shape is [2, {width + 1}].");
        Refuses(zeros(0, width), $"latents must hold at least one row, but its shape is [0, {width}].");
        Refuses(full([2, width], float.NaN), $"latents must be finite, but {2 * width} of its entries are NaN or infinite, the first in row 0.");
        Refuses(zeros(2, width, 1), $"latents must be a matrix [n, d], but its shape is [2, {width}, 1]. Flatten each sample: tensor.reshape(n, -1).");

        void Refuses(Tensor latents, string text)
        {
            Action act = () => model.Decode(latents);
            act.ShouldRefuse("latents", text);
        }
    }

    [Fact]
    public void Sample_WhereThereIsAPrior_GivesTheSeedsRows()
    {
        using TModel model = Create();
        if (model.GetService<ILatentPrior>() is not { } prior) return;
        using var scope = NewDisposeScope();
        Tensor drawn = prior.Sample(20, 5);
        drawn.shape.Should().Equal(20, model.Latent.Dimension);
        drawn.dtype.Should().Be(ScalarType.Float32);
        prior.Sample(20, 5).bytes.SequenceEqual(drawn.bytes).Should().BeTrue();
        prior.Sample(20, 6).bytes.SequenceEqual(drawn.bytes).Should().BeFalse();
        model.Decode(drawn).size(0).Should().Be(20);
        Action zero = () => prior.Sample(0, 5);
        zero.ShouldRefuse("count", "count must be positive, but it is 0.");
    }

    [Fact]
    public void Sample_WithoutAScope_LeavesOnlyTheResult()
    {
        using TModel model = Create();
        if (model.GetService<ILatentPrior>() is not { } prior) return;
        long before = NoTensorLeaksAttribute.Live();
        using Tensor drawn = prior.Sample(3, 5);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(1);
    }

    [Fact]
    public void EncodePosterior_WhereThereIsOne_HasTheEncodersMean()
    {
        using TModel model = Create();
        if (model.GetService<IPosteriorEncoder>() is not { } encoder) return;
        using Tensor images = Images(model);
        using Tensor latents = model.Encode(images);
        long before = NoTensorLeaksAttribute.Live();
        (Tensor mean, Tensor logVariance) = encoder.EncodePosterior(images);
        using (mean)
        using (logVariance)
        {
            (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
            mean.ShouldBeCloseTo(latents, 0);
            mean.is_contiguous().Should().BeTrue();
            logVariance.shape.Should().Equal(latents.shape);
        }
    }

    [Fact]
    public void Disposed_RefusesUse_AndDisposesTwice()
    {
        TModel model = Create();
        var prior = model.GetService<ILatentPrior>() as ILatentModel;
        using var scope = NewDisposeScope();
        Tensor images = Images(model), latents = Latents(model);
        model.Dispose();
        model.Dispose();
        Action encode = () => model.Encode(images), decode = () => model.Decode(latents);
        encode.Should().Throw<ObjectDisposedException>();
        decode.Should().Throw<ObjectDisposedException>();
        if (model is ILatentPrior && ReferenceEquals(prior, model))
        {
            Action sample = () => ((ILatentPrior)model).Sample(1, 0);
            sample.Should().Throw<ObjectDisposedException>();
        }
        if (model is IPosteriorEncoder encoder)
        {
            Action posterior = () => encoder.EncodePosterior(images);
            posterior.Should().Throw<ObjectDisposedException>();
        }
    }
}
