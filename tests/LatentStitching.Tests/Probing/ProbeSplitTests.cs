using LatentStitching.Data;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class ProbeSplitTests
{
    [Fact]
    public void Stratified_IsDisjoint_LeavesTheMapsRowsOut_AndKeepsEveryAttributesShare()
    {
        var labels = ProbeLabels.Of(new ProceduralFaces(1500, 32).Attributes!);
        var split = DataSplit.Create(1500, 500, 0, 0, 4);
        var sets = ProbeSplit.Stratified(labels, split, 0.5, 0.2, 0.2, seed: 1);
        int[] all = [.. sets.Train, .. sets.Validation, .. sets.Test];
        all.Should().OnlyHaveUniqueItems();
        all.Should().NotIntersectWith(split.MapTrain);
        sets.Train.Should().BeInAscendingOrder();
        sets.ToString().Should().Be($"{sets.Train.Count} train, {sets.Validation.Count} validation, {sets.Test.Count} test");
        int[] outside = [.. Enumerable.Range(0, 1500).Except(split.MapTrain)];
        foreach ((IReadOnlyList<int> rows, double share) in ((IReadOnlyList<int>, double)[])[(sets.Train, 0.5), (sets.Validation, 0.2), (sets.Test, 0.2)])
        {
            rows.Count.Should().BeCloseTo((int)(share * 1000), 10);
            for (int attribute = 0; attribute < labels.Names.Count; attribute++)
            {
                int wanted = outside.Count(row => labels[row, attribute]);
                rows.Count(row => labels[row, attribute]).Should().BeCloseTo((int)Math.Round(share * wanted), 8, labels.Names[attribute]);
            }
        }
        var again = ProbeSplit.Stratified(labels, split, 0.5, 0.2, 0.2, seed: 1);
        again.Test.Should().Equal(sets.Test);
        ProbeSplit.Stratified(labels, split, 0.5, 0.2, 0.2, seed: 2).Test.Should().NotEqual(sets.Test);
    }

    [Fact]
    public void Overlaps_AreRefusedInWords()
    {
        var split = DataSplit.FromIds(["0", "1", "2", "3", "4", "5"], ["0", "1"], [], []);
        var sets = ProbeSplit.FromRows(split, [2, 3], [], [5]);
        sets.Train.Should().Equal(2, 3);
        Action map = () => ProbeSplit.FromRows(split, [2, 1], [], [5]), test = () => ProbeSplit.FromRows(split, [2, 3], [4], [5, 3]);
        map.ShouldRefuse("train", "train must share no row with the map's training set, but row 1 is in both. Results on rows that were fitted on flatter.");
        test.ShouldRefuse("test", "test must share no row with train, but row 3 is in both. Results on rows that were fitted on flatter.");
        Action twice = () => ProbeSplit.FromRows(split, [2, 2], [], [5]), outside = () => ProbeSplit.FromRows(split, [2], [], [6]);
        twice.ShouldRefuse("train", "train must hold each row once, but 2 comes twice.");
        outside.ShouldRefuse("test", "test must hold rows from 0 to 5, but one is 6.");
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        var split = DataSplit.Create(6, 2, 0, 0, 0);
        Action count = () => ProbeSplit.Stratified(ProbeCases.Of(true, false), split);
        count.ShouldRefuse("labels", "labels must have a row an image of the split, 6, but they have 2.");
        Action one = () => ProbeSplit.Stratified(ProbeCases.Of(true, true, true, true, true, true), split, 0.5, 0, 0.5);
        one.ShouldRefuse("labels", "labels must have enough rows outside the map's training set for both classes in train, but of its 2 rows of 'x' 2 have it. Leave the attribute out, or fit the map on fewer images.");
        Action sum = () => ProbeSplit.Stratified(ProbeCases.Of(true, false, true, true, true, true), split, 0.5, 0.4, 0.2);
        sum.ShouldRefuse("train", "train + validation + test must be at most 1, but it is 1.1.");
        Action share = () => ProbeSplit.Stratified(ProbeCases.Of(true, false, true, true, true, true), split, 0);
        share.ShouldRefuse("train", "train must lie strictly between 0 and 1, but it is 0.");
    }
}
