using LatentStitching.Numerics;

namespace LatentStitching.Models;

/// <summary>A model behind a change of image size: resized on the way in, resized back on the way out, the latent untouched.</summary>
internal sealed class ResizingLatentModel : ILatentModel, IModelView
{
    private readonly ILatentModel _inner;

    public ResizingLatentModel(ILatentModel inner, ImageFormat image)
    {
        if (image.Channels != inner.Image.Channels)
        {
            throw new ArgumentException($"image must have the {inner.Image.Channels} channels of {inner.Name}, but it is {image}.", nameof(image));
        }
        _inner = inner;
        Image = image;
    }

    public string Name => _inner.Name;

    public ImageFormat Image { get; }

    public LatentSpace Latent => _inner.Latent;

    ILatentModel IModelView.Viewed => _inner;

    string IModelView.EncodingFacts => "resized";

    string IModelView.DecodingFacts => "resized";

    public Tensor Encode(Tensor images)
    {
        TensorGuard.Images(images, Image, Name);
        using Tensor resized = ImageResize.Bilinear(images, _inner.Image.Height, _inner.Image.Width);
        return _inner.Encode(resized);
    }

    public Tensor Decode(Tensor latents)
    {
        using Tensor decoded = _inner.Decode(latents);
        return ImageResize.Bilinear(decoded, Image.Height, Image.Width);
    }

    public object? GetService(Type serviceType)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        // A posterior encoder takes images, and the inner one would take those of another size.
        if (serviceType == typeof(IPosteriorEncoder)) return null;
        // So would its levels.
        if (serviceType == typeof(IModelLevels)) return _inner.GetService<IModelLevels>() is { } levels ? new ResizedLevels(levels, Image) : null;
        return serviceType.IsInstanceOfType(this) ? this : _inner.GetService(serviceType);
    }

    public void Dispose()
    {
        // The wrapped model belongs to whoever made it.
    }

    private sealed class ResizedLevels(IModelLevels inner, ImageFormat image) : IModelLevels
    {
        public IReadOnlyList<string> LevelNames => inner.LevelNames;

        public ILatentModel At(string level) => new ResizingLatentModel(inner.At(level), image);
    }
}
