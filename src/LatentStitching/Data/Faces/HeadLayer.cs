using System.Numerics;
using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>The head itself: ears, the lit skin, the relief of the nose, and the marks of age.</summary>
internal static class HeadLayer
{
    // Wrinkles begin at this age.
    private const float Unlined = 0.3f;

    /// <summary>The skin in the shade.</summary>
    public static Vector3 Shade(Face face) =>
        FacePalette.Skin(face) * FacePalette.Light(face) * Vector3.Lerp(new Vector3(0.62f, 0.50f, 0.46f), new Vector3(0.34f, 0.24f, 0.21f), face[LightContrast]);

    /// <summary>The skin in full light.</summary>
    public static Vector3 Lit(Face face) => FacePalette.Skin(face) * FacePalette.Light(face) * 1.06f;

    public static void DrawEars(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(-0.35f, 0.45f);
        Tensor size = canvas.Column(face => 0.17f + 0.07f * face[EarSize]);
        Tensor x = band.U + canvas.Column(face => 0.16f * FaceCanvas.Sin(face[Yaw]));
        x.abs_();
        x.sub_(canvas.HeadWidth);
        x.mul_(1.7f / size);
        Tensor y = Pixels.Offset(band.V, canvas.Column(face => 0.06f - 0.5f * FaceCanvas.Sin(face[Pitch])), 1 / size);
        Tensor inside = x * x;
        inside.add_(y * y);
        inside.sub_(1);
        Tensor mask = Pixels.Edge(inside, canvas.PerPixel * size * -0.4f);
        Tensor tone = Pixels.Blob(x, 0, 1.3f, y, 0, 1.3f);
        tone.mul_(-0.3f);
        tone.add_(band.U * canvas.Column(face => 0.25f * FaceCanvas.LightDirection(face).X));
        tone.add_(0.66f);
        band.Paint(mask, tone, canvas.Colour(Shade), canvas.Colour(face => Lit(face) * new Vector3(1, 0.94f, 0.92f)));
    }

    /// <summary>Darkens and brightens the light on the skin where the face rises and sinks. Before <see cref="DrawSkin"/>.</summary>
    public static void Model(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        ModelNose(canvas, canvas.Band(-0.35f, 0.64f));
        ModelCheeks(canvas, canvas.Band(-0.25f, 0.94f));
    }

    public static void DrawSkin(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand all = canvas.Band(-1, 1);
        all.Paint(all.Head, all.Tone, canvas.Colour(Shade), canvas.Colour(Lit));
    }

    // The nose stands out of the ellipsoid, so it moves further than its place on the surface when the head turns.
    private static void ModelNose(FaceCanvas canvas, FaceBand band)
    {
        using var scope = NewDisposeScope();
        Tensor across = Pixels.Offset(band.P, canvas.Column(face => 0.16f * FaceCanvas.Sin(face[Yaw])), canvas.Column(face => 1 / (0.13f + 0.07f * face[NoseWidth])));
        Tensor y = band.Q - canvas.Column(face => 0.25f + 0.08f * face[NoseLength] + 0.16f * FaceCanvas.Sin(face[Pitch]));
        Tensor folded = across.abs();
        Tensor side = canvas.Column(face => FaceCanvas.LightDirection(face).X);

        // The flank away from the light, the underside, the wings and the nostrils.
        band.Darken(Pixels.Blob(across, side * -0.7f, 0.85f, y, -0.12f, 3.4f), side.abs() * 0.42f + 0.12f);
        band.Darken(Pixels.Blob(across, 0, 0.62f, y, 0.13f, 11), 0.42f);
        band.Darken(Pixels.Blob(folded, 1.05f, 4, y, 0.01f, 9), 0.30f);
        band.Darken(Pixels.Blob(folded, 0.48f, 2.6f, y, 0.085f, 22), 0.62f);
        // The bridge and the tip catch it.
        band.Brighten(Pixels.Blob(across, side * 0.2f, 1.7f, y, -0.16f, 3.6f), 0.10f);
        band.Brighten(Pixels.Blob(across, side * 0.3f, 1.5f, y, -0.01f, 9), 0.14f);
    }

    private static void ModelCheeks(FaceCanvas canvas, FaceBand band)
    {
        using var scope = NewDisposeScope();
        Tensor folded = band.P.abs();
        band.Brighten(Pixels.Blob(folded, 0.46f, 3.4f, band.Q, 0.26f, 4.2f), canvas.Column(face => 0.03f + 0.16f * MathF.Max(0, face[Smile])));

        // The fold from the wing of the nose to the corner of the mouth.
        Tensor line = Pixels.Offset(band.Q, 0.34f - 0.22f / 0.62f, 0.62f);
        line.sub_(folded);
        Tensor fold = Pixels.Ridge(line, 0, 17);
        fold.mul_(Pixels.Ridge(band.Q, 0.48f, 5.5f));
        band.Darken(fold, canvas.Column(face => 0.16f * MathF.Max(0, face[Smile]) + 0.42f * MathF.Max(0, face[Age] - Unlined)));
        // The hollow under the cheekbone.
        band.Darken(Pixels.Blob(folded, 0.72f, 3.6f, band.Q, 0.46f, 3.2f), canvas.Column(face => 0.06f + 0.22f * MathF.Max(0, face[Age] - Unlined)));
    }

    /// <summary>Whether the face is old enough to have wrinkles.</summary>
    public static bool IsAged(Face face) => face[Age] > Unlined;

    /// <summary>Darkens the light in the wrinkles. Before <see cref="DrawSkin"/>.</summary>
    public static void ModelAge(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(-0.62f, 0.42f);
        Tensor age = canvas.Column(face => (face[Age] - Unlined) / (1 - Unlined));
        Tensor folded = band.P.abs();
        // Bags under the eyes, lines on the forehead, crow's feet.
        band.Darken(Pixels.Blob(folded, 0.38f, 4.6f, band.Q, 0.12f, 13), age * 0.32f);
        Tensor phase = band.P * band.P;
        phase.mul_(0.9f);
        phase.add_(band.Q * 11);
        Tensor lines = Pixels.Wave(phase);
        lines.clamp_min_(0);
        lines.mul_(Pixels.Blob(band.P, 0, 1.7f, band.Q, -0.46f, 6));
        band.Darken(lines, age * 0.40f);
        Tensor feet = Pixels.Offset(band.Q, 0.02f, 14);
        feet.mul_(folded + 0.3f);
        Pixels.Wave(feet);
        feet.clamp_min_(0);
        feet.mul_(Pixels.Blob(folded, 0.74f, 8, band.Q, 0.02f, 7));
        band.Darken(feet, age * 0.45f);
    }
}
