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
        FaceBand band = canvas.Band(-0.25f, 0.5f);
        Tensor mask = Pixels.Blob((band.P.abs() - 0.60f).mul_(2.7f), (band.Q - 0.24f).mul_(3.8f));
        mask.mul_(canvas.Column(face => 0.06f + 0.44f * face[Makeup])).mul_(band.Head);
        band.Paint(mask, canvas.Colour(face => FacePalette.Blush(face) * FacePalette.Light(face)));
    }

    public static void DrawBeard(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(-0.15f, 0.85f);
        Tensor folded = band.P.abs();
        Tensor jaw = band.Q - 0.42f + (folded - 0.34f).clamp_min_(0) * 0.75f;
        Tensor width = canvas.Column(face => 0.36f + 0.75f * face[BeardWidth]) - folded;
        Tensor mask = Pixels.Edge(min(jaw, width), canvas.Column(_ => 9f));
        // Bare skin below the lower lip's corners gives the moustache its shape.
        Tensor patch = Pixels.Blob((folded - 0.2f).mul_(6), (band.Q - 0.70f).mul_(12));
        mask.mul_(1 - 0.5f * patch);
        Tensor grain = Pixels.Wave(folded * 13 + band.Q * 4) * Pixels.Wave(band.Q * 10 - folded * 3);
        mask.mul_(grain.mul_(0.10f).add_(0.90f));
        mask.mul_(canvas.Column(face => face[Beard])).mul_(band.Head);
        Tensor tone = band.Tone;
        band.Paint(mask, tone, canvas.Colour(face => FacePalette.BeardHair(face) * 0.5f), canvas.Colour(face => FacePalette.BeardHair(face) * FacePalette.Light(face) * 1.05f));
    }

    public static void Draw(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(0.02f, 0.72f);
        Tensor x = (band.P - canvas.Column(face => 0.05f * FaceCanvas.Sin(face[Yaw]))) * canvas.Column(face => 1 / HalfWidth(face));
        Tensor square = x * x;
        Tensor lens = 1 - square;
        Tensor y = band.Q - Level + (square - 0.4f) * canvas.Column(face => 0.115f * face[Smile]);
        Tensor opening = canvas.Column(face => 0.17f * face[MouthOpening]);
        Tensor inTop = y + lens * (opening * 0.3f);
        Tensor inBottom = lens * (opening * 0.7f) - y;
        Tensor bow = Pixels.Ridge(x * 4.5f).mul_(0.28f);
        Tensor top = inTop + (1 - bow) * lens * canvas.Column(face => 0.036f + 0.048f * face[LipFullness]);
        Tensor bottom = inBottom + lens * canvas.Column(face => 0.052f + 0.058f * face[LipFullness]);

        // The shadow that the lower lip casts on the chin.
        band.Paint(Pixels.Blob(x * 1.5f, (bottom + 0.045f).mul_(16)).mul_(0.4f), canvas.Colour(face => HeadLayer.Shade(face)));

        Tensor lips = Pixels.Edge(min(top, bottom), canvas.PerPixel);
        Tensor gloss = Pixels.Blob(x * 2, (inBottom + 0.035f).mul_(26)).mul_(canvas.Column(face => 0.25f + 0.35f * face[Makeup]));
        Tensor relief = Pixels.Edge(-y, canvas.Column(_ => 8f)).mul_(-0.28f).add_(0.72f) + gloss;
        band.Paint(lips, relief, canvas.Colour(face => FacePalette.Lips(face) * FacePalette.Light(face) * 0.45f), canvas.Colour(face => FacePalette.Lips(face) * FacePalette.Light(face) * 1.15f));

        Tensor inside = Pixels.Edge(min(inTop, inBottom), canvas.PerPixel).mul_(canvas.Column(face => MathF.Min(1, face[MouthOpening] * 8)));
        band.Paint(inside, canvas.Colour(_ => new Vector3(0.22f, 0.05f, 0.06f)));
        Tensor teeth = Pixels.Edge(lens * (opening * 0.66f) - inTop, canvas.PerPixel).mul_(inside);
        band.Paint(teeth, canvas.Colour(face => new Vector3(0.96f, 0.94f, 0.90f) * FacePalette.Light(face)));

        Tensor line = Pixels.Edge(0.012f - inTop.abs_(), canvas.PerPixel).mul_(Pixels.Edge(lens * 0.2f, canvas.PerPixel));
        band.Paint(line.mul_(0.75f), canvas.Colour(face => FacePalette.Lips(face) * 0.28f));
    }

    private static float HalfWidth(Face face) => 0.31f + 0.06f * face[MouthWidth] + 0.09f * MathF.Max(0, face[Smile]);
}
