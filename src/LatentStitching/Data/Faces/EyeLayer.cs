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
        DrawSockets(canvas, canvas.Band(-0.52f, 0.38f));
        DrawEyes(canvas, canvas.Band(-0.40f, 0.36f));
        DrawBrows(canvas, canvas.Band(-0.60f, 0.20f));
    }

    // The hollow in the skin's own shade, eye shadow on top of it.
    private static void DrawSockets(FaceCanvas canvas, FaceBand band)
    {
        using var scope = NewDisposeScope();
        Tensor fromEye = FromEye(canvas, band);
        Tensor mask = Pixels.Blob(fromEye, 0, 3.2f, band.Q, Level - 0.03f, 5);
        mask.mul_(0.26f);
        band.Paint(mask, canvas.Colour(HeadLayer.Shade));
        mask = Pixels.Blob(fromEye, 0.02f, 3.4f, band.Q, Level - 0.085f, 7);
        mask.mul_(canvas.Column(face => 0.85f * face[Makeup]));
        band.Paint(mask, canvas.Colour(face => FacePalette.EyeShadow(face) * FacePalette.Light(face)));
    }

    // Between two parabolas: above and under measure down from the upper and up from the lower lid.
    private static void DrawEyes(FaceCanvas canvas, FaceBand band)
    {
        using var scope = NewDisposeScope();
        Tensor fromEye = FromEye(canvas, band);
        Tensor lens = fromEye * canvas.Column(face => 1 / (0.215f * face[EyeSize]));
        Tensor y = Pixels.Offset(lens, 0, 0.018f);
        y.add_(band.Q);
        y.sub_(Level);
        lens.mul_(lens);
        lens.neg_();
        lens.add_(1);
        Tensor above = lens * canvas.Column(face => 0.108f * face[EyeSize] * face[EyeOpening]);
        above.add_(y);
        Tensor under = lens * canvas.Column(face => 0.058f * face[EyeSize] * (0.6f + 0.4f * face[EyeOpening]));
        under.sub_(y);
        Tensor open = Pixels.Edge(min(above, under), canvas.PerPixel);

        band.Paint(open, canvas.Colour(face => new Vector3(0.94f, 0.92f, 0.90f) * FacePalette.Light(face) * (1 - 0.12f * face[LightContrast])));
        DrawIris(canvas, band, fromEye, open);
        DrawLashes(canvas, band, lens, above, under, open);
    }

    private static void DrawIris(FaceCanvas canvas, FaceBand band, Tensor fromEye, Tensor open)
    {
        using var scope = NewDisposeScope();
        Tensor x = band.P.sign();
        x.mul_(fromEye);
        x.sub_(canvas.Column(face => 0.05f * face[Gaze]));
        x.mul_(canvas.Column(face => face[FaceWidth] / Radius(face)));
        Tensor y = Pixels.Offset(band.Q, canvas.Column(face => Level - 0.026f * face[EyeOpening]), canvas.Column(face => 1 / Radius(face)));
        Tensor radius = x * x;
        radius.add_(y * y);
        Tensor reach = canvas.PerPixel * canvas.Column(face => -0.5f * Radius(face));

        Tensor iris = Pixels.Edge(radius - 1, reach);
        iris.mul_(open);
        Tensor tone = Pixels.Offset(radius, 1 / 0.45f, -0.45f);
        tone.clamp_min_(0);
        band.Paint(iris, tone, canvas.Colour(face => FacePalette.Iris(face) * 0.35f), canvas.Colour(face => FacePalette.Iris(face) * 1.15f));
        Tensor pupil = Pixels.Edge(radius - 0.2f, reach);
        pupil.mul_(open);
        band.Paint(pupil, canvas.Colour(_ => new Vector3(0.03f, 0.02f, 0.02f)));
        Tensor spark = Pixels.Blob(x, canvas.Column(face => 0.35f * FaceCanvas.LightDirection(face).X), 2, y, -0.32f, 2);
        spark.mul_(open);
        band.Paint(spark, canvas.Colour(_ => new Vector3(0.97f)));
    }

    // The upper lid's shade on the eye, and the lash lines: thin and brown, or thick, black and winged with make-up.
    private static void DrawLashes(FaceCanvas canvas, FaceBand band, Tensor lens, Tensor above, Tensor under, Tensor open)
    {
        using var scope = NewDisposeScope();
        Tensor shade = Pixels.Ridge(above, 0, 15);
        shade.mul_(open);
        shade.mul_(0.35f);
        Tensor within = Pixels.Edge(lens + canvas.Column(face => 0.05f + 0.5f * face[Makeup]), canvas.PerPixel * 0.09f);
        Tensor upper = Line(above, 0.004f, canvas.Column(face => 0.014f + 0.018f * face[Makeup]), canvas);
        upper.mul_(canvas.Column(face => 0.72f + 0.28f * face[Makeup]));
        Tensor lower = Line(under, 0, canvas.Column(face => 0.006f + 0.008f * face[Makeup]), canvas);
        lower.mul_(canvas.Column(face => 0.30f + 0.35f * face[Makeup]));
        Tensor lashes = max(upper, lower);
        lashes.mul_(within);
        Tensor mask = max(lashes, shade);
        band.Paint(mask, canvas.Colour(face => Vector3.Lerp(HeadLayer.Shade(face) * 0.35f, new Vector3(0.05f, 0.03f, 0.04f), 0.4f + 0.6f * face[Makeup])));
    }

    private static void DrawBrows(FaceCanvas canvas, FaceBand band)
    {
        using var scope = NewDisposeScope();
        Tensor x = Pixels.Offset(band.P.abs(), canvas.Column(face => face[EyeSpacing] + 0.015f), 1 / 0.27f);
        Tensor line = Pixels.Offset(x, 0.05f, canvas.Column(face => MathF.Sqrt(0.02f + 0.055f * face[BrowArch])));
        line.mul_(line);
        line.sub_(band.Q);
        line.add_(canvas.Column(face => -0.27f - 0.06f * face[BrowHeight] - 0.015f * MathF.Max(0, face[Smile])));
        line.abs_();
        // Thickest inside, thinning out to the temple.
        Tensor thickness = x * x;
        thickness.mul_(canvas.Column(face => -Thickness(face)));
        thickness.sub_(x * canvas.Column(face => 0.012f * face[BrowThickness]));
        thickness.add_(canvas.Column(Thickness));
        thickness.sub_(line);
        Tensor mask = Pixels.Edge(thickness, canvas.PerPixel * 0.6f);
        mask.mul_(canvas.Column(face => 0.72f + 0.2f * face[BrowThickness]));
        band.Paint(mask, canvas.Colour(face => FacePalette.Brow(face) * FacePalette.Light(face)));
    }

    private static Tensor Line(Tensor distance, float centre, Tensor halfWidth, FaceCanvas canvas)
    {
        Tensor line = distance - centre;
        line.abs_();
        line.sub_(halfWidth);
        return Pixels.Edge(line, -canvas.PerPixel);
    }

    private static Tensor FromEye(FaceCanvas canvas, FaceBand band)
    {
        Tensor fromEye = band.P.abs();
        fromEye.sub_(canvas.Column(face => face[EyeSpacing]));
        return fromEye;
    }

    private static float Radius(Face face) => 0.080f * face[EyeSize];

    private static float Thickness(Face face) => 0.022f + 0.036f * face[BrowThickness];
}
