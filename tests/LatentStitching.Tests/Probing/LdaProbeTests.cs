using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class LdaProbeTests
{
    [Fact]
    public void Train_NoShrinkage_GoldenValues()
    {
        // scikit-learn 1.2.1, LinearDiscriminantAnalysis(solver='lsqr'), balanced classes and 4 of 12.
        using var scope = NewDisposeScope();
        LdaProbeTrainer trainer = new() { Shrinkage = 0 };
        using ProbeFit even = trainer.Train(Golden.X(), ProbeCases.Of(tensor((double[])[0, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1])));
        even.Probes.Weight.ShouldBeCloseTo(tensor((double[])[7.351454708120511, 10.928073428286574, -3.591660878452042, 2.0138485166444795]).unsqueeze(0), 1e-11);
        even.Probes.Bias[0].ToDouble().Should().BeApproximately(-8.164633974856807, 1e-10);
        using ProbeFit odd = trainer.Train(Golden.X(), ProbeCases.Of(tensor((double[])[0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0])));
        odd.Probes.Weight.ShouldBeCloseTo(tensor((double[])[5.823173989305621, 4.321564159176974, 4.716546973472065, -0.1144610496754463]).unsqueeze(0), 1e-11);
        odd.Probes.Bias[0].ToDouble().Should().BeApproximately(-9.093116223474144, 1e-10);
        odd.Signature.Should().Be("probe|model:lda|shrinkage:0");
    }

    [Theory]
    [InlineData(80, 6)]
    [InlineData(40, 70)]
    public void Train_IsTheDefinition_EachAttributeOnItsOwnRows(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(rows, columns);
        ProbeLabels labels = ProbeCases.Labels(rows, columns);
        ProbeLabels[] cases = [labels, labels.Balanced(3)];
        foreach (ProbeLabels own in cases)
        {
            long before = NoTensorLeaksAttribute.Live();
            using ProbeFit fit = new LdaProbeTrainer { Shrinkage = 0.3 }.Train(latents, own);
            (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
            for (int attribute = 0; attribute < 3; attribute++)
            {
                (Tensor x, Tensor y) = ProbeCases.Own(latents, own, attribute);
                Tensor yes = x.index_select(0, y.nonzero().squeeze(1)), no = x.index_select(0, y.eq(0).nonzero().squeeze(1));
                Tensor first = yes.mean([0]), second = no.mean([0]), a = yes.sub(first), b = no.sub(second);
                Tensor within = a.t().mm(a).add(b.t().mm(b)).div(x.size(0));
                double variance = x.sub(x.mean([0])).square().mean([0]).mean().ToDouble();
                Tensor covariance = within.mul(0.7).add(eye(columns, dtype: ScalarType.Float64).mul(0.3 * variance));
                Tensor weight = linalg.solve(covariance, first.sub(second));
                fit.Probes.Weight[attribute].ShouldBeCloseTo(weight, 1e-9);
                double bias = -weight.dot(first.add(second)).ToDouble() / 2 + Math.Log(yes.size(0) / (double)no.size(0));
                fit.Probes.Bias[attribute].ToDouble().Should().BeApproximately(bias, 1e-8 * (1 + Math.Abs(bias)));
            }
        }
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(6, 5);
        Action few = () => new LdaProbeTrainer { Shrinkage = 0 }.Train(latents, ProbeCases.Of(true, false, true, false, true, false));
        few.ShouldRefuse("labels", "labels must have at least 7 rows of each attribute for 5 columns and no shrinkage, but 'x' has 6. Set Shrinkage above 0.");
        Action same = () => new LdaProbeTrainer().Train(ones(4, 2), ProbeCases.Of(true, false, true, false));
        same.ShouldRefuse("latents", "latents must vary, but the 4 rows of 'x' are all the same.");
        Action apart = () => new LdaProbeTrainer { Shrinkage = 0 }.Train(tensor((double[])[0, 0, 1, 1]).unsqueeze(1), ProbeCases.Of(false, false, true, true));
        apart.ShouldRefuse("latents", "latents must vary within the classes, but those of 'x' do not along the direction between them. Use a larger Shrinkage.");
        Action shrinkage = () => _ = new LdaProbeTrainer { Shrinkage = 1 };
        shrinkage.ShouldRefuse("Shrinkage", "Shrinkage must lie from 0 to below 1, but it is 1.");
    }
}
