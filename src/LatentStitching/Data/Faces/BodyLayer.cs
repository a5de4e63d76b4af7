using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>What lies behind the head: the background, the clothes and the neck.</summary>
internal static class BodyLayer
{
    public static void DrawBackground(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        Tensor mix = canvas.X * canvas.Column(face => 0.35f * FaceCanvas.Sin(face[LightAzimuth])) - 0.35f * canvas.Y;
        mix.add_(0.5f);
        Tensor low = canvas.Colour(face => FacePalette.Background(face, -0.10f) * FacePalette.Light(face));
        Tensor high = canvas.Colour(face => FacePalette.Background(face, 0.18f) * FacePalette.Light(face));
        Tensor colour = mix.unsqueeze(1) * (high - low);
        colour.add_(low);
        canvas.Image.copy_(colour);
    }

    public static void DrawClothes(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(0.45f, 1);
        Tensor x = Shifted(canvas);
        Tensor top = x.square() * canvas.Column(face => 0.42f - 0.18f * face[Jaw]) + canvas.Column(face => 1.26f - 0.06f * face[Jaw]);
        Tensor neckline = 1.52f - x.square() * 2.4f;
        Tensor mask = Pixels.Edge(band.BodyY - max(top, neckline), canvas.PerPixel);
        Tensor fold = Light(canvas, x) - 0.1f * Pixels.Ridge(band.BodyY - neckline, 0.05f, 12);
        band.Paint(mask, fold, canvas.Colour(face => FacePalette.Clothes(face) * 0.45f), canvas.Colour(face => FacePalette.Clothes(face) * 1.1f));
    }

    public static void DrawNeck(FaceCanvas canvas)
    {
        using var scope = NewDisposeScope();
        FaceBand band = canvas.Band(0.15f, 1);
        Tensor x = Shifted(canvas);
        Tensor top = x.square() * 0.9f + 1.20f;
        Tensor column = Pixels.Edge(canvas.Column(face => 0.27f + 0.14f * face[Jaw]) - x.abs(), canvas.PerPixel);
        Tensor chest = Pixels.Edge(band.BodyY - top, canvas.PerPixel);
        Tensor below = Pixels.Edge(1.52f - x.square() * 2.4f - band.BodyY, canvas.PerPixel);
        Tensor mask = max(column, chest).mul_(below);
        Tensor shadow = Pixels.Blob(x.expand(-1, band.BodyY.size(1), -1), 0, 1.6f, band.BodyY, 0.95f, 2.4f);
        Tensor light = Light(canvas, x) - 0.45f * shadow;
        band.Paint(mask, light, canvas.Colour(HeadLayer.Shade), canvas.Colour(HeadLayer.Lit));
    }

    private static Tensor Shifted(FaceCanvas canvas) => canvas.BodyX + canvas.Column(face => 0.7f * FaceCanvas.Sin(face[Roll]));

    private static Tensor Light(FaceCanvas canvas, Tensor x) => x * canvas.Column(face => 0.3f * FaceCanvas.LightDirection(face).X) + 0.62f;
}
