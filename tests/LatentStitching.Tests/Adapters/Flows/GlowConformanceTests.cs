using LatentStitching.Adapters.Flows;
using LatentStitching.Models;
using LatentStitching.Tests.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Flows;

[NoTensorLeaks]
public sealed class RosinalityGlowConformanceTests : LatentModelConformanceTests<Glow>
{
    protected override Glow Create() => Glow.Create(new GlowOptions { Image = ImageFormat.Rgb(8), Levels = 2, Steps = 2, HiddenChannels = 8, Seed = 4 });
}

[NoTensorLeaks]
public sealed class Y0astGlowConformanceTests : LatentModelConformanceTests<Glow>
{
    protected override Glow Create() => Glow.Create(GlowOptions.Cifar with { Image = new ImageFormat(1, 8, 4), Levels = 2, Steps = 2, HiddenChannels = 8, Whitened = true, Seed = 4 });
}

[NoTensorLeaks]
public sealed class GlowLevelConformanceTests : LatentModelConformanceTests<GlowLevelConformanceTests.Top>
{
    protected override Top Create() => new();

    protected override string EncoderName(Top model) => "glow/z2+";

    protected override string DecoderName(Top model) => "glow/z2+";

    /// <summary>A view with the model whose weights it sees.</summary>
    public sealed class Top : ILatentModel
    {
        private readonly Glow _whole = Glow.Create(new GlowOptions { Image = ImageFormat.Rgb(8), Levels = 2, Steps = 1, HiddenChannels = 8, Seed = 4 });
        private readonly ILatentModel _top;

        public Top() => _top = _whole.At("z2+");

        public string Name => _top.Name;

        public ImageFormat Image => _top.Image;

        public LatentSpace Latent => _top.Latent;

        public Tensor Encode(Tensor images) => _top.Encode(images);

        public Tensor Decode(Tensor latents) => _top.Decode(latents);

        public object? GetService(Type serviceType) => _top.GetService(serviceType);

        public void Dispose()
        {
            _top.Dispose();
            _whole.Dispose();
        }
    }
}
