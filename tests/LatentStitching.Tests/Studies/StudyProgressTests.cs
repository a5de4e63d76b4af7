using LatentStitching.Models;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>A caller can show how far a study is, what it does, and how long it will take.</summary>
[NoTensorLeaks]
public sealed class StudyProgressTests
{
    [Fact]
    public void Run_TellsPartsByKind_TimePassedAndTimeLeft()
    {
        using TempFolder folder = new();
        ILatentModel[] models = [Toy.Linear("a", 1), StudyToys.Narrow("narrow")];
        Steps<StudyProgress> steps = new();
        StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(40), folder.Root, StudyToys.Options with { Similarities = [] }, steps);
        StudyProgress[] parts = [.. steps.All.Where(step => step.Share == 1)];
        parts.Select(part => part.Step).Should().Equal("encode", "encode", "encode", "encode", "own", "pair", "pair", "pair", "own", "pair", "pair", "pair", "path", "path");
        parts.Select(part => part.Done).Should().Equal(Enumerable.Range(1, 14));
        steps.All.Should().OnlyContain(step => step.Total == 14 && !step.Failed);
        steps.All.Select(step => step.Elapsed).Should().BeInAscendingOrder();
        steps.All[0].Remaining.Should().BeNull("no part has been computed");
        parts.Should().OnlyContain(part => part.Remaining >= TimeSpan.Zero);
        parts[^1].Remaining.Should().Be(TimeSpan.Zero);
        StudyToys.Dispose(models);
    }

    [Fact]
    public void Run_TellsWhichPartFailed()
    {
        using TempFolder folder = new();
        ILatentModel[] inner = [Toy.Linear("a", 1), StudyToys.Narrow("narrow")];
        FragileModel[] models = [new(inner[0]), new(inner[1], null, () => throw new InvalidOperationException("broken decoder"))];
        Steps<StudyProgress> steps = new();
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(40), folder.Root, StudyToys.Options with { Similarities = [], Paths = false }, steps);
        steps.All.Where(step => step.Failed).Select(step => (step.Step, step.Item)).Should().BeEquivalentTo(result.Failures.Select(failure => (failure.Step, failure.Item))).And.HaveCount(4);
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Pace_CountsEachKindAtItsOwn()
    {
        StudyPace pace = new();
        pace.Expect("pair", 4);
        pace.Expect("path", 10);
        pace.Remaining("pair", 0).Should().BeNull();
        pace.Finish("pair", TimeSpan.FromSeconds(6));
        pace.Remaining("pair", 0).Should().Be(TimeSpan.FromSeconds((3 * 6) + (10 * 6)), "a path may cost what a pair does");
        pace.Finish("pair", null);
        pace.Finish("pair", TimeSpan.FromSeconds(2));
        pace.Finish("path", TimeSpan.FromSeconds(1));
        pace.Remaining("path", 0).Should().Be(TimeSpan.FromSeconds(4 + 9));
        pace.Remaining("pair", 0.5).Should().Be(TimeSpan.FromSeconds(2 + 9), "half of a pair is done");
    }
}
