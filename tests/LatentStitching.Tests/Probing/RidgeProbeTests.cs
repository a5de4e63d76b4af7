using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Pairing;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class RidgeProbeTests
{
    private static Tensor Latents(int rows, int columns)
    {
        using Generator generator = new(6);
        return randn([rows, columns], ScalarType.Float64, generator: generator);
    }

    private static ProbeLabels Labels(Tensor latents)
    {
        double[] values = latents.contiguous().data<double>().ToArray();
        int width = (int)latents.size(1);
        return ProbeLabels.Of(new AttributeTable(["first", "sum"], [.. Enumerable.Range(0, (int)latents.size(0)).Select(row => (IReadOnlyList<bool>)[values[row * width] > 0.3, values[row * width] + values[(row * width) + 1] > 0])]));
    }

    [Theory]
    [InlineData(60, 5)]
    [InlineData(20, 40)]
    public void Train_IsRidgeOnCodedLabels_EachAttributeOnItsOwnRows(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        Tensor latents = Latents(rows, columns);
        ProbeLabels labels = Labels(latents).Balanced(2);
        long before = NoTensorLeaksAttribute.Live();
        using ProbeFit fit = new RidgeProbeTrainer { Alpha = 0.7 }.Train(latents, labels);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        for (int attribute = 0; attribute < 2; attribute++)
        {
            long[] used = [.. Enumerable.Range(0, rows).Where(row => labels.Uses(row, attribute)).Select(row => (long)row)];
            Tensor x = latents.index_select(0, tensor(used)), y = tensor(used.Select(row => labels[(int)row, attribute] ? 1.0 : -1.0).ToArray()).unsqueeze(1);
            using LatentPairs pairs = new(x, y);
            using LatentMapFit reference = new RidgeFitter(0.7).Fit(pairs);
            fit.Probes.Weight[attribute].unsqueeze(0).ShouldBeCloseTo(reference.Affine.Weight, 1e-11);
            fit.Probes.Bias[attribute].ToDouble().Should().BeApproximately(reference.Affine.Bias[0].ToDouble(), 1e-11);
            fit.Probes.Scores(x)[TensorIndex.Colon, attribute].ShouldBeCloseTo(reference.Affine.Apply(x).squeeze(1), 1e-11);
            fit.Reports[attribute].Rows.Should().Be(used.Length);
            fit.Reports[attribute].Positives.Should().Be(used.Length / 2);
            double right = (fit.Probes.Predict(x)[TensorIndex.Colon, attribute] == y.squeeze(1).gt(0)).to_type(ScalarType.Float64).mean().ToDouble();
            fit.Reports[attribute].TrainingAccuracy.Should().BeApproximately(right, 1e-15);
        }
        fit.Signature.Should().Be("probe|model:ridge-classifier|alpha:0.7");
    }

    [Fact]
    public void Predict_Rounding_GivesNeitherOutsideZeroAndOne()
    {
        using var scope = NewDisposeScope();
        using LinearProbes probes = new(["a"], ones(1, 1), zeros(1), ProbeDecision.Rounding);
        // Halves go to the even number, as the published probes' rounding does.
        probes.Predict(tensor((float[])[-0.6f, -0.5f, 0.4f, 0.5f, 0.6f, 1.4f, 1.5f, 2.5f]).unsqueeze(1)).flatten().data<sbyte>().ToArray().Should().Equal([-1, 0, 0, 0, 1, 1, -1, -1]);
        using LinearProbes sign = new(["a"], ones(1, 1), zeros(1));
        sign.Predict(tensor((float[])[-1f, 0f, 0.1f]).unsqueeze(1)).flatten().data<sbyte>().ToArray().Should().Equal([0, 0, 1]);
        sign.ToString().Should().Be("1 probes of 1 columns");
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        Tensor latents = Latents(8, 2);
        Action count = () => new RidgeProbeTrainer().Train(latents, ProbeLabels.OneVersusRest([0, 1], ["x", "y"]));
        count.ShouldRefuse("labels", "labels must have a row a latent, 8, but they have 2.");
        Action one = () => new RidgeProbeTrainer().Train(latents, ProbeLabels.OneVersusRest([0, 0, 0, 0, 0, 0, 0, 0], ["x"]));
        one.ShouldRefuse("labels", "labels must have rows of both classes, but of the 8 rows of 'x' 8 have it. Leave the attribute out, or add rows.");
        Action infinite = () => new RidgeProbeTrainer().Train(full([2, 2], double.NaN), ProbeLabels.OneVersusRest([0, 1], ["x", "y"]));
        infinite.ShouldRefuse("latents", "latents must be finite, but 4 of its entries are NaN or infinite, the first in row 0.");
        Action alpha = () => _ = new RidgeProbeTrainer { Alpha = -1 };
        alpha.ShouldRefuse("Alpha", "Alpha must be zero or more and finite, but it is -1.");
        Action shape = () => _ = new LinearProbes(["a"], ones(2, 3), ones(2));
        shape.ShouldRefuse("weight", "weight and bias must have 1 rows, one a name, but they are [2, 3] and [2].");
        using LinearProbes probes = new(["a"], ones(1, 3), ones(1));
        Action width = () => probes.Scores(latents);
        width.ShouldRefuse("latents", "latents must have 3 columns, the latent width of the probes, but its shape is [8, 2].");
        Action reports = () => _ = new ProbeFit(probes, [], "x");
        reports.ShouldRefuse("reports", "reports must hold 1 reports, one a probe, but it holds 0.");
        probes.Dispose();
        Action disposed = () => probes.Scores(latents), weight = () => _ = probes.Weight;
        disposed.Should().Throw<ObjectDisposedException>();
        weight.Should().Throw<ObjectDisposedException>();
    }
}
