using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class ConceptTests
{
    private static readonly double[,] _first = { { 0.9, 0.2, 0.5 }, { 0.1, 0.3, 0.4 }, { 0.8, 0.7, 0.1 } };
    private static readonly double[,] _second = { { 0.7, 0.6, 0.1 }, { 0.2, 0.2, 0.2 }, { 0.9, 0.6, 0.6 } };

    [Fact]
    public void ConceptOverlap_IsThePublishedNumbers_WithEmptyImagesAtOne()
    {
        using var scope = NewDisposeScope();
        var overlap = ConceptOverlap.Measure(tensor(_first), tensor(_second));
        // Sets {a}, {}, {a, b} and {a, b}, {}, {a, b, c}: 1/2, empty, 2/3. A half rounds to 0.
        overlap.InstanceJaccard.Value.Should().BeApproximately((0.5 + 1 + (2 / 3.0)) / 3, 1e-15);
        overlap.EmptyImages.Should().Be(1);
        overlap.NonEmptyJaccard.Should().BeApproximately((0.5 + (2 / 3.0)) / 2, 1e-15);
        double[] s = [1.8 / 4, 1.2 / 4, 1.0 / 4], t = [1.8 / 4.1, 1.4 / 4.1, 0.9 / 4.1];
        overlap.DatasetDivergence.Value.Should().BeApproximately(s.Zip(t, (a, b) => a * Math.Log(a / b)).Sum(), 1e-15);
        // Rounded sums 2, 1, 0 and 2, 2, 1.
        overlap.RoundedDatasetDivergence.Value.Should().BeApproximately((2 / 3.0 * Math.Log(2 / 3.0 / 0.4)) + (1 / 3.0 * Math.Log(1 / 3.0 / 0.4)), 1e-15);
        overlap.InstanceJaccard.Signature.Should().Be("jaccard|level:image|rounding:half-even|empty:1|n:3|ci:percentile-bootstrap-2000");
        overlap.InstanceJaccard.Lower.Should().BeLessThan(overlap.InstanceJaccard.Value);
    }

    [Fact]
    public void ConceptOverlap_WithItself_IsFull_AndWithNothing_IsUndefined()
    {
        using var scope = NewDisposeScope();
        var same = ConceptOverlap.Measure(tensor(_first), tensor(_first));
        same.InstanceJaccard.Value.Should().Be(1);
        same.DatasetDivergence.Value.Should().Be(0);
        var none = ConceptOverlap.Measure(tensor(_first), zeros(3, 3, ScalarType.Float64));
        none.DatasetDivergence.Value.Should().Be(double.NaN);
        none.DatasetDivergence.IntervalMethod.Should().Be("none");
        none.NonEmptyJaccard.Should().Be(0);
        var disjoint = ConceptOverlap.Measure(tensor(new double[,] { { 1, 1 } }), tensor(new double[,] { { 1, 0 } }));
        disjoint.DatasetDivergence.Value.Should().Be(double.PositiveInfinity);
        ConceptOverlap.Measure(zeros(2, 2), zeros(2, 2)).NonEmptyJaccard.Should().Be(double.NaN);
    }

    [Fact]
    public void ClassDivergence_IsPerSampleInNats_BothWays()
    {
        using var scope = NewDisposeScope();
        Tensor p = tensor(new double[,] { { 0.5, 0.3, 0.2 }, { 0.8, 0.1, 0.1 }, { 0.2, 0.2, 0.6 } }), q = tensor(new double[,] { { 0.25, 0.5, 0.25 }, { 0.6, 0.2, 0.2 }, { 0.2, 0.2, 0.6 } });
        IReadOnlyList<ClassDivergence> results = ClassDivergence.Measure(p, q, [0, 0, 2], ["a", "b", "c"]);
        results.Select(result => result.Name).Should().Equal("a", "c");
        double[][] pa = [[0.5, 0.3, 0.2], [0.8, 0.1, 0.1]], qa = [[0.25, 0.5, 0.25], [0.6, 0.2, 0.2]];
        double forward = pa.Zip(qa, (a, b) => Kl(b, a)).Average(), backward = pa.Zip(qa, Kl).Average();
        results[0].MappedFromTrue.Value.Should().BeApproximately(forward, 1e-11);
        results[0].TrueFromMapped.Value.Should().BeApproximately(backward, 1e-11);
        results[0].JensenShannon.Value.Should().BeApproximately(pa.Zip(qa, (a, b) => (Kl(a, Middle(a, b)) + Kl(b, Middle(a, b))) / 2).Average(), 1e-11);
        results[0].Legacy.Should().BeApproximately(forward / 3, 1e-15, "the studies' reduction divides by the classes as well");
        results[0].MappedFromTrue.Info.Unit.Should().Be("nats");
        results[0].MappedFromTrue.Signature.Should().Be("kl|from:true|to:mapped|floor:1e-12|n:2|ci:bca-bootstrap-2000");
        results[1].MappedFromTrue.Value.Should().Be(0);
        results[1].JensenShannon.Value.Should().Be(0);

        static double Kl(double[] a, double[] b) => a.Zip(b, (x, y) => x * Math.Log(x / y)).Sum();
        static double[] Middle(double[] a, double[] b) => [.. a.Zip(b, (x, y) => (x + y) / 2)];
    }

    [Fact]
    public void ClassDivergence_Zeros_AreFloored_ButNotInTheLegacyNumber()
    {
        using var scope = NewDisposeScope();
        Tensor p = tensor(new double[,] { { 1, 0 } }), q = tensor(new double[,] { { 0.5, 0.5 } });
        ClassDivergence result = ClassDivergence.Measure(p, q, [0], ["a", "b"], floor: 1e-6)[0];
        double small = 1e-6 / (1 + 1e-6), large = 1 / (1 + 1e-6);
        result.MappedFromTrue.Value.Should().BeApproximately((0.5 * Math.Log(0.5 / large)) + (0.5 * Math.Log(0.5 / small)), 1e-12);
        result.TrueFromMapped.Value.Should().BeApproximately((large * Math.Log(large / 0.5)) + (small * Math.Log(small / 0.5)), 1e-12);
        result.Legacy.Should().Be(double.PositiveInfinity);
        ClassDivergence.Measure(q, p, [0], ["a", "b"])[0].Legacy.Should().BeApproximately(Math.Log(2) / 2, 1e-15, "0·ln 0 is 0");
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        Tensor good = full([2, 2], 0.5), scores = tensor(new double[,] { { 0.5, 0.5 }, { 3, -1 } });
        Action range = () => ConceptOverlap.Measure(good, scores), width = () => ConceptOverlap.Measure(good, full([2, 3], 0.5)), rows = () => ConceptOverlap.Measure(good, full([3, 2], 0.5));
        range.ShouldRefuse("second", "second must hold probabilities in [0, 1], but row 1 holds values from -1 to 3. Pass scores through sigmoid(), or those of regressions through clamp(0, 1).");
        width.ShouldRefuse("second", "second must have a column a concept of first, but the shapes are [2, 3] and [2, 2].");
        rows.ShouldRefuse("second", "second must hold as many rows as first, but the shapes are [2, 2] and [3, 2]. Row i of both must come from the same input.");
        Action sums = () => ClassDivergence.Measure(scores, good, [0, 1], ["a", "b"]), names = () => ClassDivergence.Measure(good, good, [0, 1], ["a"]),
            classes = () => ClassDivergence.Measure(good, good, [0, 2], ["a", "b"]), count = () => ClassDivergence.Measure(good, good, [0], ["a", "b"]), floor = () => ClassDivergence.Measure(good, good, [0, 1], ["a", "b"], floor: 0);
        sums.ShouldRefuse("probabilities", "probabilities must have rows that are distributions, but row 1 sums to 2 with -1 as its least. Pass scores through softmax(1).");
        names.ShouldRefuse("probabilities", "probabilities must have 1 columns, one a name, but its shape is [2, 2].");
        classes.ShouldRefuse("classes", "classes must lie from 0 to 1, the places of names, but row 1 is 2.");
        count.ShouldRefuse("classes", "classes must have an entry a row, 2, but they have 1.");
        floor.ShouldRefuse("floor", "floor must lie strictly between 0 and 1, but it is 0.");
    }
}
