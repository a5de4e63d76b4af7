using System.Numerics;
using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>Blush, beard and mouth.</summary>
internal static class MouthLayer
{
    private const float Level = 0.57f;

    public static void DrawBlush(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(-0.25f, 0.62f);
        Tensor mask = Pixels.Blob(band.P.abs(), 0.60f, 2.7f, band.Q, 0.24f, 3.8f);
        mask.mul_(canvas.Column(face => 0.06f + 0.44f * face[Makeup]));
        mask.mul_(band.Head);
        band.Paint(mask, canvas.Colour(face => FacePalette.Blush(face) * FacePalette.Light(face)));
    }

    public static void DrawBeard(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(-0.24f, 0.95f);
        Tensor folded = band.P.abs();
        // Below the line from the sideburn to the corner of the mouth, and no wider than the style.
        Tensor jaw = Pixels.Offset(folded, 0.34f, 0.75f);
        jaw.clamp_min_(0);
        jaw.add_(band.Q);
        jaw.sub_(0.42f);
        Tensor width = canvas.Column(face => 0.36f + 0.75f * face[BeardWidth]) - folded;
        Tensor mask = Pixels.Edge(min(jaw, width), 9);
        // Bare skin beside the lower lip gives the moustache its shape.
        Tensor patch = Pixels.Blob(folded, 0.2f, 6, band.Q, 0.70f, 12);
        patch.mul_(mask);
        patch.mul_(0.5f);
        mask.sub_(patch);
        Tensor grain = Pixels.Wave(band.Q * 4 + folded);
        grain.mul_(0.25f);
        grain.add_(folded * 15);
        Pixels.Wave(grain);
        grain.mul_(0.10f);
        grain.add_(0.90f);
        mask.mul_(grain);
        mask.mul_(canvas.Column(face => face[Beard]));
        mask.mul_(band.Head);
        band.Paint(mask, band.Tone, canvas.Colour(face => FacePalette.BeardHair(face) * 0.5f), canvas.Colour(face => FacePalette.BeardHair(face) * FacePalette.Light(face) * 1.05f));
    }

    public static void Draw(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(0.02f, 0.86f);
        Tensor x = Pixels.Offset(band.P, canvas.Column(face => 0.05f * FaceCanvas.Sin(face[Yaw])), canvas.Column(face => 1 / HalfWidth(face)));
        Tensor lens = x * x;
        // y is measured from the line between the lips, which bends with the smile.
        Tensor y = Pixels.Offset(lens, 0.4f, canvas.Column(face => 0.15f * face[Smile]));
        y.add_(band.Q);
        y.sub_(Level);
        lens.neg_();
        lens.add_(1);
        Tensor inTop = lens * canvas.Column(face => 0.3f * Opening(face));
        inTop.add_(y);
        Tensor inBottom = lens * canvas.Column(face => 0.7f * Opening(face));
        inBottom.sub_(y);
        DrawLips(canvas, band, x, y, lens, inTop, inBottom);
        DrawInside(canvas, band, lens, inTop, inBottom);
    }

    private static void DrawLips(FaceCanvas canvas, FaceBand band, Tensor x, Tensor y, Tensor lens, Tensor inTop, Tensor inBottom)
    {
        using var scope = NewDisposeScope();
        Tensor top = Pixels.Ridge(x, 0, 4.5f);
        top.mul_(-0.28f);
        top.add_(1);
        top.mul_(lens);
        top.mul_(canvas.Column(face => 0.036f + 0.048f * face[LipFullness]));
        top.add_(inTop);
        Tensor bottom = lens * canvas.Column(face => 0.052f + 0.058f * face[LipFullness]);
        bottom.add_(inBottom);

        // The shadow that the lower lip casts on the chin.
        Tensor shadow = Pixels.Blob(x, 0, 1.5f, bottom, -0.045f, 16);
        shadow.mul_(0.4f);
        band.Paint(shadow, canvas.Colour(HeadLayer.Shade));

        // The upper lip lies in the shade, the lower one shines.
        Tensor tone = Pixels.Edge(y.clone(), -8);
        tone.mul_(-0.28f);
        tone.add_(0.72f);
        Tensor gloss = Pixels.Blob(x, 0, 2, inBottom, -0.035f, 26);
        gloss.mul_(canvas.Column(face => 0.25f + 0.35f * face[Makeup]));
        tone.add_(gloss);
        Tensor lips = Pixels.Edge(min(top, bottom), canvas.PerPixel);
        band.Paint(lips, tone, canvas.Colour(face => FacePalette.Lips(face) * FacePalette.Light(face) * 0.45f), canvas.Colour(face => FacePalette.Lips(face) * FacePalette.Light(face) * 1.15f));
    }

    private static void DrawInside(FaceCanvas canvas, FaceBand band, Tensor lens, Tensor inTop, Tensor inBottom)
    {
        using var scope = NewDisposeScope();
        Tensor inside = Pixels.Edge(min(inTop, inBottom), canvas.PerPixel);
        inside.mul_(canvas.Column(face => MathF.Min(1, face[MouthOpening] * 8)));
        band.Paint(inside, canvas.Colour(_ => new Vector3(0.22f, 0.05f, 0.06f)));
        Tensor teeth = lens * canvas.Column(face => 0.66f * Opening(face));
        teeth.sub_(inTop);
        Pixels.Edge(teeth, canvas.PerPixel);
        teeth.mul_(inside);
        band.Paint(teeth, canvas.Colour(face => new Vector3(0.96f, 0.94f, 0.90f) * FacePalette.Light(face)));

        Tensor line = inTop.abs();
        line.sub_(0.012f);
        Pixels.Edge(line, -canvas.PerPixel);
        line.mul_(Pixels.Edge(lens.clone(), canvas.PerPixel * 0.2f));
        line.mul_(0.75f);
        band.Paint(line, canvas.Colour(face => FacePalette.Lips(face) * 0.28f));
    }

    private static float HalfWidth(Face face) => 0.31f + 0.06f * face[MouthWidth] + 0.12f * MathF.Max(0, face[Smile]);

    private static float Opening(Face face) => 0.21f * face[MouthOpening];
}
