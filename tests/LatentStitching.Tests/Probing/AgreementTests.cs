using LatentStitching.Data;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class AgreementTests
{
    // One column whose score is the latent itself, so that a list of scores says everything.
    private static ProbeAgreement Measure(double[] first, double[] second, bool[] labels, ProbeDecision decision = ProbeDecision.Sign, string map = "a → b", ulong seed = 0)
    {
        using var scope = NewDisposeScope();
        using LinearProbes probes = new(["x"], ones(1, 1, ScalarType.Float64), zeros(1, ScalarType.Float64), decision);
        var table = ProbeLabels.Of(new AttributeTable(["x"], [.. labels.Select(label => (IReadOnlyList<bool>)[label])]));
        return ProbeAgreement.Measure(map, probes, tensor(first).unsqueeze(1), tensor(second).unsqueeze(1), table, seed);
    }

    private static ProbeAgreement Counts(int bothRight, int onlyFirst, int onlySecond, int bothWrong)
    {
        // All rows have the attribute: right is yes.
        double[] first = [.. Repeat(1, bothRight + onlyFirst), .. Repeat(-1, onlySecond + bothWrong)];
        double[] second = [.. Repeat(1, bothRight), .. Repeat(-1, onlyFirst), .. Repeat(1, onlySecond), .. Repeat(-1, bothWrong)];
        return Measure(first, second, [.. Enumerable.Repeat(true, first.Length)]);

        static IEnumerable<double> Repeat(double value, int count) => Enumerable.Repeat(value, count);
    }

    [Fact]
    public void Kappa_IsCohensOnAKnownTable()
    {
        // The table 20, 5, 10, 15 of many textbooks: p_o = 0.7, p_e = 0.5, κ = 0.4.
        AttributeAgreement agreement = Counts(20, 5, 10, 15).Attributes[0];
        agreement.Kappa.Value.Should().BeApproximately(0.4, 1e-15);
        agreement.EqualPredictions.Value.Should().BeApproximately(70, 1e-12);
        agreement.Accuracy.Value.Should().BeApproximately(0.5, 1e-15);
        agreement.MappedAccuracy.Value.Should().BeApproximately(0.6, 1e-15);
        agreement.AccuracyChange.Value.Should().BeApproximately(10, 1e-12);
        agreement.RelativeAccuracyChange.Value.Should().BeApproximately(20, 1e-12);
        agreement.RelativeAccuracyLoss.Should().BeApproximately(-20, 1e-12);
        agreement.LegacyPercentDelta.Should().Be(19, "20 less rounding is cut to a whole number, as published");
        // With one class the errors are the predictions, so both κ agree.
        agreement.ErrorConsistency.Value.Should().BeApproximately(0.4, 1e-15);
        (agreement.Rows, agreement.Positives).Should().Be((50, 50));
        agreement.Kappa.Lower.Should().BeInRange(0.05, 0.3);
        agreement.Kappa.Upper.Should().BeInRange(0.5, 0.75);
        agreement.Kappa.Signature.Should().Be("kappa|of:predictions|n:50|ci:percentile-bootstrap-2000");
        agreement.Accuracy.PerImage.Average().Should().BeApproximately(0.5, 1e-15);
        agreement.AccuracyChange.PerImage.Average().Should().BeApproximately(10, 1e-12);
    }

    [Fact]
    public void ErrorConsistency_LooksAtErrorsNotAtPredictions()
    {
        // Right on all but other rows each: predictions agree with chance, errors are disjoint.
        bool[] labels = [true, true, true, true, false, false, false, false];
        double[] truth = [1, 1, 1, 1, -1, -1, -1, -1];
        double[] first = [.. truth], second = [.. truth];
        first[0] = -1;
        second[7] = 1;
        AttributeAgreement agreement = Measure(first, second, labels).Attributes[0];
        // p = 7/8 twice: alike in 6 of 8, expected 50/64.
        agreement.ErrorConsistency.Value.Should().BeApproximately((0.75 - (50.0 / 64)) / (1 - (50.0 / 64)), 1e-14);
        agreement.EqualPredictions.Value.Should().Be(75);
        agreement.Confusion[2, 2].Should().Be(3);
        agreement.Confusion[1, 2].Should().Be(1);
        agreement.MappedConfusion[2, 1].Should().Be(1);
        agreement.McNemar.ExactP.Should().Be(1);
    }

    [Fact]
    public void Rounding_CountsNeitherAsWrong_AndTheLegacyNumbersAsPublished()
    {
        // Scores round to 1, 2, 2, 0, −1, 0 and to 1, 2, 3, 1, −1, 0.
        AttributeAgreement agreement = Measure([1.2, 1.7, 2.1, 0.2, -0.9, 0.5], [0.8, 2.2, 3.1, 0.9, -1.2, -0.2], [true, true, true, false, false, false], ProbeDecision.Rounding).Attributes[0];
        agreement.Accuracy.Value.Should().BeApproximately(3 / 6.0, 1e-15);
        agreement.MappedAccuracy.Value.Should().BeApproximately(2 / 6.0, 1e-15);
        // "Neither" twice is equal, 2 and 3 included; the studies compare the numbers.
        agreement.EqualPredictions.Value.Should().BeApproximately(500 / 6.0, 1e-12);
        agreement.EqualRoundedScores.Should().Be(4);
        agreement.LegacyPercentageMatches().Should().Be(4);
        agreement.LegacyPercentageMatches(200).Should().Be(2);
        agreement.LegacyPercentageMatches(6).Should().Be(66);
        agreement.RelativeAccuracyChange.Value.Should().BeApproximately(-100 / 3.0, 1e-12);
        agreement.LegacyPercentDelta.Should().Be(-33);
        agreement.Confusion[0, 2].Should().Be(2);
        agreement.Confusion.Names.Should().Equal("neither", "no", "yes");
    }

    [Fact]
    public void Measure_UsesEachAttributesOwnRows_AndNoOthers()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        Tensor latents = randn([60, 2], ScalarType.Float64, generator: generator), mapped = latents + 0.5 * randn([60, 2], ScalarType.Float64, generator: generator);
        double[] values = latents.data<double>().ToArray();
        var all = ProbeLabels.Of(new AttributeTable(["a", "b"], [.. Enumerable.Range(0, 60).Select(row => (IReadOnlyList<bool>)[values[2 * row] > 0.8, values[(2 * row) + 1] > -0.7])]));
        ProbeLabels balanced = all.Balanced(1);
        using LinearProbes probes = new(["a", "b"], eye(2, 2, ScalarType.Float64), tensor((double[])[-0.8, 0.7]));
        var agreement = ProbeAgreement.Measure("m", probes, latents, mapped, balanced);
        for (int attribute = 0; attribute < 2; attribute++)
        {
            int[] rows = [.. Enumerable.Range(0, 60).Where(row => balanced.Uses(row, attribute))];
            double[] own = mapped.data<double>().ToArray();
            double right = rows.Average(row => (own[(2 * row) + attribute] + (attribute == 0 ? -0.8 : 0.7) > 0) == balanced[row, attribute] ? 1.0 : 0);
            agreement.Attributes[attribute].Rows.Should().Be(rows.Length);
            agreement.Attributes[attribute].MappedAccuracy.Value.Should().BeApproximately(right, 1e-15);
            agreement.Attributes[attribute].Accuracy.Value.Should().Be(1);
        }
        agreement.Images.Should().Be(60);
        agreement.ToString().Should().StartWith("m: 2 attributes, ");
        ProbeAgreement.Measure("m", probes, latents, mapped, balanced).Attributes[0].Kappa.Should().BeEquivalentTo(agreement.Attributes[0].Kappa);
    }

    [Fact]
    public void Identity_AgreesPerfectly_AndConstantPredictionsHaveNoKappa()
    {
        double[] scores = [1, -1, 1, -1];
        AttributeAgreement same = Measure(scores, scores, [true, false, false, true]).Attributes[0];
        same.Kappa.Value.Should().Be(1);
        same.EqualPredictions.Value.Should().Be(100);
        same.AccuracyChange.Value.Should().Be(0);
        AttributeAgreement constant = Measure([-1, -1], [-1, -1], [true, true]).Attributes[0];
        constant.Kappa.Value.Should().Be(double.NaN);
        constant.Kappa.Signature.Should().EndWith("|n:2|ci:none");
        constant.RelativeAccuracyChange.Value.Should().Be(double.NaN);
        Action legacy = () => _ = constant.LegacyPercentDelta;
        legacy.ShouldSay<InvalidOperationException>("The accuracy of 'x' on true latents must be above 0 for a relative change, but it is 0. Read AccuracyChange.");
    }

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(1, 0, 1)]
    [InlineData(5, 5, 1)]
    [InlineData(0, 6, 0.03125)]
    [InlineData(2, 10, 0.03857421875)] // 2·(1 + 12 + 66)/4096
    public void McNemar_Exact_IsTwiceTheSmallerBinomialTail(int first, int second, double p)
    {
        new McNemarTest(first, second).ExactP.Should().BeApproximately(p, 1e-13);
        new McNemarTest(second, first).ExactP.Should().BeApproximately(p, 1e-13);
    }

    [Fact]
    public void McNemar_ChiSquared_HasEdwardssCorrection()
    {
        McNemarTest test = new(86, 150);
        test.ChiSquared.Should().BeApproximately(63.0 * 63 / 236, 1e-12);
        // A χ² of one degree is a squared normal: 2·(1 − Φ(4.1010)).
        test.ChiSquaredP.Should().BeApproximately(4.115e-5, 2e-7);
        new McNemarTest(3, 3).ChiSquared.Should().Be(0);
        new McNemarTest(3, 3).ChiSquaredP.Should().Be(1);
    }

    [Fact]
    public void ConfusionMatrix_HasPredictedRowsAndTrueColumns()
    {
        ConfusionMatrix matrix = new([0, 1, 1, 2], [0, 0, 1, 1], ["a", "b", "c"]);
        matrix[1, 0].Should().Be(1);
        matrix[0, 1].Should().Be(0);
        matrix[2, 1].Should().Be(1);
        matrix.Accuracy.Should().Be(0.5);
        matrix.Recall(1).Should().Be(0.5);
        matrix.Recall(2).Should().Be(double.NaN);
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        using LinearProbes probes = new(["x"], ones(1, 1), zeros(1));
        var labels = ProbeLabels.OneVersusRest([0, 1], ["x", "y"]);
        Tensor two = ones(2, 1), three = ones(3, 1);
        ProbeLabels x = ProbeLabels.Of(new AttributeTable(["x"], [[true], [false]]));
        Action blank = () => ProbeAgreement.Measure(" ", probes, two, two, x);
        blank.ShouldRefuse("map", "map must not be blank.");
        Action rows = () => ProbeAgreement.Measure("m", probes, two, three, x);
        rows.ShouldRefuse("mapped", "mapped must hold as many rows as latents, but the shapes are [2, 1] and [3, 1]. Row i of both must come from the same input.");
        Action count = () => ProbeAgreement.Measure("m", probes, three, three, x);
        count.ShouldRefuse("labels", "labels must have a row a latent, 3, but they have 2.");
        Action names = () => ProbeAgreement.Measure("m", probes, two, two, labels);
        names.ShouldRefuse("labels", "labels must have the probes' attributes x in that order, but they have x, y.");
        Action unused = () => ProbeAgreement.Measure("m", probes, two, two, ProbeLabels.Of(new AttributeTable(["x"], [[true], [true], [false]])).Balanced(0).Select([Unused(), Unused()]));
        unused.ShouldRefuse("labels", "labels must use rows for every attribute, but 'x' uses none.");
        Action width = () => ProbeAgreement.Measure("m", probes, ones(2, 2), two, x);
        width.ShouldRefuse("latents", "latents must have 1 columns, the latent width of the probes, but its shape is [2, 2].");
        Action negative = () => _ = new McNemarTest(-1, 0);
        negative.ShouldRefuse("onlyFirstRight", "onlyFirstRight must be zero or more, but it is -1.");
        Action empty = () => _ = new ConfusionMatrix([], [], ["a"]), lengths = () => _ = new ConfusionMatrix([0], [0, 0], ["a"]), known = () => _ = new ConfusionMatrix([0, 1], [0, 0], ["a"]);
        empty.ShouldRefuse("predicted", "predicted must hold at least one entry, but it is empty. Pass a prediction a row.");
        lengths.ShouldRefuse("actual", "actual must have a class a prediction, 1, but it has 2.");
        known.ShouldRefuse("predicted", "predicted must lie from 0 to 0, the places of names, but row 1 is 1.");

        static int Unused()
        {
            ProbeLabels balanced = ProbeLabels.Of(new AttributeTable(["x"], [[true], [true], [false]])).Balanced(0);
            return Enumerable.Range(0, 3).First(row => !balanced.Uses(row, 0));
        }
    }

    [Fact]
    public void Ranking_PutsTheSharedAttributeFirst_AndSaysWhatItCannotTell()
    {
        (ProbeAgreement first, ProbeAgreement second) = (Three("a → b", 1), Three("b → a", 2));
        var ranking = AttributeRanking.Of([first, second]);
        ranking.Attributes.Select(attribute => attribute.Name).First().Should().Be("shared");
        ranking.Attributes[0].Agreement.Should().BeApproximately((first.Attributes[1].Kappa.Value + second.Attributes[1].Kappa.Value) / 2, 1e-15);
        ranking.Attributes[0].PerMap.Should().Equal(first.Attributes[1].Kappa.Value, second.Attributes[1].Kappa.Value);
        (ranking.Attributes[0].BestRank, ranking.Attributes[0].WorstRank).Should().Be((1, 1));
        // The two others are equally noisy: the images cannot order them.
        ranking.Attributes.Skip(1).Should().OnlyContain(attribute => attribute.BestRank == 2 && attribute.WorstRank == 3);
        ranking.CriticalValue.Should().BeInRange(1.96, 2.6, "wider than for one number, narrower than Bonferroni's 2.39 with its small-sample slack");
        ranking.Attributes.Should().OnlyContain(attribute => attribute.Lower < attribute.Agreement && attribute.Agreement < attribute.Upper);
        ranking.Signature.Should().Be("attribute-ranking|by:kappa|maps:2|n:400|ci:simultaneous-max-t-bootstrap-2000");
        ranking.ToString().Should().StartWith("shared 0.");
        AttributeRanking.Of([first, second]).Attributes.Should().BeEquivalentTo(ranking.Attributes, options => options.WithStrictOrdering());
        AttributeRanking.Of([first, second], AgreementMeasure.EqualPredictions).Attributes[0].Agreement.Should().BeApproximately(
            (first.Attributes[1].EqualPredictions.Value + second.Attributes[1].EqualPredictions.Value) / 2, 1e-12);
        AttributeRanking.Of([first], AgreementMeasure.MappedAccuracy).Attributes.Max(attribute => attribute.Agreement).Should().BeApproximately(100 * first.Attributes.Max(attribute => attribute.MappedAccuracy.Value), 1e-12);
    }

    [Fact]
    public void Ranking_Intervals_AreWiderThanThoseOfOneAttribute()
    {
        ProbeAgreement agreement = Three("a → b", 4);
        foreach (AttributeRank attribute in AttributeRanking.Of([agreement]).Attributes)
        {
            var alone = agreement.Attributes.Single(own => own.Name == attribute.Name).Kappa;
            (attribute.Upper - attribute.Lower).Should().BeGreaterThan((alone.Upper - alone.Lower) * 1.02);
            (attribute.Upper - attribute.Lower).Should().BeLessThan((alone.Upper - alone.Lower) * 1.5);
        }
    }

    [Fact]
    public void Ranking_BadArguments_AreRefusedInWords()
    {
        ProbeAgreement one = Measure([1, -1, 1], [1, -1, -1], [true, false, true]), other = Measure([1, -1], [1, -1], [true, false], map: "c → d"), constant = Measure([-1, -1], [-1, -1], [true, false]);
        Action empty = () => AttributeRanking.Of([]), differ = () => AttributeRanking.Of([one, other]), undefined = () => AttributeRanking.Of([constant]), few = () => AttributeRanking.Of([other]), unknown = () => AttributeRanking.Of([one], (AgreementMeasure)7);
        empty.ShouldRefuse("agreements", "agreements must hold at least one entry, but it is empty. Measure at least one map: ProbeAgreement.Measure.");
        differ.ShouldRefuse("agreements", "agreements must be of the same images and attributes, but 'a → b' has 3 images of x and 'c → d' has 2 of x.");
        undefined.ShouldRefuse("agreements", "agreements must have a value for every attribute, but κ of 'x' on 'a → b' is undefined: both predictions are always the same. Leave the attribute out, or rank by EqualPredictions.");
        few.Should().Throw<ArgumentException>().Which.Message.Should().MatchRegex(@"^agreements must rest on enough images for intervals, but of 2000 draws of the 2 images only \d+ have a value for every attribute\. Use more images\. \(Parameter 'agreements'\)$");
        unknown.ShouldRefuse("measure", "measure must be one of Kappa, EqualPredictions, MappedAccuracy, but it is 7.");
    }

    private static ProbeAgreement Three(string map, ulong seed)
    {
        using var scope = NewDisposeScope();
        using Generator images = new(9), generator = new(seed);
        Tensor latents = randn([400, 3], ScalarType.Float64, generator: images);
        Tensor mapped = latents + (randn([400, 3], ScalarType.Float64, generator: generator) * tensor((double[])[1.0, 0.2, 1.0]));
        double[] values = latents.data<double>().ToArray();
        var labels = ProbeLabels.Of(new AttributeTable(["left", "shared", "right"], [.. Enumerable.Range(0, 400).Select(row => (IReadOnlyList<bool>)[values[3 * row] > 0, values[(3 * row) + 1] > 0, values[(3 * row) + 2] > 0])]));
        using LinearProbes probes = new(labels.Names, eye(3, 3, ScalarType.Float64), zeros(3, ScalarType.Float64));
        return ProbeAgreement.Measure(map, probes, latents, mapped, labels);
    }
}
