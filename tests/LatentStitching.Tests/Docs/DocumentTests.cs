using System.Text.RegularExpressions;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Docs;

[NoTensorLeaks]
public sealed partial class DocumentTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("src/LatentStitching/README.md")]
    public void Readme_ShowsTheExampleThatRuns(string readme)
    {
        string example = File.ReadAllText(Path.Combine(Repository.Root, "docs", "examples", "stitch.cs"));
        string region = RegionPattern().Match(example).Groups[1].Value.Trim();
        region.Should().NotBeEmpty();
        File.ReadAllText(Path.Combine(Repository.Root, readme)).Should().Contain($"```csharp\n{region}\n```");
    }

    [Fact]
    public void Documents_LinkToFilesThatExist()
    {
        List<string> broken = [];
        foreach (string document in Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Concat(Directory.EnumerateFiles(Repository.Root, "*.md")))
        {
            foreach (Match link in LinkPattern().Matches(File.ReadAllText(document)))
            {
                string target = link.Groups[1].Value;
                if (target.StartsWith("http", StringComparison.Ordinal) || target.StartsWith('#')) continue;
                string path = Path.Combine(Path.GetDirectoryName(document)!, target.Split('#')[0]);
                if (!Path.Exists(path)) broken.Add($"{Path.GetFileName(document)} → {target}");
            }
        }
        broken.Should().BeEmpty();
    }

    [Fact]
    public void SourceFiles_AreShort()
    {
        IEnumerable<string> longFiles = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => File.ReadLines(file).Count() > 400)
            .Select(file => Path.GetFileName(file));
        longFiles.Should().BeEmpty("one algorithm goes into one file, readable top to bottom");
    }

    [GeneratedRegex(@"#region readme\n(.*)#endregion", RegexOptions.Singleline, 1000)]
    private static partial Regex RegionPattern();

    [GeneratedRegex(@"\]\(([^)\s]+)\)", RegexOptions.None, 1000)]
    private static partial Regex LinkPattern();
}
