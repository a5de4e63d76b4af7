using LatentStitching.Checkpoints;
using LatentStitching.Numerics;
using LatentStitching.Training;

namespace LatentStitching.Models;

/// <summary>Base of a model: an adapter writes <see cref="EncodeCore"/> and <see cref="DecodeCore"/>, this class does what every adapter would repeat.</summary>
/// <remarks>
/// <para>Before the core is called: shapes, dtype, range and finiteness are checked, the batch is moved to <see cref="Device"/> and <see cref="Dtype"/> and cut into blocks
/// of <see cref="BatchSize"/> rows. The core runs in a dispose scope of its own, so it may leave temporaries behind, and without gradients unless its input asks for them
/// (so a latent can be optimised through <see cref="Decode"/>). After it: the shape of what came is checked and decoded pixels are clamped to [0, 1].</para>
/// <para>Thread safety: calls may run at once on several threads if the core's network is in evaluation mode.</para>
/// </remarks>
public abstract class LatentModel : ILatentModel
{
    private bool _disposed;

    /// <summary>Sets what every model has.</summary>
    /// <param name="name">The name under which the model appears in reports.</param>
    /// <param name="image">The images the model takes and gives.</param>
    /// <param name="latent">The latent the model gives and takes.</param>
    /// <param name="device">Where the core computes; the CPU if null.</param>
    /// <param name="dtype">The dtype the core computes in and results come in.</param>
    /// <exception cref="ArgumentException">The name is blank.</exception>
    protected LatentModel(string name, ImageFormat image, LatentSpace latent, Device? device = null, ScalarType dtype = ScalarType.Float32)
    {
        Name = Guard.NotBlank(name);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(latent);
        Image = image;
        Latent = latent;
        Device = device ?? CPU;
        Dtype = dtype;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public ImageFormat Image { get; }

    /// <inheritdoc/>
    public LatentSpace Latent { get; }

    /// <summary>Where the model computes. Inputs are moved there and results stay there.</summary>
    public Device Device { get; }

    /// <summary>The dtype the model computes in. Inputs are converted to it and results come in it.</summary>
    public ScalarType Dtype { get; }

    /// <summary>Rows that go through the network at once.</summary>
    /// <value>At least 1; default 128.</value>
    public long BatchSize
    {
        get;
        set => field = Guard.Positive(value, nameof(BatchSize));
    } = 128;

    /// <summary>Makes a model from two functions, for a notebook or a test.</summary>
    /// <param name="name">The name under which the model appears in reports.</param>
    /// <param name="image">The images the functions take and give.</param>
    /// <param name="latent">The latent the functions give and take.</param>
    /// <param name="encode">Image batch [n, c, h, w] in [0, 1] → latent batch [n, D].</param>
    /// <param name="decode">Latent batch [n, D] → image batch [n, c, h, w] in [0, 1].</param>
    /// <param name="sample">Optional prior: number of rows and generator → latent batch [n, D].</param>
    /// <param name="device">Where the functions compute; the CPU if null.</param>
    /// <returns>The model.</returns>
    /// <exception cref="ArgumentNullException">A function is null.</exception>
    public static DelegateLatentModel FromFunctions(
        string name,
        ImageFormat image,
        LatentSpace latent,
        Func<Tensor, Tensor> encode,
        Func<Tensor, Tensor> decode,
        Func<long, Generator, Tensor>? sample = null,
        Device? device = null) => new(name, image, latent, encode, decode, sample, device);

    /// <summary>Opens a model that <see cref="Save"/> wrote, whatever its class.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device">Where the model is to compute; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    /// <exception cref="FileNotFoundException">The folder has no description or no weights.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, the weights are not those described, or the kind is not known here: see <see cref="ModelKinds.Register"/>.</exception>
    public static LatentModel Load(string folder, Device? device = null)
    {
        using var opened = ModelFolder.Open(folder, device ?? CPU);
        Func<ModelFolder, LatentModel> open = ModelKinds.Find(opened.Kind)
            ?? throw new InvalidDataException($"'{folder}' must hold a known kind of model ({string.Join(", ", ModelKinds.Names)}), but it holds '{opened.Kind}'. Teach it with ModelKinds.Register.");
        LatentModel model;
        try
        {
            model = open(opened) ?? throw new InvalidOperationException($"the opener of '{opened.Kind}' gave null.");
        }
        // Whatever a number out of range leads to in an adapter: the folder is at fault.
        catch (Exception e) when (e is not (InvalidDataException or IOException or UnauthorizedAccessException or OperationCanceledException or OutOfMemoryException))
        {
            throw new InvalidDataException($"'{folder}' must hold a model of kind '{opened.Kind}', but its description and weights make none: {e.Message}", e);
        }
        try
        {
            opened.Check(model);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Writes the model to a folder that says what it is: <c>config.json</c> and <c>model.safetensors</c>.</summary>
    /// <param name="folder">The folder; made if need be. Files of these two names are replaced, each never half.</param>
    /// <param name="training">How it was trained, kept with it; null if not known.</param>
    /// <param name="half">Whether float32 weights are written as float16, at half the size and with 11 bits of each; the model that is opened computes in float32 again.</param>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    /// <exception cref="NotSupportedException">The model's class does not describe itself.</exception>
    /// <exception cref="InvalidOperationException">A weight is too large for <paramref name="half"/>.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public void Save(string folder, TrainingReport? training = null, bool half = false)
    {
        ThrowIfDisposed();
        using var scope = NewDisposeScope();
        ModelDescription description = Describe() ?? throw new NotSupportedException($"{GetType().Name} does not describe itself. Override Describe, and teach ModelKinds to open it.");
        ModelFolder.Write(folder, this, description, training, half);
    }

    /// <summary>Says how the weights of a checkpoint fit this model's, where opening them would throw at the first misfit: make an untrained model of the sizes expected, and compare.</summary>
    /// <param name="state">The weights. Not disposed.</param>
    /// <param name="keys">How their names become the model's; null where they are those.</param>
    /// <returns>Every missing, unexpected and misshapen weight.</returns>
    /// <exception cref="NotSupportedException">The model's class does not describe itself.</exception>
    /// <exception cref="InvalidDataException">A rule of <paramref name="keys"/> cannot convert a tensor.</exception>
    /// <exception cref="ObjectDisposedException">The model or the state dictionary has been disposed.</exception>
    public WeightReport CompareWeights(StateDictionary state, KeyMap? keys = null)
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(state);
        using var scope = NewDisposeScope();
        IReadOnlyList<(string Name, Tensor Tensor)> own = DescribeWeights() ?? throw new NotSupportedException($"{GetType().Name} does not describe itself. Override Describe.");
        using StateDictionary? renamed = keys?.Apply(state);
        return WeightReport.Compare(renamed ?? state, [.. own.Select(weight => (weight.Name, (IReadOnlyList<long>)weight.Tensor.shape))]);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has another shape or dtype, is empty, or leaves [0, 1].</exception>
    /// <exception cref="InvalidOperationException">The core gave a latent of another shape, or one that is not finite.</exception>
    public Tensor Encode(Tensor images)
    {
        ThrowIfDisposed();
        TensorGuard.Images(images, Image, Name);
        return InBlocks(images, EncodeCore, [Latent.Dimension], nameof(EncodeCore), clamp: false);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has another width or dtype, is empty, or is not finite.</exception>
    /// <exception cref="InvalidOperationException">The core gave images of another shape, or ones that are not finite.</exception>
    public Tensor Decode(Tensor latents)
    {
        ThrowIfDisposed();
        TensorGuard.Latents(latents, Latent.Dimension, Name);
        return InBlocks(latents, DecodeCore, [Image.Channels, Image.Height, Image.Width], nameof(DecodeCore), clamp: true);
    }

    /// <inheritdoc/>
    public virtual object? GetService(Type serviceType)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Frees the model's tensors. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Says the name, the images and the latent.</summary>
    /// <returns>For example "vae: 3×64×64 ↔ 10".</returns>
    public override string ToString() => $"{Name}: {Image} ↔ {Latent.Dimension}";

    /// <summary>Encodes one block. The input is checked, on the model's device and in its dtype.</summary>
    /// <param name="images">Image batch [n, c, h, w] in [0, 1], at most <see cref="BatchSize"/> rows. Must not be changed.</param>
    /// <returns>Latent batch [n, D].</returns>
    protected abstract Tensor EncodeCore(Tensor images);

    /// <summary>Decodes one block. The input is checked, on the model's device and in its dtype.</summary>
    /// <param name="latents">Latent batch [n, D], at most <see cref="BatchSize"/> rows. Must not be changed.</param>
    /// <returns>Image batch [n, c, h, w]; values that leave [0, 1] are clamped.</returns>
    protected abstract Tensor DecodeCore(Tensor latents);

    /// <summary>Frees the tensors of a derived class.</summary>
    /// <param name="disposing">True: there is no finalizer.</param>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Says what <see cref="Save"/> writes. Called within a dispose scope, so it may make tensors of its own.</summary>
    /// <returns>Kind, configuration and weights; null (the default) for a model that cannot be written.</returns>
    protected internal virtual ModelDescription? Describe() => null;

    /// <summary>What the latents that <see cref="Encode"/> gives depend on: by default all that <see cref="Describe"/> tells. Called within a dispose scope.</summary>
    /// <returns>Kind, configuration and weights, with more or less in them than <see cref="Save"/> writes; null for a model that only a run tells from others.</returns>
    internal virtual ModelDescription? DescribeEncoding() => Describe();

    /// <summary>The weights under the names that a weight file has.</summary>
    internal virtual IReadOnlyList<(string Name, Tensor Tensor)>? DescribeWeights() => Describe()?.Weights;

    /// <summary>Refuses use after <see cref="Dispose()"/>, for what a model of the library can do besides encoding and decoding.</summary>
    private protected void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    private Tensor InBlocks(Tensor rows, Func<Tensor, Tensor> core, long[] shape, string method, bool clamp)
    {
        using var scope = NewDisposeScope();
        using var grad = set_grad_enabled(is_grad_enabled() && rows.requires_grad);
        Tensor moved = rows.to(Dtype, Device);
        long count = rows.size(0);
        List<Tensor> blocks = [];
        for (long start = 0; start < count; start += BatchSize)
        {
            long size = Math.Min(BatchSize, count - start);
            using var blockScope = NewDisposeScope();
            Tensor block = core(moved.narrow(0, start, size));
            if (block is null || !block.shape.AsSpan().SequenceEqual([size, .. shape]))
            {
                throw new InvalidOperationException(
                    $"{method} of {Name} must return [{size}, {string.Join(", ", shape)}], but it returned {(block is null ? "null" : TensorGuard.Shape(block))}.");
            }
            // Before clamping, which would turn an infinite pixel into a white one.
            if (!TensorGuard.IsFinite(block))
            {
                throw new InvalidOperationException($"{method} of {Name} must return finite numbers, but NaN or infinite ones came. Check its weights and its input's range.");
            }
            Tensor typed = block.to(Dtype, Device);
            // A copy, because a core may hand its input (or a tensor that it keeps) straight back, and cat of one block hands on its memory.
            blocks.Add((clamp ? typed.Within(0, 1) : typed.clone()).MoveToOuterDisposeScope());
        }
        return cat(blocks, 0).contiguous().MoveToOuterDisposeScope();
    }
}
