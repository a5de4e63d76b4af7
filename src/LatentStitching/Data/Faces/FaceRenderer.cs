namespace LatentStitching.Data.Faces;

/// <summary>Draws faces from their factors, layer upon layer from back to front.</summary>
internal static class FaceRenderer
{
    // Grids of one block hold about this many pixels (half a MB): enough to outweigh the cost of starting an operation.
    private const int BlockPixels = 1 << 17;

    /// <summary>Draws faces.</summary>
    /// <param name="faces">At least one.</param>
    /// <param name="size">Height and width in pixels.</param>
    /// <returns>Image batch [n, 3, size, size], float32, values in [0, 1], owned by the caller.</returns>
    public static Tensor Draw(IReadOnlyList<Face> faces, int size)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor images = empty(faces.Count, 3, size, size, dtype: ScalarType.Float32);
        int block = Math.Max(1, BlockPixels / (size * size));
        for (int start = 0; start < faces.Count; start += block)
        {
            int count = Math.Min(block, faces.Count - start);
            using var blockScope = NewDisposeScope();
            images.narrow(0, start, count).copy_(DrawBlock([.. faces.Skip(start).Take(count)], size));
        }
        return images.MoveToOuterDisposeScope();
    }

    private static Tensor DrawBlock(IReadOnlyList<Face> faces, int size)
    {
        FaceCanvas canvas = new(faces, size);
        HairLayer hair = new(canvas);
        BodyLayer.DrawBackground(canvas);
        BodyLayer.DrawClothes(canvas);
        hair.DrawBehind();
        BodyLayer.DrawNeck(canvas);
        HeadLayer.DrawEars(canvas);
        HeadLayer.Model(canvas);
        canvas.DrawOn(HeadLayer.IsAged, HeadLayer.ModelAge);
        HeadLayer.DrawSkin(canvas);
        MouthLayer.DrawBlush(canvas);
        canvas.DrawOn(face => face[FaceFactor.Beard] > 0, MouthLayer.DrawBeard);
        MouthLayer.Draw(canvas);
        EyeLayer.Draw(canvas);
        canvas.DrawOn(face => face[FaceFactor.Glasses] > 0, GlassesLayer.Draw);
        hair.DrawInFront();
        canvas.DrawOn(face => face[FaceFactor.Baldness] > 0, HairLayer.DrawShine);
        return canvas.Image.clamp_(0, 1);
    }
}
