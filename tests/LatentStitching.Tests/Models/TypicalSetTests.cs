using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

[NoTensorLeaks]
public sealed class TypicalSetTests
{
    private static Tensor Draws(long count, long dimension, ulong seed)
    {
        using Generator generator = new(seed);
        return randn([count, dimension], ScalarType.Float32, generator: generator);
    }

    [Fact]
    public void Evaluate_DrawsOfThePrior_AreTypical()
    {
        using Tensor latents = Draws(600, 300, 1), reference = Draws(900, 300, 2);
        foreach (TypicalSetReport report in (TypicalSetReport[])[TypicalSet.Evaluate(latents), TypicalSet.Evaluate(latents, reference)])
        {
            report.Count.Should().Be(600);
            report.Dimension.Should().Be(300);
            report.Distances.Should().HaveCount(300);
            report.MeanNorm.Should().BeApproximately(report.ExpectedNorm, 0.1);
            report.NormPValue.Should().BeGreaterThan(0.01);
            report.ShareOutside.Should().BeInRange(0, 0.025);
            // 300 p-values, uniform: the share below 0.05 has a standard deviation of 0.0126.
            report.ShareRejected.Should().BeInRange(0.01, 0.09);
            report.PValues.Average().Should().BeApproximately(0.5, 0.07);
        }
    }

    [Theory]
    [InlineData(1.2, 0)]
    [InlineData(0.8, 0)]
    [InlineData(1, 0.5)]
    public void Evaluate_OtherScaleOrPlace_IsFound(double scale, double shift)
    {
        using var scope = NewDisposeScope();
        Tensor latents = Draws(400, 200, 3) * scale + shift;
        TypicalSetReport report = TypicalSet.Evaluate(latents);
        report.NormPValue.Should().BeLessThan(1e-6);
        report.ShareOutside.Should().BeGreaterThan(0.2);
        report.ShareRejected.Should().BeGreaterThan(0.5);
        TypicalSet.Evaluate(latents, latents.clone()).Should().Match<TypicalSetReport>(same => same.NormDistance == 0 && same.ShareRejected == 0 && same.NormPValue == 1);
    }

    [Fact]
    public void Evaluate_ThreeRows_HasTheDistancesByHand()
    {
        using var scope = NewDisposeScope();
        // Φ(0) = 1/2, Φ(1) = 0.8413447460685429: steps at 1/3, 2/3, 1 about 0.1586…, 0.5, 0.8413….
        Tensor latents = tensor(new double[] { 1, -1, 0 }).unsqueeze(1);
        TypicalSetReport report = TypicalSet.Evaluate(latents);
        report.Distances[0].Should().BeApproximately((1.0 / 3) - 0.15865525393145707, 1e-14);
        report.MeanNorm.Should().BeApproximately(2.0 / 3, 1e-14);
        report.ExpectedNorm.Should().BeApproximately(Math.Sqrt(2 / Math.PI), 1e-12);
        // χ² of one degree gives 0 at 0 and 0.6826894921370859 at 1, just before which a third of the rows is counted.
        report.NormDistance.Should().BeApproximately(0.6826894921370859 - (1.0 / 3), 1e-12);
        TypicalSet.Evaluate(latents, tensor(new double[] { 0.5, 2 }).unsqueeze(1)).Distances[0].Should().BeApproximately(2.0 / 3, 1e-14);
    }

    [Fact]
    public void Evaluate_WideLatents_HaveTheNormOfTheGammaFunction()
    {
        using Tensor latents = Draws(40, 12288, 4);
        TypicalSetReport report = TypicalSet.Evaluate(latents);
        // √(D − 1/2) to within 1/(16 D^1.5).
        report.ExpectedNorm.Should().BeApproximately(Math.Sqrt(12287.5), 1e-6);
        report.NormPValue.Should().BeInRange(0.001, 1);
        report.ToString().Should().MatchRegex(@"^norm 110\.\d where 110\.8 is expected \(p 0\.\d+\), \d\.\d % of 40 rows outside the shell, \d\.\d % of 12288 columns rejected at 5 %$");
    }

    [Fact]
    public void Evaluate_BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        Refuses(() => TypicalSet.Evaluate(zeros(3)), "latents", "latents must be a matrix [n, d], but its shape is [3]. Flatten each sample: tensor.reshape(n, -1).");
        Refuses(() => TypicalSet.Evaluate(full([2, 2], double.NaN)), "latents", "latents must be finite, but 4 of its entries are NaN or infinite, the first in row 0.");
        Refuses(() => TypicalSet.Evaluate(zeros(2, 2), zeros(2, 3)), "reference", "reference must have the 2 columns of latents, but its shape is [2, 3].");
        Refuses(() => TypicalSet.Evaluate(zeros(2, 2), zeros(0, 2)), "reference", "reference must hold at least one row, but its shape is [0, 2].");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }
}
