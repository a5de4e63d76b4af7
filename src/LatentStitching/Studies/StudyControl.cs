using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>What a random encoder reaches where a model is measured.</summary>
/// <param name="Name">The control: "gaussian", or the name of an untrained model.</param>
/// <param name="Value">Its number.</param>
public sealed record StudyControl(string Name, MetricValue Value);
