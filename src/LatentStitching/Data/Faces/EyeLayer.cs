using System.Numerics;
using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>Eyes, brows and the make-up around them. Both sides are drawn at once, on |P|.</summary>
internal static class EyeLayer
{
    private const float Level = -0.06f;

    public static void Draw(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(-0.60f, 0.42f);
        Tensor light = canvas.Column(face => 0.9f);
        Tensor folded = band.P.abs();
        Tensor side = band.P.sign();
        Tensor fromEye = folded - canvas.Column(face => face[EyeSpacing]);
        Tensor y = band.Q - Level;
        Tensor makeup = canvas.Column(face => face[Makeup]);

        DrawShadow(canvas, band, fromEye, y, makeup);

        Tensor x = fromEye * canvas.Column(face => 1 / (0.215f * face[EyeSize]));
        Tensor lens = 1 - x * x;
        Tensor tilted = y + x * 0.018f;
        Tensor above = tilted + lens * canvas.Column(face => 0.108f * face[EyeSize] * face[EyeOpening]);
        Tensor under = lens * canvas.Column(face => 0.058f * face[EyeSize] * (0.6f + 0.4f * face[EyeOpening])) - tilted;
        Tensor open = Pixels.Edge(min(above, under), canvas.PerPixel);

        band.Paint(open, canvas.Colour(face => new Vector3(0.94f, 0.92f, 0.90f) * FacePalette.Light(face) * (1 - 0.12f * face[LightContrast])));
        DrawIris(canvas, band, fromEye, side, y, open);
        // The upper lid shades the eye; then the lash lines.
        band.Paint(Pixels.Ridge((above * 15)).mul_(open).mul_(0.35f), canvas.Colour(_ => new Vector3(0.10f, 0.06f, 0.05f)));
        Tensor within = Pixels.Edge((lens + canvas.Column(face => 0.05f + 0.5f * face[Makeup])).mul_(0.09f), canvas.PerPixel);
        Tensor lashes = Pixels.Edge(canvas.Column(face => 0.014f + 0.018f * face[Makeup]) - (above - 0.004f).abs_(), canvas.PerPixel).mul_(within);
        lashes.mul_(canvas.Column(face => 0.72f + 0.28f * face[Makeup]));
        Tensor lower = Pixels.Edge(canvas.Column(face => 0.006f + 0.008f * face[Makeup]) - under.abs_(), canvas.PerPixel).mul_(within);
        lower.mul_(canvas.Column(face => 0.30f + 0.35f * face[Makeup]));
        band.Paint(max(lashes, lower), canvas.Colour(face => Vector3.Lerp(HeadLayer.Shade(face) * 0.35f, new Vector3(0.05f, 0.03f, 0.04f), 0.4f + 0.6f * face[Makeup])));

        DrawBrows(canvas, band, folded);
    }

    // Socket and crease in the skin's own shade, eye shadow on top of them.
    private static void DrawShadow(FaceCanvas canvas, FaceBand band, Tensor fromEye, Tensor y, Tensor makeup)
    {
        Tensor socket = Pixels.Blob(fromEye * 3.2f, (y + 0.03f).mul_(5)).mul_(0.26f);
        band.Paint(socket, canvas.Colour(HeadLayer.Shade));
        Tensor lid = Pixels.Blob((fromEye - 0.02f).mul_(3.4f), (y + 0.085f).mul_(7)).mul_(makeup * 0.85f);
        band.Paint(lid, canvas.Colour(face => FacePalette.EyeShadow(face) * FacePalette.Light(face)));
    }

    private static void DrawIris(FaceCanvas canvas, FaceBand band, Tensor fromEye, Tensor side, Tensor y, Tensor open)
    {
        Tensor size = canvas.Column(face => 0.080f * face[EyeSize]);
        Tensor x = (fromEye * side - canvas.Column(face => 0.05f * face[Gaze])) * canvas.HeadWidth;
        Tensor down = y + canvas.Column(face => 0.026f * face[EyeOpening]);
        Tensor radius = (x * x + down * down) / (size * size);
        Tensor reach = canvas.PerPixel * size * 0.5f;
        Tensor iris = Pixels.Edge(1 - radius, reach).mul_(open);
        band.Paint(iris, (1 - 0.45f * radius).clamp_(0, 1), canvas.Colour(face => FacePalette.Iris(face) * 0.35f), canvas.Colour(face => FacePalette.Iris(face) * 1.15f));
        Tensor pupil = Pixels.Edge(0.2f - radius, reach).mul_(open);
        band.Paint(pupil, canvas.Colour(_ => new Vector3(0.03f, 0.02f, 0.02f)));
        Tensor spark = Pixels.Blob((x - canvas.Column(face => 0.03f * FaceCanvas.LightDirection(face).X)) / (size * 0.5f), (down + 0.026f) / (size * 0.5f)).mul_(open);
        band.Paint(spark.mul_(0.9f), canvas.Colour(_ => Vector3.One));
    }

    private static void DrawBrows(FaceCanvas canvas, FaceBand band, Tensor folded)
    {
        Tensor x = (folded - canvas.Column(face => face[EyeSpacing] + 0.015f)).mul_(1 / 0.27f);
        Tensor line = band.Q - canvas.Column(face => -0.27f - 0.06f * face[BrowHeight] - 0.015f * MathF.Max(0, face[Smile]));
        Tensor bend = x - 0.05f;
        line.sub_(bend * bend * canvas.Column(face => 0.02f + 0.055f * face[BrowArch]));
        Tensor thickness = (1 - x * x) * canvas.Column(face => 0.022f + 0.036f * face[BrowThickness]);
        thickness.sub_(x * canvas.Column(face => 0.012f * face[BrowThickness]));
        Tensor mask = Pixels.Edge(thickness - line.abs_(), canvas.PerPixel * 0.6f);
        band.Paint(mask.mul_(canvas.Column(face => 0.72f + 0.2f * face[BrowThickness])), canvas.Colour(face => FacePalette.Brow(face) * FacePalette.Light(face)));
    }
}
