using System.Text.RegularExpressions;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>The example of docs/studies.md runs.</summary>
[NoTensorLeaks]
public sealed partial class StudyExampleTests
{
    [Fact]
    public void Example_Runs()
    {
        using TempFolder temporary = new();
        string folder = temporary["study"];
        StringWriter output = new();

        #region example
        IImageSource faces = new ProceduralFaces(200, size: 32);
        using PcaModel coarse = PcaModel.Fit(faces.Take(100), dimension: 4, "pca-4"), fine = PcaModel.Fit(faces.Take(100), dimension: 16, "pca-16");
        StudyMember[] models =
        [
            new(coarse) { Family = ModelFamily.Linear, Architecture = "4 components" },
            new(fine) { Family = ModelFamily.Linear, Architecture = "16 components" },
        ];

        StudyResult study = StitchingStudy.Run(models, faces, folder, new StitchingStudyOptions { Attributes = ["Male", "Smiling"] });

        foreach (StudyPair pair in study.Pairs)
        {
            output.WriteLine($"{pair}: recovered {pair.Number(StudyQuantity.Recovered)!.Value}");
        }
        foreach (Finding finding in Findings.Evaluate(new FindingEvidence { Study = study }))
        {
            output.WriteLine($"{finding.Id} {finding.State}: {finding.Words}");
        }
        #endregion

        string[] lines = output.ToString().ReplaceLineEndings("\n").TrimEnd().Split('\n');
        lines.Should().HaveCount(6 + 15, "two models and two controls make six pairs");
        lines[0].Should().MatchRegex(@"^pca-16 → pca-4 \(procedural-faces\): recovered (1|0\.9\d+) \[");
        File.Exists(Path.Combine(folder, "results.json")).Should().BeTrue();
    }

    [Fact]
    public void Document_ShowsTheExampleThatRuns()
    {
        string source = File.ReadAllText(Path.Combine(Repository.Root, "tests", "LatentStitching.Tests", "Studies", "StudyExampleTests.cs"));
        string example = RegionPattern().Match(source).Groups[1].Value.Replace("\n        ", "\n", StringComparison.Ordinal).Replace("output.WriteLine", "Console.WriteLine", StringComparison.Ordinal).Trim();
        example.Should().NotBeEmpty();
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "studies.md")).Should().Contain($"```csharp\n{example}\n```");
    }

    [GeneratedRegex(@"#region example\n(.*?)#endregion", RegexOptions.Singleline, 1000)]
    private static partial Regex RegionPattern();
}
