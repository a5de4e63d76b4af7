using LatentStitching.Checkpoints;

namespace LatentStitching.Studies;

/// <summary>Keeps a study's pictures part by part, and puts them together at the end.</summary>
internal sealed class ExampleFiles(StudyFolder folder, int count)
{
    private readonly List<string> _kept = [];

    /// <summary>Whether the pictures of a part are there, or none are wanted.</summary>
    public bool Has(string name, string fingerprint) => count == 0 || File.Exists(PathOf(name, fingerprint));

    /// <summary>Keeps the first rows of what a part decodes.</summary>
    /// <param name="name">The part.</param>
    /// <param name="fingerprint">Its fingerprint.</param>
    /// <param name="batches">Names in <see cref="StudyExamples"/>, and what gives the image batch of the first rows.</param>
    public void Keep(string name, string fingerprint, params IReadOnlyList<(string Key, Func<int, Tensor> Batch)> batches)
    {
        if (count == 0) return;
        using var scope = NewDisposeScope();
        SafeTensors.Save(PathOf(name, fingerprint), [.. batches.Select(batch => (batch.Key, batch.Batch(count).cpu().mul(255).round().to_type(ScalarType.Byte)))]);
    }

    /// <summary>Counts a finished part's pictures among those of the study.</summary>
    public void Count(string name, string fingerprint)
    {
        if (count > 0) _kept.Add(PathOf(name, fingerprint));
    }

    /// <summary>Writes the study's one file of pictures.</summary>
    public void Assemble()
    {
        if (count == 0) return;
        List<StateDictionary> opened = [];
        try
        {
            foreach (string path in _kept) opened.Add(SafeTensors.Load(path));
            folder.WriteTensors(StudyExamples.FileName, [.. opened.SelectMany(part => part.Names.Select(key => (key, part[key]))).DistinctBy(entry => entry.key, StringComparer.Ordinal)]);
        }
        finally
        {
            foreach (StateDictionary part in opened) part.Dispose();
        }
    }

    private string PathOf(string name, string fingerprint) => folder.Examples(name, fingerprint, count);
}
