using LatentStitching.Fitting;
using LatentStitching.Numerics;
using LatentStitching.Tests.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

/// <summary>Errors of groups that were left out, against a refit without each.</summary>
[NoTensorLeaks]
public sealed class GroupedPathTests
{
    // Rows, columns, and the sizes of the groups, dealt out in turn: small and large beside the directions, mixed, and all that is left but a few rows.
    public static TheoryData<long, long, int[], bool> Cases()
    {
        TheoryData<long, long, int[], bool> data = [];
        foreach (bool intercept in (bool[])[true, false])
        {
            data.Add(50, 7, [3, 1, 2], intercept);
            data.Add(61, 7, [12, 2, 9, 8], intercept);
            data.Add(40, 3, [20], intercept);
            data.Add(40, 12, [13], intercept);
            data.Add(24, 20, [6], intercept);
            data.Add(21, 20, [4, 1], intercept);
            data.Add(20, 20, [5, 3], intercept);
            data.Add(20, 60, [3, 1], intercept);
            data.Add(20, 60, [17, 3], intercept);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Errors_AreThoseOfRefits(long rows, long columns, int[] sizes, bool intercept) => Compare(rows, columns, 3, sizes, intercept);

    // A group of several blocks of rows, and others of which one block holds several.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Errors_OfManyRowsAndTargets_AreThoseOfRefits(bool intercept) => Compare(2500, 4, 1024, [700, 30], intercept);

    // The squares of large groups follow from sums, of which only those of what no strength explains are left.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Errors_OfAlmostExactTargets_AreThoseOfRefits(bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(60, 4, 1), y = x.mm(Draws.Matrix(4, 3, 3)).add(Draws.Matrix(60, 3, 2).mul(1e-6));
        int[] labels = Labels(60, [20]);
        GroupedPath grouped = Paths(x, y, labels, intercept).Grouped;
        foreach (double alpha in (double[])[0, 1e-5, 1e-2]) grouped.Errors(alpha)[0].ShouldBeCloseTo(tensor(Draws.LeftOutErrors(x, y, alpha, intercept, labels).Errors), 1e-8, $"alpha {alpha}");
    }

    [Theory]
    [InlineData(50, 7, true)]
    [InlineData(50, 7, false)]
    [InlineData(20, 20, true)]
    [InlineData(20, 60, true)]
    [InlineData(20, 60, false)]
    public void Errors_OfSingleRows_AreThoseOfLeaveOneOut(long rows, long columns, bool intercept)
    {
        using var scope = NewDisposeScope();
        (RidgePath path, GroupedPath grouped) = Paths(Draws.Matrix(rows, columns, 1), Draws.Matrix(rows, 3, 2), [.. Enumerable.Range(0, (int)rows)], intercept);
        foreach (double alpha in (double[])[1e-3, 1, 100]) grouped.Errors(alpha).ShouldBeCloseTo(path.Errors(alpha), 1e-11, $"alpha {alpha}");
    }

    [Fact]
    public void Errors_AnyOrderOfRowsAndAnyLabels_AreTheSame()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(60, 5, 1), y = Draws.Matrix(60, 3, 2), order = randperm(60);
        int[] labels = Labels(60, [4, 11, 1]), renamed = [.. labels.Select(label => 1000 - (label * 17))];
        long[] places = order.data<long>().ToArray();
        Tensor expected = Paths(x, y, labels, true).Grouped.Errors(0.3);
        Paths(x, y, renamed, true).Grouped.Errors(0.3).ShouldBeCloseTo(expected, 1e-15);
        Paths(x.index_select(0, order), y.index_select(0, order), [.. places.Select(place => labels[place])], true).Grouped.Errors(0.3).ShouldBeCloseTo(expected, 1e-12);
    }

    /// <summary>A direction that one group alone varies in has no fit without it: the strength's error is infinite, by the small factor and by the large one.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    public void Errors_GroupThatDeterminesADirection_AreInfinite(int size)
    {
        foreach (bool intercept in (bool[])[true, false])
        {
            using var scope = NewDisposeScope();
            Tensor x = Draws.Matrix(60, 4, 1);
            x[TensorIndex.Ellipsis, 3] = cat([Draws.Matrix(size, 1, 5).squeeze(1), zeros(60 - size, ScalarType.Float64)]);
            GroupedPath grouped = Paths(x.mm(Draws.Orthogonal(4, 3)), Draws.Matrix(60, 3, 2), Labels(60, [size]), intercept).Grouped;
            foreach (double alpha in (double[])[0, 1e-12])
            {
                grouped.Errors(alpha)[0].isposinf().all().ToBoolean().Should().BeTrue($"alpha {alpha}");
                grouped.IsJudged.Should().BeFalse();
            }
            grouped.Errors(1).isfinite().all().ToBoolean().Should().BeTrue();
            grouped.IsJudged.Should().BeTrue();
        }
    }

    /// <summary>Copies of rows in one group, and fewer rows than columns: I − H has eigenvalues of 1 and of α/λ, and keeps its digits.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Errors_CopiesInAGroupAndSmallStrengths_AreThoseOfRefits(bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor half = Draws.Matrix(12, 60, 1), x = cat([half, half]), y = Draws.Matrix(24, 3, 2);
        int[] labels = [.. Enumerable.Range(0, 24).Select(row => row % 12)];
        GroupedPath grouped = Paths(x, y, labels, intercept).Grouped;
        foreach (double alpha in (double[])[1e-6, 1e-3, 1])
        {
            double[] errors = Draws.LeftOutErrors(x, y, alpha, intercept, labels).Errors;
            grouped.Errors(alpha)[0].ShouldBeCloseTo(tensor(errors), 1e-7, $"alpha {alpha}");
        }
    }

    [Fact]
    public void Groups_TogetherAndLargerFirst()
    {
        RowGroups groups = RowGroups.Of([5, 2, 5, 7, 2, 2]);
        groups.Order.Should().Equal(1, 4, 5, 0, 2, 3);
        (groups.Count, groups.IsOrdered, groups.IsSingle).Should().Be((3, false, false));
        groups.Parts(100).Should().Equal((0, 3, 1), (3, 2, 1), (5, 1, 1));
        RowGroups folds = RowGroups.Of(RidgePathOptions.Folds(11, 4));
        folds.IsOrdered.Should().BeTrue();
        folds.Parts(7).Should().Equal((0, 3, 2), (6, 3, 1), (9, 2, 1));
        folds.Parts(7, largest: 2).Should().Equal((0, 3, 1), (3, 3, 1), (6, 3, 1), (9, 2, 1));
        folds.Parts(1).Should().Equal((0, 3, 1), (3, 3, 1), (6, 3, 1), (9, 2, 1));
        RowGroups.Of([4, -1, 3]).IsSingle.Should().BeTrue();
    }

    private static void Compare(long rows, long columns, long targets, int[] sizes, bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(rows, columns, 1).add(0.5), y = x.mm(Draws.Matrix(columns, targets, 3)).add(Draws.Matrix(rows, targets, 2)).add(2);
        int[] labels = Scattered(Labels((int)rows, sizes));
        (RidgePath path, GroupedPath grouped) = Paths(x, y, labels, intercept);
        foreach (double alpha in (double[])[0, 0.01, 1, 100])
        {
            if (alpha == 0 && rows - labels.GroupBy(label => label).Max(group => group.Count()) <= columns + 1) continue;
            (double[] errors, double variation) = Draws.LeftOutErrors(x, y, alpha, intercept, labels);
            Tensor actual = grouped.Errors(alpha);
            actual[0].ShouldBeCloseTo(tensor(errors), 1e-10, $"alpha {alpha}");
            actual[1].ShouldBeCloseTo(path.Errors(alpha)[1], 1e-12);
            grouped.Variation().Should().BeApproximately(variation, 1e-10 * variation);
        }
        grouped.IsJudged.Should().BeTrue();
    }

    private static (RidgePath Path, GroupedPath Grouped) Paths(Tensor x, Tensor y, int[] labels, bool intercept)
    {
        var path = RidgePath.Of(CentredMatrix.Of(x, intercept), CentredMatrix.Of(y, intercept), intercept, CancellationToken.None);
        return (path, GroupedPath.Of(path, y, RowGroups.Of(labels)));
    }

    private static int[] Labels(int rows, int[] sizes)
    {
        List<int> labels = [];
        for (int group = 0; labels.Count < rows; group++) labels.AddRange(Enumerable.Repeat(group, Math.Min(sizes[group % sizes.Length], rows - labels.Count)));
        return [.. labels];
    }

    // The rows of a group apart from each other.
    private static int[] Scattered(int[] labels) => [.. Enumerable.Range(0, labels.Length).Select(row => labels[row * 37 % labels.Length])];
}
