using System.Numerics;
using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>Eyeglasses.</summary>
internal static class GlassesLayer
{
    private const float Level = -0.05f;

    public static void Draw(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(-0.60f, 0.50f);
        Tensor worn = canvas.Column(face => face[Glasses]);
        Tensor folded = band.P.abs();
        Tensor x = Pixels.Offset(folded, 0.40f, canvas.Column(face => 1 / (0.25f + 0.05f * face[GlassesSize])));
        Tensor y = Pixels.Offset(band.Q, Level, canvas.Column(face => 1 / (0.17f + 0.05f * face[GlassesSize])));
        // A superellipse: the fourth root of x⁴ + y⁴ is near 1 at the rim, so 1 minus the square root is twice the distance.
        x.mul_(x);
        x.mul_(x);
        y.mul_(y);
        y.mul_(y);
        Tensor inside = x + y;
        inside.sqrt_();
        inside.neg_();
        inside.add_(1);
        inside.mul_(canvas.Column(face => 0.5f * (0.17f + 0.05f * face[GlassesSize])));
        Tensor thick = canvas.Column(face => 0.021f + 0.008f * face[GlassesSize]);
        Tensor frame = Pixels.Edge(thick - inside.abs(), canvas.PerPixel);
        Tensor glass = Pixels.Edge(inside, canvas.PerPixel);

        Tensor bar = Pixels.Edge(thick - (band.Q - Level + 0.06f).abs_(), canvas.PerPixel);
        Tensor beside = Pixels.Edge((folded - 0.40f).abs_() - canvas.Column(face => 0.245f + 0.05f * face[GlassesSize]), canvas.PerPixel);
        bar.mul_(beside);
        bar.mul_(band.Head);

        Tensor glare = Pixels.Ridge(band.P * 0.8f + band.Q, -0.1f, 4);
        glare.mul_(0.14f);
        glare.add_(0.07f);
        glare.mul_(glass);
        glare.mul_(worn);
        band.Paint(glare, canvas.Colour(_ => new Vector3(0.90f, 0.95f, 1)));
        Tensor rim = max(frame, bar);
        rim.mul_(worn);
        band.Paint(rim, canvas.Colour(FacePalette.Frame));
    }
}
