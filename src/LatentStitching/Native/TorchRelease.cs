using System.Text;
using System.Text.RegularExpressions;

namespace LatentStitching.Native;

/// <summary>Which libtorch package the application was built with, and where that is written.</summary>
/// <remarks>
/// libtorch's files hold no version as text, and asking it would run it. So this goes by the application's deps.json, else by the
/// name of the package folder that holds the file. In a single-file application neither may be there: then the version is unknown.
/// </remarks>
internal sealed partial record TorchRelease(string Package, Version Version, string Source)
{
    public override string ToString() => $"{Package} {Version} (by {Source})";

    public static TorchRelease? Find(INativeSystem system, string? torch)
    {
        foreach (string path in system.DependencyFiles)
        {
            if (system.ReadFile(path) is { } bytes && Match(Encoding.UTF8.GetString(bytes), Path.GetFileName(path)) is { } release) return release;
        }
        return torch is null ? null : Match(torch, "its folder");
    }

    private static TorchRelease? Match(string text, string source)
    {
        var match = PackageAndVersion().Match(text);
        return match.Success && Version.TryParse(match.Groups["version"].ValueSpan, out var version)
            ? new(match.Groups["package"].Value, version, source)
            : null;
    }

    [GeneratedRegex(@"(?<=[""/])(?<package>libtorch-c(pu|uda)[\w.-]*?)(-part[\w-]*)?/(?<version>\d{1,6}(\.\d{1,6}){1,3})",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PackageAndVersion();
}
