using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>What a decoded image owes to one level of its latent: the level is replaced by that of another test image (of the one before; the first gets the last one's), the others stay.</summary>
/// <param name="Model">The model.</param>
/// <param name="Level">The level that was replaced.</param>
/// <param name="ToOwn">Pixel MSE to the image's own reconstruction: how much the level changes.</param>
/// <param name="ToDonor">Pixel MSE to the other image's reconstruction: how much the level does not bring with it.</param>
/// <param name="Share">ToOwn over the pixel MSE between the two reconstructions: 0 for a level that changes nothing, 1 for a change as large as that to the other image.</param>
public sealed record LevelReplacement(string Model, string Level, MetricValue ToOwn, MetricValue ToDonor, double Share);
