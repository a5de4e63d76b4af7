using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

/// <summary>What the base class does around the core of every adapter.</summary>
[NoTensorLeaks]
public sealed class LatentModelTests
{
    private static Tensor Pixels(long count) => linspace(0, 1, count * 6).reshape(count, 1, 2, 3);

    [Fact]
    public void EncodeDecode_ManyBlocks_GiveTheBytesOfOne()
    {
        using Probe model = new(images => images.flatten(1) * 3 - 1, latents => ((latents + 1) / 3).reshape(-1, 1, 2, 3));
        using var scope = NewDisposeScope();
        Tensor images = Pixels(10);
        Tensor once = model.Encode(images), back = model.Decode(once);
        model.Blocks.Should().Equal(10, 10);
        model.BatchSize = 4;
        model.Encode(images).bytes.SequenceEqual(once.bytes).Should().BeTrue();
        model.Decode(once).bytes.SequenceEqual(back.bytes).Should().BeTrue();
        model.Blocks.Skip(2).Should().Equal(4, 4, 2, 4, 4, 2);
        back.ShouldBeCloseTo(images, 1e-6);
    }

    [Fact]
    public void EncodeDecode_CoreReturnsItsInput_ResultIsFreshAndTheInputStays()
    {
        using Probe model = new(images => images.reshape(-1, 6), latents => latents.reshape(-1, 1, 2, 3));
        using var scope = NewDisposeScope();
        Tensor images = Pixels(3), before = images.clone();
        Tensor latents = model.Encode(images);
        latents.add_(5);
        images.eq(before).all().ToBoolean().Should().BeTrue();
        Tensor half = full(3, 6, 0.5f);
        model.Decode(half).add_(1);
        half.eq(0.5f).all().ToBoolean().Should().BeTrue();
    }

    [Fact]
    public void Encode_CoreReturnsWhatItKeeps_ResultIsFreshAndTheKeptLives()
    {
        using Tensor kept = ones(2, 6);
        using Probe model = new(_ => kept, latents => latents.reshape(-1, 1, 2, 3));
        using var scope = NewDisposeScope();
        for (int call = 0; call < 2; call++) model.Encode(Pixels(2)).zero_();
        kept.IsInvalid.Should().BeFalse();
        kept.sum().ToDouble().Should().Be(12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(128)]
    public void Encode_CoreReturnsAView_ResultIsContiguous(long batch)
    {
        using Probe model = new(images => images.flatten(1).t().contiguous().t(), latents => latents.reshape(-1, 1, 2, 3)) { BatchSize = batch };
        using var scope = NewDisposeScope();
        model.Encode(Pixels(4)).is_contiguous().Should().BeTrue();
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void EncodeDecode_AnyFloatIn_TheModelsTypeOut(ScalarType dtype)
    {
        using Probe model = new(images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 3));
        using var scope = NewDisposeScope();
        model.Encode(Pixels(2).to_type(dtype)).dtype.Should().Be(ScalarType.Float32);
        model.Decode(zeros(2, 6, dtype)).dtype.Should().Be(ScalarType.Float32);
    }

    [Fact]
    public void EncodeDecode_CoreComputesInAnotherType_ResultComesInTheModels()
    {
        using Probe model = new(images => images.flatten(1).to_type(ScalarType.Float64), latents => latents.reshape(-1, 1, 2, 3).to_type(ScalarType.Float64));
        using var scope = NewDisposeScope();
        model.Encode(Pixels(2)).dtype.Should().Be(ScalarType.Float32);
        model.Decode(zeros(2, 6)).dtype.Should().Be(ScalarType.Float32);
    }

    [Fact]
    public void Decode_PixelsOutsideTheRange_AreClamped()
    {
        using Probe model = new(images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 3));
        using var scope = NewDisposeScope();
        model.Decode(tensor([-2f, -0.5f, 0, 0.5f, 1, 7]).reshape(1, 6)).data<float>().ToArray().Should().Equal(0, 0, 0, 0.5f, 1, 1);
    }

    [Fact]
    public void EncodeDecode_WithoutAScope_LeaveOnlyTheResult()
    {
        using Probe model = new(images => images.flatten(1) * 2, latents => (latents / 2).reshape(-1, 1, 2, 3)) { BatchSize = 2 };
        using Tensor images = rand(5, 1, 2, 3);
        long before = NoTensorLeaksAttribute.Live();
        using Tensor latents = model.Encode(images);
        using Tensor decoded = model.Decode(latents);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
    }

    [Fact]
    public void Encode_BadImages_ThrowsInWordsAndNeverCallsTheCore()
    {
        using Probe model = new(images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 3));
        using var scope = NewDisposeScope();
        Encode(null!, null);
        Encode(zeros(2, 1, 2, 3, ScalarType.Byte), "images must hold floating-point pixels in [0, 1], but its dtype is Byte. Convert bytes: x.to_type(ScalarType.Float32) / 255.");
        Encode(zeros(1, 2, 3), "images must be an image batch [n, c, h, w], but its shape is [1, 2, 3]. One image is [1, c, h, w].");
        Encode(
            zeros(2, 1, 3, 2),
            "images must have the shape [n, 1, 2, 3] of probe's images, but it is [2, 1, 3, 2]. Resize the images, or wrap the model: model.WithImage(format).");
        Encode(zeros(0, 1, 2, 3), "images must hold at least one image, but its shape is [0, 1, 2, 3].");
        Encode(
            cat([zeros(1, 1, 2, 3), full([1, 1, 2, 3], -1f), full([1, 1, 2, 3], 255f)], 0),
            "images must hold pixels in [0, 1], but image 1 holds values from -1 to -1. Map [-1, 1] by (x + 1) / 2 and [0, 255] by x / 255.");
        Encode(
            cat([zeros(2, 1, 2, 3), full([1, 1, 2, 3], float.NaN)], 0),
            "images must hold pixels in [0, 1], but image 2 holds values from NaN to NaN. Map [-1, 1] by (x + 1) / 2 and [0, 255] by x / 255.");
        model.Blocks.Should().BeEmpty();

        void Encode(Tensor batch, string? text)
        {
            Action act = () => model.Encode(batch);
            if (text is null) act.Should().Throw<ArgumentNullException>().WithParameterName("images");
            else act.ShouldRefuse("images", text);
        }
    }

    [Fact]
    public void Decode_BadLatents_ThrowsInWordsAndNeverCallsTheCore()
    {
        using Probe model = new(images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 3));
        using var scope = NewDisposeScope();
        Decode(null!, null);
        Decode(zeros(2, 6, ScalarType.Int64), "latents must be floating point, but its dtype is Int64. Convert it: tensor.to_type(ScalarType.Float32).");
        Decode(zeros(2, 3, 2), "latents must be a matrix [n, d], but its shape is [2, 3, 2]. Flatten each sample: tensor.reshape(n, -1).");
        Decode(zeros(2, 5), "latents must have 6 columns, the latent width of probe, but its shape is [2, 5].");
        Decode(zeros(0, 6), "latents must hold at least one row, but its shape is [0, 6].");
        Decode(zeros(2, 0), "latents must hold at least one column, but its shape is [2, 0].");
        Decode(cat([zeros(3, 6), full([1, 6], float.NaN)], 0), "latents must be finite, but 6 of its entries are NaN or infinite, the first in row 3.");
        Decode(full([2, 6], float.NegativeInfinity), "latents must be finite, but 12 of its entries are NaN or infinite, the first in row 0.");
        model.Blocks.Should().BeEmpty();

        void Decode(Tensor batch, string? text)
        {
            Action act = () => model.Decode(batch);
            if (text is null) act.Should().Throw<ArgumentNullException>().WithParameterName("latents");
            else act.ShouldRefuse("latents", text);
        }
    }

    [Fact]
    public void Encode_DisposedImages_SaysSo()
    {
        using Probe model = new(images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 3));
        Tensor images = zeros(2, 1, 2, 3);
        images.Dispose();
        Action act = () => model.Encode(images);
        act.Should().Throw<ObjectDisposedException>().WithMessage("images must be a live tensor, but it has been disposed.*");
    }

    [Fact]
    public void EncodeDecode_CoreErrs_ThrowsNamingItAndLeavesNoTensor()
    {
        Says(images => zeros(images.size(0), 5), "EncodeCore of probe must return [3, 6], but it returned [3, 5].");
        Says(images => images.flatten(1).narrow(0, 0, 1), "EncodeCore of probe must return [3, 6], but it returned [1, 6].");
        Says(_ => null!, "EncodeCore of probe must return [3, 6], but it returned null.");
        Says(images => images.flatten(1) * float.NaN, "EncodeCore of probe must return finite numbers, but NaN or infinite ones came. Check its weights and its input's range.");
        Says(images => full([images.size(0), 6], float.PositiveInfinity), "EncodeCore of probe must return finite numbers, but NaN or infinite ones came. Check its weights and its input's range.");

        static void Says(Func<Tensor, Tensor> encode, string text)
        {
            using Probe model = new(encode, latents => latents);
            using Tensor images = zeros(3, 1, 2, 3);
            Action act = () => model.Encode(images);
            act.ShouldSay<InvalidOperationException>(text);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Decode_CoreGivesNoFinitePixels_Throws(float value)
    {
        using Probe model = new(images => images, latents => full([latents.size(0), 1, 2, 3], value));
        using Tensor latents = zeros(3, 6);
        Action act = () => model.Decode(latents);
        act.ShouldSay<InvalidOperationException>("DecodeCore of probe must return finite numbers, but NaN or infinite ones came. Check its weights and its input's range.");
    }

    [Fact]
    public void Encode_CoreThrows_PassesItOnAndLeavesNoTensor()
    {
        using Probe model = new(
            images =>
            {
                _ = images * 2;
                throw new TimeoutException("no network");
            },
            latents => latents);
        using Tensor images = zeros(3, 1, 2, 3);
        Action act = () => model.Encode(images);
        act.ShouldSay<TimeoutException>("no network");
    }

    [Fact]
    public void Decode_LatentsAskForGradients_TheyFlow()
    {
        using var scope = NewDisposeScope();
        Tensor weight = full([6], 0.5f, requires_grad: true);
        using Probe model = new(images => images.flatten(1) * weight, latents => (latents * weight).reshape(-1, 1, 2, 3)) { BatchSize = 2 };
        Tensor latents = full([3, 6], 0.25f, requires_grad: true);
        Tensor decoded = model.Decode(latents);
        decoded.requires_grad.Should().BeTrue();
        decoded.sum().backward();
        latents.grad!.eq(0.5f).all().ToBoolean().Should().BeTrue();

        model.Decode(latents.detach()).requires_grad.Should().BeFalse();
        model.Encode(Pixels(2)).requires_grad.Should().BeFalse();
        using (no_grad()) model.Decode(latents).requires_grad.Should().BeFalse();
        is_grad_enabled().Should().BeTrue();
    }

    [Fact]
    public void Dispose_Twice_FreesOnceAndRefusesUse()
    {
        Probe model = new(images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 3));
        model.Dispose();
        model.Dispose();
        model.Freed.Should().Be(1);
        using var scope = NewDisposeScope();
        Action encode = () => model.Encode(Pixels(1)), decode = () => model.Decode(zeros(1, 6));
        encode.Should().Throw<ObjectDisposedException>();
        decode.Should().Throw<ObjectDisposedException>();
        model.ToString().Should().Be("probe: 1×2×3 ↔ 6");
    }

    [Fact]
    public void Constructor_BadArguments_Throws()
    {
        Action blank = () => LatentModel.FromFunctions(" ", Toy.Format, LatentSpace.Vector(6), x => x, z => z);
        blank.ShouldRefuse("name", "name must not be blank.");
        Action noImage = () => LatentModel.FromFunctions("m", null!, LatentSpace.Vector(6), x => x, z => z);
        noImage.Should().Throw<ArgumentNullException>().WithParameterName("image");
        Action noLatent = () => LatentModel.FromFunctions("m", Toy.Format, null!, x => x, z => z);
        noLatent.Should().Throw<ArgumentNullException>().WithParameterName("latent");
        Action noBatch = () => Toy.Linear("m", 1).BatchSize = 0;
        noBatch.ShouldRefuse("BatchSize", "BatchSize must be positive, but it is 0.");
    }

    /// <summary>A model made of two functions that counts what the base class asks of it.</summary>
    private sealed class Probe(Func<Tensor, Tensor> encode, Func<Tensor, Tensor> decode) : LatentModel("probe", Toy.Format, LatentSpace.Vector(6))
    {
        public List<long> Blocks { get; } = [];

        public int Freed { get; private set; }

        protected override Tensor EncodeCore(Tensor images)
        {
            Blocks.Add(images.size(0));
            return encode(images);
        }

        protected override Tensor DecodeCore(Tensor latents)
        {
            Blocks.Add(latents.size(0));
            return decode(latents);
        }

        protected override void Dispose(bool disposing)
        {
            Freed++;
            base.Dispose(disposing);
        }
    }
}
