namespace LatentStitching.Tests.Support;

/// <summary>The repository that the tests were built in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LatentStitching.sln"))) return folder.FullName;
        }
        throw new DirectoryNotFoundException($"No LatentStitching.sln above {AppContext.BaseDirectory}.");
    }
}
