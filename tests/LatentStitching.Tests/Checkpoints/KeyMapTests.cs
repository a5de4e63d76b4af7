using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

[NoTensorLeaks]
public sealed class KeyMapTests
{
    [Fact]
    public void Apply_RenamesByTheFirstRuleThatMatchesWhole_AndConverts()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = new(
            [("module.conv1.weight", ones(2, 3)), ("module.attention.q.weight", arange(4).reshape(2, 2)), ("step", ones(1)), ("head", zeros(1))],
            new Dictionary<string, string> { ["epoch"] = "3" });
        KeyMap map = new(
            "toy",
            KeyRule.Rename(@"module\.attention\.(.)\.weight", "attention.$1.kernel", tensor => tensor.reshape(2, 2, 1, 1)),
            KeyRule.Rename(@"module\.(.*)", "$1"),
            KeyRule.Drop("step"),
            KeyRule.Rename("ea", "never: it is not the whole name"));
        using StateDictionary renamed = map.Apply(state);
        renamed.Names.Should().Equal("conv1.weight", "attention.q.kernel", "head");
        renamed["attention.q.kernel"].shape.Should().Equal(2, 2, 1, 1);
        renamed["attention.q.kernel"].flatten().data<long>().ToArray().Should().Equal(0, 1, 2, 3);
        renamed.Metadata["epoch"].Should().Be("3");
        map.ToString().Should().Be("toy (4 rules)");
        KeyRule.Drop("step").ToString().Should().Be(@"^(?:step)\z → left out");
    }

    [Fact]
    public void Apply_ANameThatEndsInALineBreak_IsAnotherName()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = new([("step\n", ones(1))]), kept = new KeyMap("toy", KeyRule.Drop("step")).Apply(state);
        kept.Names.Should().Equal("step\n");
    }

    [Fact]
    public void Apply_AConversionThatFails_NamesKeyAndShape()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = new([("a", ones(2, 3))]);
        KeyMap map = new("toy", KeyRule.Rename("a", "b", tensor => tensor.reshape(7)));
        ((Action)(() => map.Apply(state))).Should().Throw<InvalidDataException>().WithMessage("toy must hold 'a' in the published shape, but it is [2, 3], which cannot be converted: *");
    }

    [Fact]
    public void Apply_TwoNamesBecomeOne_IsRefused()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = new([("a.w", ones(1)), ("w", ones(1))]);
        KeyMap map = new("toy", KeyRule.Rename(@"a\.(.*)", "$1"));
        Action act = () => map.Apply(state);
        act.ShouldRefuse("state", "state must keep its names apart, but toy renames both 'a.w' and 'w' to 'w'.");
    }

    [Fact]
    public void Constructor_BadArguments_AreRefused()
    {
        Action blank = () => _ = new KeyMap(" "), nothing = () => _ = new KeyMap("toy", [null!]), pattern = () => KeyRule.Drop("");
        blank.ShouldRefuse("name", "name must not be blank.");
        nothing.ShouldRefuse("rules", "rules must not hold null.");
        pattern.Should().Throw<ArgumentException>().Which.ParamName.Should().Be("pattern");
    }

    [Fact]
    public void Compare_TellsEverythingAtOnce()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = new([("b", ones(2, 3)), ("c", ones(4)), ("d", ones(1))]);
        var report = WeightReport.Compare(state, [("a", [1]), ("b", [3, 2]), ("c", [4])]);
        report.Missing.Should().Equal("a");
        report.Unexpected.Should().Equal("d");
        report.Misshapen.Should().Equal("b is [2, 3] instead of [3, 2]");
        report.IsExact.Should().BeFalse();
        report.ToString().Should().Be("a is missing; b is [2, 3] instead of [3, 2]; d is unexpected");
        var exact = WeightReport.Compare(state, [("d", [1]), ("b", [2, 3]), ("c", [4])]);
        exact.IsExact.Should().BeTrue();
        exact.ToString().Should().Be("every weight fits");
    }
}
