using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Studies;

/// <summary>The pictures of a study: its first test images, what each model makes of them alone, and what each stitched pair makes of them. Owns its tensors.</summary>
/// <remarks>
/// <para>They lie in one safetensors file, examples.safetensors, 8 bits a channel, under names that say what they are: "images: faces", "own: vae (faces)", "pair: vae → glow (faces)".</para>
/// <para>Thread safety: reading is safe from several threads.</para>
/// </remarks>
public sealed class StudyExamples : IDisposable
{
    internal const string FileName = "examples.safetensors";
    private readonly StateDictionary _images;

    private StudyExamples(StateDictionary images) => _images = images;

    /// <summary>What there are pictures of, by the names in the file.</summary>
    public IReadOnlyList<string> Names => _images.Names;

    /// <summary>Opens the pictures of a finished study.</summary>
    /// <param name="folder">The study's folder.</param>
    /// <returns>The pictures, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The folder's name is blank.</exception>
    /// <exception cref="FileNotFoundException">The study is not finished, or was run with <see cref="StitchingStudyOptions.Examples"/> at 0.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static StudyExamples Load(string folder)
    {
        Guard.NotBlank(folder);
        string path = Path.Combine(folder, FileName);
        return File.Exists(path)
            ? new StudyExamples(SafeTensors.Load(path))
            : throw new FileNotFoundException($"folder must hold a finished study with pictures, but '{folder}' has no {FileName}. Run the study to its end, with StitchingStudyOptions.Examples above 0.", path);
    }

    /// <summary>The images themselves.</summary>
    /// <param name="images">Their name, as <see cref="StudyPair.Images"/> has it.</param>
    /// <returns>Image batch [n, c, h, w], float32 in [0, 1] in steps of 1/255, owned by the caller; null where there are none.</returns>
    public Tensor? Images(string images) => Find(ImagesKey(images));

    /// <summary>What a model makes of its own latents of the images.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="images">The images' name.</param>
    /// <returns>Image batch [n, c, h, w], float32 in [0, 1], owned by the caller; null where there are none.</returns>
    public Tensor? Own(string model, string images) => Find(OwnKey(model, images));

    /// <summary>What the target makes of the source's mapped latents.</summary>
    /// <param name="pair">The pair.</param>
    /// <returns>Image batch [n, c, h, w], float32 in [0, 1], owned by the caller; null where there are none.</returns>
    public Tensor? Pair(StudyPair pair) => Find(PairKey(Guard.NotNull(pair).Source, pair.Target, pair.Images));

    /// <summary>Frees the tensors. A second call does nothing.</summary>
    public void Dispose() => _images.Dispose();

    internal static string ImagesKey(string images) => $"images: {images}";

    internal static string OwnKey(string model, string images) => $"own: {model} ({images})";

    internal static string PairKey(string source, string target, string images) => $"pair: {source} → {target} ({images})";

    private Tensor? Find(string key)
    {
        if (!_images.Contains(key)) return null;
        using Tensor values = _images[key].to_type(ScalarType.Float32);
        return values.div(255);
    }
}
