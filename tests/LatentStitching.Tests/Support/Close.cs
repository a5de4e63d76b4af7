namespace LatentStitching.Tests.Support;

/// <summary>Differences relative to the reference's largest magnitude.</summary>
internal static class Close
{
    public static double RelativeDifference(Tensor actual, Tensor expected)
    {
        actual.shape.Should().Equal(expected.shape);
        using var scope = NewDisposeScope();
        if (expected.numel() == 0) return 0;
        Tensor reference = expected.to_type(ScalarType.Float64);
        double scale = Math.Max(reference.abs().max().ToDouble(), double.Epsilon);
        double difference = actual.to_type(ScalarType.Float64).sub(reference).abs().max().ToDouble();
        return difference == 0 ? 0 : difference / scale;
    }

    public static void ShouldBeCloseTo(this Tensor actual, Tensor expected, double tolerance, string because = "") =>
        RelativeDifference(actual, expected).Should().BeLessThanOrEqualTo(tolerance, because);
}
