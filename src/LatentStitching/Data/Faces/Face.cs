namespace LatentStitching.Data.Faces;

/// <summary>One face: its labels, and the factors that determine its picture completely.</summary>
internal sealed class Face
{
    private readonly float[] _factors = new float[FaceFactorInfo.All.Count];

    public required FaceAttributes Attributes { get; init; }

    public IReadOnlyList<float> Factors => _factors;

    public float this[FaceFactor factor]
    {
        get => _factors[(int)factor];
        set => _factors[(int)factor] = value;
    }
}
