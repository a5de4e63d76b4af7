using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class SvmProbeTests
{
    [Fact]
    public void Train_GoldenValues()
    {
        // The same objective minimised by SciPy 1.10.1's BFGS, gtol 1e-13.
        using var scope = NewDisposeScope();
        using ProbeFit fit = new SvmProbeTrainer { Tolerance = 1e-13 }.Train(Golden.X(), ProbeCases.Of(tensor((double[])[0, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1])));
        fit.Probes.Weight.ShouldBeCloseTo(tensor((double[])[0.9580965027957998, 1.3763665587346512, -0.4721964433886232, -0.015231177983690985]).unsqueeze(0), 1e-7);
        fit.Probes.Bias[0].ToDouble().Should().BeApproximately(-0.8909814112285582, 1e-7);
        fit.Probes.GivesProbabilities.Should().BeFalse();
        fit.Signature.Should().Be("probe|model:svm|loss:squared-hinge|c:1");
    }

    [Theory]
    [InlineData(90, 10, ScalarType.Float64)]
    [InlineData(50, 80, ScalarType.Float32)]
    public void Train_EachAttributeOnItsOwnRows_AtAZeroGradient(int rows, int columns, ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(rows, columns, type);
        ProbeLabels labels = ProbeCases.Labels(rows, columns).Balanced(7);
        long before = NoTensorLeaksAttribute.Live();
        using ProbeFit fit = new SvmProbeTrainer { C = 2, Tolerance = 1e-12 }.Train(latents, labels);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        for (int attribute = 0; attribute < 3; attribute++)
        {
            (Tensor x, Tensor y) = ProbeCases.Own(latents, labels, attribute);
            Tensor side = y.mul(2).sub(1), missing = x.mv(fit.Probes.Weight[attribute]).add(fit.Probes.Bias[attribute]).mul(side).neg().add(1).clamp_min(0);
            Tensor pull = missing.mul(side).mul(4);
            pull.sum().ToDouble().Should().BeApproximately(0, 1e-8);
            x.t().mv(pull).ShouldBeCloseTo(fit.Probes.Weight[attribute], 1e-4);
            fit.Reports[attribute].Converged.Should().BeTrue();
        }
    }

    [Fact]
    public void Train_SeparableClasses_FindsTheMarginAndWarns()
    {
        // One column: the widest boundary between −1 and 1 is at 0 with slope 1.
        using var scope = NewDisposeScope();
        using ProbeFit fit = new SvmProbeTrainer { C = 1e6, Tolerance = 1e-12 }.Train(tensor((double[])[-3, -1, 1, 2]).unsqueeze(1), ProbeCases.Of(false, false, true, true));
        fit.Probes.Weight[0, 0].ToDouble().Should().BeApproximately(1, 1e-5);
        fit.Probes.Bias[0].ToDouble().Should().BeApproximately(0, 1e-5);
        fit.Reports[0].Warnings.Should().ContainSingle().Which.Should().StartWith("'x': the classes are separable");
        Action one = () => new SvmProbeTrainer().Train(ones(2, 1), ProbeCases.Of(true, true));
        one.ShouldRefuse("labels", "labels must have rows of both classes, but of the 2 rows of 'x' 2 have it. Leave the attribute out, or add rows.");
    }
}
