namespace LatentStitching.Data.Faces;

/// <summary>Draws faces from their factors.</summary>
internal static class FaceRenderer
{
    public static Tensor Draw(IReadOnlyList<Face> faces, int size)
    {
        using var scope = NewDisposeScope();
        Tensor melanin = tensor(faces.Select(face => face[FaceFactor.Melanin]).ToArray()).reshape(-1, 1, 1, 1);
        return (1 - 0.8f * melanin).expand(faces.Count, 3, size, size).contiguous().MoveToOuterDisposeScope();
    }
}
