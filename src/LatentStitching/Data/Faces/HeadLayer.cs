using System.Numerics;
using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>The head itself: ears, the lit skin, the relief of the nose, and the marks of age.</summary>
internal static class HeadLayer
{
    /// <summary>The skin in the shade.</summary>
    public static Vector3 Shade(Face face) =>
        FacePalette.Skin(face) * FacePalette.Light(face) * Vector3.Lerp(new Vector3(0.62f, 0.50f, 0.46f), new Vector3(0.34f, 0.24f, 0.21f), face[LightContrast]);

    /// <summary>The skin in full light.</summary>
    public static Vector3 Lit(Face face) => FacePalette.Skin(face) * FacePalette.Light(face) * 1.06f;

    public static void DrawEars(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(-0.35f, 0.45f);
        Tensor turn = canvas.Column(face => 0.16f * FaceCanvas.Sin(face[Yaw]));
        Tensor lift = canvas.Column(face => 0.06f + 0.5f * FaceCanvas.Sin(-face[Pitch]));
        Tensor size = canvas.Column(face => 1 / (0.17f + 0.07f * face[EarSize]));
        Tensor x = ((band.U + turn).abs_() - canvas.HeadWidth) * size * 1.7f;
        Tensor y = (band.V - lift) * size;
        Tensor radius = x * x + y * y;
        Tensor mask = Pixels.Edge((1 - radius) * (0.4f / size), canvas.PerPixel);
        Tensor tone = Pixels.Blob(x * 1.3f, y * 1.3f).mul_(-0.3f) + canvas.Column(face => 0.66f) + band.U * canvas.Column(face => 0.25f * FaceCanvas.LightDirection(face).X);
        band.Paint(mask, tone, canvas.Colour(Shade), canvas.Colour(face => Lit(face) * new Vector3(1, 0.94f, 0.92f)));
    }

    /// <summary>Darkens and brightens the light on the skin where the face rises and sinks. Before <see cref="DrawSkin"/>.</summary>
    public static void Model(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        ModelNose(canvas, canvas.Band(-0.45f, 0.55f));
        ModelCheeks(canvas, canvas.Band(-0.2f, 0.85f));
        ModelAge(canvas, canvas.Band(-0.62f, 0.45f));
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
        Tensor x = band.P - canvas.Column(face => 0.16f * FaceCanvas.Sin(face[Yaw]));
        Tensor tip = canvas.Column(face => 0.25f + 0.08f * face[NoseLength] + 0.16f * FaceCanvas.Sin(face[Pitch]));
        Tensor y = band.Q - tip;
        Tensor width = canvas.Column(face => 1 / (0.13f + 0.07f * face[NoseWidth]));
        Tensor side = canvas.Column(face => FaceCanvas.LightDirection(face).X);
        Tensor across = x * width;
        Tensor folded = across.abs();

        band.Darken(Pixels.Blob((across + side * 0.7f).mul_(0.85f), (y + 0.12f).mul_(3.4f)).mul_(side.abs() * 0.36f + 0.10f));
        band.Darken(Pixels.Blob(across * 0.62f, (y - 0.13f).mul_(11)).mul_(0.42f));
        band.Darken(Pixels.Blob((folded - 1.05f).mul_(4), (y - 0.01f).mul_(9)).mul_(0.30f));
        band.Darken(Pixels.Blob((folded - 0.48f).mul_(2.6f), (y - 0.085f).mul_(22)).mul_(0.62f));
        Tensor shine = Pixels.Blob((across - side * 0.2f).mul_(1.7f), (y + 0.16f).mul_(3.6f)).mul_(0.10f)
            + Pixels.Blob((across - side * 0.3f).mul_(1.5f), (y + 0.01f).mul_(9)).mul_(0.14f);
        band.Tone.add_(shine);
    }

    private static void ModelCheeks(FaceCanvas canvas, FaceBand band)
    {
        Tensor folded = band.P.abs();
        Tensor smile = canvas.Column(face => MathF.Max(0, face[Smile]));
        Tensor cheeks = Pixels.Blob((folded - 0.46f).mul_(3.4f), (band.Q - 0.26f).mul_(4.2f)).mul_(smile * 0.12f + 0.03f);
        band.Tone.add_(cheeks);

        // The fold from the wing of the nose to the corner of the mouth.
        Tensor fold = Pixels.Ridge((folded - 0.22f - (band.Q - 0.34f).mul_(0.62f)).mul_(17));
        fold.mul_(Pixels.Ridge((band.Q - 0.48f).mul_(5.5f)));
        band.Darken(fold.mul_(canvas.Column(face => 0.10f * MathF.Max(0, face[Smile]) + 0.42f * MathF.Max(0, face[Age] - 0.3f))));
        // The hollow under the cheekbone.
        Tensor hollow = Pixels.Blob((folded - 0.72f).mul_(3.6f), (band.Q - 0.46f).mul_(3.2f));
        band.Darken(hollow.mul_(canvas.Column(face => 0.06f + 0.22f * MathF.Max(0, face[Age] - 0.3f))));
    }

    private static void ModelAge(FaceCanvas canvas, FaceBand band)
    {
        Tensor age = canvas.Column(face => MathF.Max(0, face[Age] - 0.3f) / 0.7f);
        Tensor folded = band.P.abs();
        Tensor bags = Pixels.Blob((folded - 0.38f).mul_(4.6f), (band.Q - 0.12f).mul_(13));
        band.Darken(bags.mul_(age * 0.32f));
        Tensor lines = Pixels.Wave((band.Q * 11 + 0.9f * band.P.square()).add_(0.2f)).clamp_min_(0);
        lines.mul_(Pixels.Blob(band.P * 1.7f, (band.Q + 0.46f).mul_(6)));
        band.Darken(lines.mul_(age * 0.40f));
        Tensor feet = Pixels.Wave((band.Q - 0.02f) * 14 * (folded + 0.3f)).clamp_min_(0);
        feet.mul_(Pixels.Blob((folded - 0.74f).mul_(8), (band.Q - 0.02f).mul_(7)));
        band.Darken(feet.mul_(age * 0.45f));
    }
}
