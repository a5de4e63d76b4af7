using LatentStitching.Adapters.Weights;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Weights;

[NoTensorLeaks]
public sealed class ActivationTests
{
    [Fact]
    public void Swish_WithoutGradients_OverwritesWhatItTakes()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor((float[])[-2, 0, 3]), wanted = x * x.sigmoid();

        Tensor y = Activation.Swish(x);

        y.Should().BeSameAs(x);
        y.allclose(wanted, rtol: 1e-6, atol: 1e-7).Should().BeTrue();
    }

    [Fact]
    public void Swish_WhereAGradientNeedsItsInput_HasTheDerivative()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor((double[])[-2, 0, 3], requires_grad: true), sigmoid = x.detach().sigmoid();
        Tensor hidden = x * 1;

        Activation.Swish(hidden).sum().backward();

        hidden.IsInvalid.Should().BeTrue("the handle goes over into the result");
        x.grad!.allclose(sigmoid * (1 + (x.detach() * (1 - sigmoid))), rtol: 1e-12).Should().BeTrue();
    }
}
