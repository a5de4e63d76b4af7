using System.Numerics;
using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>The colours of a face: RGB vectors, each part in [0, 1] before lighting.</summary>
internal static class FacePalette
{
    private static readonly (float At, Vector3 Colour)[] _skin =
    [
        (0, new(0.98f, 0.89f, 0.85f)), (0.05f, new(0.97f, 0.87f, 0.82f)), (0.2f, new(0.93f, 0.75f, 0.63f)), (0.45f, new(0.84f, 0.62f, 0.47f)),
        (0.7f, new(0.64f, 0.43f, 0.30f)), (1, new(0.42f, 0.27f, 0.19f)),
    ];

    private static readonly (float At, Vector3 Colour)[] _hair =
    [
        (0, new(0.08f, 0.07f, 0.07f)), (0.25f, new(0.19f, 0.13f, 0.10f)), (0.55f, new(0.37f, 0.23f, 0.14f)), (0.8f, new(0.84f, 0.66f, 0.36f)),
        (1, new(0.96f, 0.86f, 0.60f)),
    ];

    private static readonly (float At, Vector3 Colour)[] _iris =
    [
        (0, new(0.17f, 0.10f, 0.06f)), (0.4f, new(0.36f, 0.22f, 0.10f)), (0.6f, new(0.38f, 0.42f, 0.20f)), (0.8f, new(0.25f, 0.48f, 0.58f)),
        (1, new(0.40f, 0.55f, 0.70f)),
    ];

    private static readonly (float At, Vector3 Colour)[] _frames =
    [
        (0, new(0.04f, 0.04f, 0.05f)), (0.5f, new(0.10f, 0.07f, 0.06f)), (0.75f, new(0.28f, 0.10f, 0.07f)), (1, new(0.12f, 0.14f, 0.26f)),
    ];

    public static Vector3 Skin(Face face)
    {
        Vector3 tint = new Vector3(0.025f, 0, -0.05f) * face[SkinWarmth];
        return Ramp(_skin, face[Melanin]) + tint;
    }

    public static Vector3 Hair(Face face)
    {
        Vector3 colour = Ramp(_hair, face[HairTone]);
        colour = Vector3.Lerp(colour, new Vector3(0.55f, 0.20f, 0.08f), 0.75f * face[HairRed]);
        return Vector3.Lerp(colour, new Vector3(0.76f, 0.76f, 0.78f), face[Grey]);
    }

    public static Vector3 Brow(Face face) => Vector3.Lerp(Hair(face) * 0.6f, new Vector3(0.14f, 0.10f, 0.08f), 0.45f);

    public static Vector3 BeardHair(Face face) => Vector3.Lerp(Hair(face) * 0.85f, new Vector3(0.20f, 0.14f, 0.11f), 0.35f * (1 - face[Grey]));

    public static Vector3 Iris(Face face) => Ramp(_iris, face[IrisTone]);

    public static Vector3 Frame(Face face) => Ramp(_frames, face[GlassesTone]);

    public static Vector3 Lips(Face face)
    {
        Vector3 bare = Skin(face) * new Vector3(0.88f, 0.62f, 0.60f);
        Vector3 painted = Vector3.Lerp(new Vector3(0.80f, 0.05f, 0.10f), new Vector3(0.78f, 0.10f, 0.36f), face[LipHue]);
        return Vector3.Lerp(bare, painted, face[Makeup] * 0.85f);
    }

    public static Vector3 EyeShadow(Face face) => Vector3.Lerp(new Vector3(0.36f, 0.16f, 0.34f), new Vector3(0.18f, 0.26f, 0.42f), 1 - face[LipHue]);

    public static Vector3 Blush(Face face) => Skin(face) * new Vector3(1.02f, 0.62f, 0.62f);

    /// <summary>A colour of the light: warm light is orange, cold light blue.</summary>
    public static Vector3 Light(Face face) => Vector3.One + new Vector3(0.06f, 0.01f, -0.07f) * face[LightWarmth];

    public static Vector3 Background(Face face, float lightness) =>
        FromHue(face[BackgroundHue], 0.28f, 0.22f + 0.55f * face[BackgroundLightness] + lightness);

    public static Vector3 Clothes(Face face) => FromHue(face[ClothesHue], 0.5f, 0.15f + 0.6f * face[ClothesLightness]);

    private static Vector3 Ramp((float At, Vector3 Colour)[] stops, float at)
    {
        int next = Array.FindIndex(stops, stop => stop.At >= at);
        if (next <= 0) return stops[next < 0 ? ^1 : 0].Colour;
        (float low, Vector3 from) = stops[next - 1];
        (float high, Vector3 to) = stops[next];
        return Vector3.Lerp(from, to, (at - low) / (high - low));
    }

    /// <summary>Hue in turns, saturation and value in [0, 1].</summary>
    private static Vector3 FromHue(float hue, float saturation, float value)
    {
        static float Part(float turn) => Math.Clamp(MathF.Abs((turn - MathF.Floor(turn)) * 6 - 3) - 1, 0, 1);
        Vector3 pure = new(Part(hue), Part(hue + 2f / 3), Part(hue + 1f / 3));
        return Vector3.Clamp(value * Vector3.Lerp(Vector3.One, pure, saturation), Vector3.Zero, Vector3.One);
    }
}
