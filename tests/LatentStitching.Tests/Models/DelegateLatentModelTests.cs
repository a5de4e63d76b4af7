using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

[NoTensorLeaks]
public sealed class DelegateLatentModelTests
{
    [Fact]
    public void GetService_Prior_OnlyWhereOneWasGiven()
    {
        using DelegateLatentModel with = Toy.Linear("with", 1, prior: true), without = Toy.Linear("without", 1);
        with.GetService<ILatentPrior>().Should().BeSameAs(with);
        without.GetService<ILatentPrior>().Should().BeNull();
        without.GetService<ILatentModel>().Should().BeSameAs(without);
        without.GetService<IPosteriorEncoder>().Should().BeNull();
        Action nothing = () => without.GetService(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("serviceType");
        Action noModel = () => ((ILatentModel)null!).GetService<ILatentPrior>();
        noModel.Should().Throw<ArgumentNullException>().WithParameterName("model");
    }

    [Fact]
    public void Sample_WithoutAPrior_SaysWhatToPass()
    {
        using DelegateLatentModel model = Toy.Linear("toy", 1);
        Action act = () => model.Sample(3, 0);
        act.ShouldSay<InvalidOperationException>("toy has no prior. Pass sample to LatentModel.FromFunctions.");
    }

    [Fact]
    public void Sample_BadCountOrShape_Throws()
    {
        using DelegateLatentModel none = Sampling((_, _) => null!), narrow = Sampling((count, generator) => rand([count, 5], generator: generator));
        Action zero = () => narrow.Sample(0, 0);
        zero.ShouldRefuse("count", "count must be positive, but it is 0.");
        Action wrong = () => narrow.Sample(4, 0);
        wrong.ShouldSay<InvalidOperationException>("sample of toy must return [4, 6], but it returned [4, 5].");
        Action empty = () => none.Sample(4, 0);
        empty.ShouldSay<InvalidOperationException>("sample of toy must return [4, 6], but it returned null.");
    }

    [Fact]
    public void Sample_FunctionGivesWhatItKeeps_ResultIsFreshFloat32()
    {
        using var scope = NewDisposeScope();
        Tensor kept = ones(2, 6, ScalarType.Float64);
        using DelegateLatentModel model = Sampling((_, _) => kept);
        Tensor drawn = model.Sample(2, 0);
        drawn.dtype.Should().Be(ScalarType.Float32);
        drawn.zero_();
        kept.sum().ToDouble().Should().Be(12);
    }

    [Fact]
    public void FromFunctions_NoFunction_Throws()
    {
        Action encode = () => LatentModel.FromFunctions("m", Toy.Format, LatentSpace.Vector(6), null!, z => z);
        encode.Should().Throw<ArgumentNullException>().WithParameterName("encode");
        Action decode = () => LatentModel.FromFunctions("m", Toy.Format, LatentSpace.Vector(6), x => x, null!);
        decode.Should().Throw<ArgumentNullException>().WithParameterName("decode");
    }

    private static DelegateLatentModel Sampling(Func<long, Generator, Tensor> sample) =>
        LatentModel.FromFunctions("toy", Toy.Format, LatentSpace.Vector(6), images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 3), sample);
}
