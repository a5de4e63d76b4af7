namespace LatentStitching.Data;

/// <summary>The official parts of CelebA; people do not cross them.</summary>
public enum CelebAPartition
{
    /// <summary>Pictures to train on: 162,770 of the full set.</summary>
    Train = 0,

    /// <summary>Pictures to choose with: 19,867 of the full set.</summary>
    Validation = 1,

    /// <summary>Pictures to judge on: 19,962 of the full set.</summary>
    Test = 2,
}
