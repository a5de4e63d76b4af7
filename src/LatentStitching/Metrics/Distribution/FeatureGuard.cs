namespace LatentStitching.Metrics.Distribution;

/// <summary>Checks on two sets of features that are to be compared.</summary>
internal static class FeatureGuard
{
    public static void Same(string features, long dimension, string wanted, long wantedDimension, string name = "candidate")
    {
        if (features == wanted && dimension == wantedDimension) return;
        throw new ArgumentException(
            $"{name} must be of the features '{wanted}' [{wantedDimension}], but it is of '{features}' [{dimension}]. Features of different extractors cannot be compared.", name);
    }

    public static void Enough(long count, long least, string name)
    {
        if (count >= least) return;
        throw new ArgumentException($"{name} must hold at least {least} images, but it holds {count}.", name);
    }
}
