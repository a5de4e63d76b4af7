using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class RelativeProjectionTests
{
    public static TheoryData<string> Kinds() => ["cosine", "angular", "euclidean", "l1", "change_of_basis"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Relations_AreThoseOfLatentis(string kind)
    {
        // The record is float32, where an arc cosine of small angles has few digits.
        using StateDictionary file = Fixture.Load("latentis/transforms.safetensors");
        using Tensor relative = Relate(kind, file["X"], file["anchors"]);
        relative.dtype.Should().Be(ScalarType.Float32);
        relative.ShouldBeCloseTo(file[$"relative.{kind}"], kind == "angular" ? 1e-5 : 1e-6);
    }

    // A latent of length one is its cosines with the axes.
    [Fact]
    public void Cosine_WithTheAxes_IsTheLengthNormalisationOfLatentis()
    {
        using StateDictionary file = Fixture.Load("latentis/transforms.safetensors");
        using Tensor axes = eye(8), normalised = RelativeProjection.Cosine(file["X"], axes);
        normalised.ShouldBeCloseTo(file["l2_normalize"], 1e-6);
    }

    [Fact]
    public void Cosine_HasTheKnownValues()
    {
        using var scope = NewDisposeScope();
        Tensor anchors = Golden.X().index_select(0, tensor(new long[] { 0, 3, 7 }));
        Tensor expected = tensor(new[,] { { .8905175, .7605286, .68010617 }, { .65925534, .91536322, .55320924 } });
        RelativeProjection.Cosine(Golden.X().narrow(0, 1, 2), anchors).ShouldBeCloseTo(expected, 1e-7);
    }

    // What each relation must not feel, and what it must (the triples of latentis' own test).
    [Theory]
    [InlineData("cosine", "rotation", true)]
    [InlineData("cosine", "scale", true)]
    [InlineData("cosine", "offset", false)]
    [InlineData("angular", "rotation", true)]
    [InlineData("angular", "scale", true)]
    [InlineData("angular", "offset", false)]
    [InlineData("euclidean", "rotation", true)]
    [InlineData("euclidean", "offset", true)]
    [InlineData("euclidean", "scale", false)]
    [InlineData("l1", "permutation", true)]
    [InlineData("l1", "offset", true)]
    [InlineData("l1", "rotation", false)]
    [InlineData("change_of_basis", "scale", true)]
    [InlineData("change_of_basis", "rotation", true)]
    [InlineData("change_of_basis", "linear", true)]
    [InlineData("change_of_basis", "offset", false)]
    public void Relations_FeelOnlyWhatTheyShould(string kind, string change, bool same)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(15, 5, 1), anchors = Draws.Matrix(5, 5, 2);
        Func<Tensor, Tensor> move = change switch
        {
            "rotation" => z => z.mm(Draws.Orthogonal(5, 3)),
            "linear" => z => z.mm(Draws.Matrix(5, 5, 4)),
            "scale" => z => z.mul(3.7),
            "offset" => z => z.add(1.3),
            _ => z => z.flip(1),
        };
        double difference = Close.RelativeDifference(Relate(kind, move(x), move(anchors)), Relate(kind, x, anchors));
        if (same) difference.Should().BeLessThan(1e-10);
        else difference.Should().BeGreaterThan(1e-2);
    }

    [Fact]
    public void Angle_OfNearlyEqualDirections_KeepsItsDigits()
    {
        using var scope = NewDisposeScope();
        Tensor anchors = tensor(new double[,] { { 1, 0 }, { -1, 0 } }), latents = tensor(new[,] { { 2, 2e-9 }, { 0, 0 } });
        Tensor angles = RelativeProjection.Angle(latents, anchors);
        angles[0, 0].ToDouble().Should().BeApproximately(1e-9 / Math.PI, 1e-24);
        angles[0, 1].ToDouble().Should().BeApproximately(1, 1e-9);
        angles[1].ShouldBeCloseTo(tensor(new[] { 0.5, 0.5 }), 1e-15, "zeros lie at a right angle to everything");
        RelativeProjection.Cosine(latents, anchors)[1].abs().max().ToDouble().Should().Be(0);
    }

    [Fact]
    public void Distance_FarFromZero_DoesNotCancel()
    {
        using var scope = NewDisposeScope();
        Tensor anchors = Draws.Matrix(40, 3, 1).add(1e6);
        Tensor latents = anchors.add(tensor(new[] { 3, 4, 0.0 }));
        RelativeProjection.Distance(latents, anchors).diagonal().ShouldBeCloseTo(full([40], 5, ScalarType.Float64), 1e-9);
        RelativeProjection.Distance(latents, anchors, double.PositiveInfinity).diagonal().ShouldBeCloseTo(full([40], 4, ScalarType.Float64), 1e-9);
        RelativeProjection.Distance(latents, anchors, 3).diagonal().ShouldBeCloseTo(full([40], Math.Cbrt(27 + 64), ScalarType.Float64), 1e-9);
    }

    [Fact]
    public void Cosine_TinyAndHugeRows_AreNeitherZeroNorInfinite()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new[,] { { 1e-200, 1e-200 }, { 1e200, 1e200 } });
        RelativeProjection.Cosine(x, x).ShouldBeCloseTo(ones_like(x), 1e-15);
    }

    [Theory]
    [InlineData(9)]
    [InlineData(6)]
    public void FromCosine_AnchorsThatSpan_GivesTheRowsAtLengthOne(long count)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(15, 6, 1), anchors = Draws.Matrix(count, 6, 2);
        Tensor back = RelativeProjection.FromCosine(RelativeProjection.Cosine(x, anchors), anchors);
        back.ShouldBeCloseTo(x.div(x.square().sum([1], keepdim: true).sqrt()), 1e-11);
    }

    [Fact]
    public void ChangeOfBasis_TimesTheAnchors_GivesTheLatentsBack()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(15, 4, 1), anchors = Draws.Matrix(7, 4, 2);
        RelativeProjection.ChangeOfBasis(x, anchors).mm(anchors).ShouldBeCloseTo(x, 1e-12);
    }

    [Fact]
    public void Relations_WhatDoesNotFit_Throws()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(3, 4, 1);
        Action width = () => RelativeProjection.Cosine(x, Draws.Matrix(2, 5, 1));
        width.ShouldRefuse("anchors", "anchors must have 4 columns, the latent width of the latents, but its shape is [2, 5].");
        Action back = () => RelativeProjection.FromCosine(x, Draws.Matrix(2, 5, 1));
        back.ShouldRefuse("relative", "relative must have 2 columns, one an anchor, but its shape is [3, 4].");
        Tensor zero = cat([Draws.Matrix(2, 4, 1), zeros(1, 4, ScalarType.Float64)], 0);
        foreach (Action act in (Action[])[() => RelativeProjection.Cosine(x, zero), () => RelativeProjection.Angle(x, zero), () => RelativeProjection.FromCosine(Draws.Matrix(2, 3, 1), zero)])
        {
            act.ShouldRefuse("anchors", "anchors must have a direction each, but row 2 is zero. Drop it, or measure distances.");
        }
        Action exponent = () => RelativeProjection.Distance(x, x, 0.5);
        exponent.ShouldRefuse("exponent", "exponent must be at least 1, but it is 0.5.");
        Action missing = () => RelativeProjection.Distance(null!, x);
        missing.Should().Throw<ArgumentNullException>().WithParameterName("latents");
    }

    private static Tensor Relate(string kind, Tensor latents, Tensor anchors) => kind switch
    {
        "cosine" => RelativeProjection.Cosine(latents, anchors),
        "angular" => RelativeProjection.Angle(latents, anchors),
        "euclidean" => RelativeProjection.Distance(latents, anchors),
        "l1" => RelativeProjection.Distance(latents, anchors, 1),
        _ => RelativeProjection.ChangeOfBasis(latents, anchors),
    };
}
