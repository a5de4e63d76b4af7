using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

/// <summary>Numbers in error texts have a point, whatever the machine's language.</summary>
[NoTensorLeaks]
public sealed class ErrorCultureTests
{
    [Fact]
    public void Texts_WhereCommasAreUsual_HavePoints()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(ones(4, 2), ones(4, 2));
        using AffineMap map = new(eye(2));
        CultureInfo before = CultureInfo.CurrentCulture, commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        (Action Act, string Number)[] refusals =
        [
            (() => _ = new GradientDescentOptions { HeldOutFraction = 1.5 }, "1.5"),
            (() => _ = new WhiteningOptions { Alpha = 1.5 }, "1.5"),
            (() => _ = new LassoOptions { L1Ratio = 1.5 }, "1.5"),
            (() => _ = new MultiTaskLassoOptions { L1Ratio = 1.5 }, "1.5"),
            (() => RelativeProjection.Distance(pairs.Source, pairs.Target, 0.5), "0.5"),
            (() => map.Inverse(out _, 1.5), "1.5"),
            (() => _ = new GradientDescentFitter(new GradientDescentOptions { Momentum = 0.5 }), "0.5"),
            (() => new GradientDescentFitter(new GradientDescentOptions { HeldOutFraction = 0.75 }).Fit(pairs), "0.75"),
        ];
        CultureInfo.CurrentCulture = commas;
        try
        {
            foreach ((Action act, string number) in refusals) act.Should().Throw<ArgumentException>().Which.Message.Should().Contain(number);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
