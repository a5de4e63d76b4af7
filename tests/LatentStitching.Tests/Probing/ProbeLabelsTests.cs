using LatentStitching.Data;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

public sealed class ProbeLabelsTests
{
    private static readonly AttributeTable _table = new(["a", "b"], [[true, false], [false, false], [true, true], [true, false], [false, true], [true, false]]);

    [Fact]
    public void Of_TakesTheNamedColumnsInOrder()
    {
        var labels = ProbeLabels.Of(_table, "b", "a");
        labels.Names.Should().Equal("b", "a");
        labels.Count.Should().Be(6);
        Enumerable.Range(0, 6).Select(row => labels[row, 0]).Should().Equal(_table.Column("b"));
        Enumerable.Range(0, 6).Select(row => labels[row, 1]).Should().Equal(_table.Column("a"));
        labels.Size(1).Should().Be((6, 4));
        ProbeLabels.Of(_table).Names.Should().Equal("a", "b");
    }

    [Fact]
    public void Balanced_KeepsTheSmallerClassWhole_AndAsManyOfTheOther()
    {
        var labels = ProbeLabels.Of(new ProceduralFaces(200, 32).Attributes!);
        ProbeLabels balanced = labels.Balanced(3), again = labels.Balanced(3), other = labels.Balanced(4);
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            (int rows, int positives) = labels.Size(attribute);
            int each = Math.Min(positives, rows - positives);
            balanced.Size(attribute).Should().Be((2 * each, each));
            Enumerable.Range(0, 200).Select(row => balanced.Uses(row, attribute)).Should().Equal(Enumerable.Range(0, 200).Select(row => again.Uses(row, attribute)));
        }
        Enumerable.Range(0, 200).Select(row => balanced.Uses(row, 0)).Should().NotEqual(Enumerable.Range(0, 200).Select(row => other.Uses(row, 0)));
        Enumerable.Range(0, 200).Should().OnlyContain(row => balanced[row, 0] == labels[row, 0]);
    }

    [Fact]
    public void OneVersusRest_MakesAnAttributeAClass()
    {
        var labels = ProbeLabels.OneVersusRest([0, 2, 1, 2], ["cat", "dog", "bird"]);
        Enumerable.Range(0, 4).Select(row => labels[row, 2]).Should().Equal(false, true, false, true);
        labels.Select([3, 0])[0, 2].Should().BeTrue();
        labels.Select([3, 0]).Count.Should().Be(2);
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        Action none = () => ProbeLabels.Of(_table, "c"), twice = () => ProbeLabels.Of(_table, "a", "a"), empty = () => ProbeLabels.Of(new AttributeTable(["a"], []));
        none.ShouldRefuse("name", "name must be one of the attributes a, b, but it is 'c'.");
        twice.ShouldRefuse("names", "names must differ, but 'a' comes twice.");
        empty.ShouldRefuse("table", "table must hold at least one row, but it is empty.");
        Action noClass = () => ProbeLabels.OneVersusRest([0, 3], ["x", "y"]), noRow = () => ProbeLabels.OneVersusRest([], ["x"]);
        noClass.ShouldRefuse("classes", "classes must lie from 0 to 1, the places of names, but row 1 is 3.");
        noRow.ShouldRefuse("classes", "classes must hold at least one row, but it is empty.");
        Action one = () => ProbeLabels.Of(new AttributeTable(["a"], [[true], [true]])).Balanced(0);
        one.ShouldRefuse("labels", "labels must have rows of both classes, but of the 2 rows of 'a' 2 have it. Leave the attribute out, or add rows.");
    }
}
