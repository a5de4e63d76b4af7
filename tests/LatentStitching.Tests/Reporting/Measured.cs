using LatentStitching.Metrics;

namespace LatentStitching.Tests.Reporting;

/// <summary>Values made up for tests.</summary>
internal static class Measured
{
    public static MetricInfo Info(string name = "latent MSE", MetricDirection direction = MetricDirection.LowerIsBetter, string signature = "mse|space:latent") =>
        new() { Name = name, Direction = direction, Unit = "squared latent units", Reference = "none", Signature = signature };

    public static MetricValue Value(double value, double half = double.NaN, MetricInfo? info = null, string count = "100") => new()
    {
        Info = info ?? Info(),
        Value = value,
        Lower = value - half,
        Upper = value + half,
        Count = count,
        IntervalMethod = double.IsNaN(half) ? "none" : "bca-bootstrap-2000",
    };
}
