using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Onnx;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

[NoTensorLeaks]
public sealed class DelegateLatentModelConformanceTests : LatentModelConformanceTests<DelegateLatentModel>
{
    protected override DelegateLatentModel Create() => Toy.Linear("toy", 2, prior: true);
}

[NoTensorLeaks]
public sealed class PcaModelConformanceTests : LatentModelConformanceTests<PcaModel>
{
    protected override PcaModel Create() => PcaModel.Fit(Toy.Images(40), 4);
}

[NoTensorLeaks]
public sealed class RgbVaeConformanceTests : LatentModelConformanceTests<Vae>
{
    protected override Vae Create() => Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(64), Seed = 4 });
}

[NoTensorLeaks]
public sealed class GreyVaeConformanceTests : LatentModelConformanceTests<Vae>
{
    protected override Vae Create() => Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32), LatentDimension = 3, Seed = 4 });
}

[NoTensorLeaks]
public sealed class StitchedModelConformanceTests : LatentModelConformanceTests<StitchedModel>
{
    protected override StitchedModel Create()
    {
        using Tensor weight = eye(6);
        return new StitchedModel(Toy.Linear("left", 1), new AffineMap(weight), Toy.Linear("right", 2, prior: true));
    }

    protected override string EncoderName(StitchedModel model) => "left";

    protected override string DecoderName(StitchedModel model) => "right";
}

public sealed class ConformingModelsTests
{
    [Fact]
    public void EveryModelOfTheLibrary_HasItsConformanceTests()
    {
        IEnumerable<Type> models = ((Type[])[.. typeof(ILatentModel).Assembly.GetExportedTypes(), .. typeof(OnnxModel).Assembly.GetExportedTypes()]).Where(type => type is { IsClass: true, IsAbstract: false } && typeof(ILatentModel).IsAssignableFrom(type));
        IEnumerable<Type> tested = typeof(ConformingModelsTests).Assembly.GetTypes()
            .Where(type => type.BaseType is { IsGenericType: true } parent && parent.GetGenericTypeDefinition() == typeof(LatentModelConformanceTests<>))
            .Select(type => type.BaseType!.GetGenericArguments()[0]);
        tested.Distinct().Should().Contain(models);
    }
}
