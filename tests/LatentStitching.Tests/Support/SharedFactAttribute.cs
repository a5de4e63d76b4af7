namespace LatentStitching.Tests.Support;

/// <summary>A test on files that are not part of the repository: skipped, with the reason shown, where they are missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute(string path)
    {
        if (!Shared.Exists(path)) Skip = $"needs shared/{path} beside the repository, which is not there";
    }
}

/// <summary>A theory on files that are not part of the repository: skipped, with the reason shown, where they are missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedTheoryAttribute : TheoryAttribute
{
    public SharedTheoryAttribute(string path)
    {
        if (!Shared.Exists(path)) Skip = $"needs shared/{path} beside the repository, which is not there";
    }
}

/// <summary>The folder of data sets, pretrained models and fixtures that may lie beside the repository.</summary>
internal static class Shared
{
    private static readonly string? _root = Find();

    public static bool Exists(string path) => _root is not null && System.IO.Path.Exists(System.IO.Path.Combine(_root, path));

    public static string Path(string path) => System.IO.Path.Combine(_root ?? throw new DirectoryNotFoundException("There is no shared folder."), path);

    private static string? Find()
    {
        string folder = System.IO.Path.GetFullPath(System.IO.Path.Combine(Repository.Root, "..", "shared"));
        return Directory.Exists(folder) ? folder : null;
    }
}
