using LatentStitching.Numerics;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

[NoTensorLeaks]
public class HeldNumbersTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void Arithmetic_HasTheBytesOfTheOperators(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(64, dtype: dtype);
        (Tensor Held, Tensor Bare)[] pairs =
        [
            (x.Plus(0.3), x + 0.3), (x.Minus(0.3), x - 0.3), (x.Times(0.3), x * 0.3), (x.Over(0.3), x / 0.3), (x.Within(-0.3, 0.7), x.clamp(-0.3, 0.7)),
            (HeldNumbers.Repeated(999, 5, dtype, CPU), full([5], 999, dtype)), (HeldNumbers.Counted(7, dtype, CPU), arange(7, dtype: dtype)),
        ];
        foreach ((Tensor held, Tensor bare) in pairs) held.bytes.ToArray().Should().Equal(bare.bytes.ToArray());
        x[3].Number().Should().Be(x[3].ToDouble());
        x.isfinite().all().Holds().Should().BeTrue();
        x.isnan().any().Holds().Should().BeFalse();
    }

    [Fact]
    public void Times_WhileAnotherThreadCollects_IsRight()
    {
        using var scope = NewDisposeScope();
        Tensor ones = torch.ones(4);
        int collections = 0;
        Thread other = new(() =>
        {
            for (int i = 0; i < 500; i++)
            {
                GC.Collect(0);
                Interlocked.Increment(ref collections);
            }
        });
        other.Start();
        for (int i = 0; Volatile.Read(ref collections) < 500; i++)
        {
            using Tensor product = ones.Times(i % 7), sum = product.sum();
            sum.Number().Should().Be(4 * (i % 7));
        }
        other.Join();
    }
}
