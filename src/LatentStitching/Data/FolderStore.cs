namespace LatentStitching.Data;

/// <summary>Picture files below a folder.</summary>
internal sealed class FolderStore : ImageStore
{
    private readonly string[] _ids;
    private readonly string[] _files;

    /// <summary>Lists the files. Their ids are the paths below the folder with '/', or the bare file names.</summary>
    public FolderStore(string path, bool bareNames)
        : base(path)
    {
        if (!Directory.Exists(path)) throw new DirectoryNotFoundException($"path must be a folder of images, but there is no folder '{path}'.");
        // Nothing is left out for want of rights: a set of images that silently lacks some is another set.
        var everything = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System };
        _files = [.. Directory.EnumerateFiles(path, "*", everything).Where(file => IsImage(System.IO.Path.GetFileName(file)))];
        _ids = Array.ConvertAll(_files, file => bareNames ? System.IO.Path.GetFileName(file) : System.IO.Path.GetRelativePath(path, file).Replace('\\', '/'));
        Array.Sort(_ids, _files, StringComparer.Ordinal);
        Check(_ids, path);
        Ids = Array.AsReadOnly(_ids);
    }

    public override IReadOnlyList<string> Ids { get; }

    public override byte[] Read(int index) => File.ReadAllBytes(_files[index]);

    public override void Dispose()
    {
        // A folder is not kept open.
    }
}
