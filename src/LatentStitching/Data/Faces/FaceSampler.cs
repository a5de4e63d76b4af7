using static LatentStitching.Data.Faces.FaceFactor;

namespace LatentStitching.Data.Faces;

/// <summary>Draws the factors of a face given its labels.</summary>
/// <remarks>Every factor has random numbers of its own, so changing a label leaves the factors that do not depend on it as they were.</remarks>
internal static class FaceSampler
{
    // Streams 0 to 9 belong to the labels.
    private const int FirstStream = 16;

    /// <summary>Draws face number <paramref name="index"/> of a seed.</summary>
    public static Face Draw(ulong seed, int index)
    {
        CounterRandom random = new(seed, index);
        return Draw(random, FaceAttributes.Draw(random));
    }

    /// <summary>Draws face number <paramref name="index"/> of a seed, but with labels of the caller's.</summary>
    public static Face Draw(ulong seed, int index, FaceAttributes attributes) => Draw(new CounterRandom(seed, index), attributes);

    private static Face Draw(CounterRandom random, FaceAttributes a)
    {
        Face face = new() { Attributes = a };
        float Flat(FaceFactor factor, float low, float high) =>
            face[factor] = low + (high - low) * random.Uniform(FirstStream + 4 * (int)factor);
        // The mean of three uniforms: bell-shaped, and never outside its range.
        float Bell(FaceFactor factor, float low, float high)
        {
            int stream = FirstStream + 4 * (int)factor;
            float mean = (random.Uniform(stream) + random.Uniform(stream + 1) + random.Uniform(stream + 2)) / 3;
            return face[factor] = low + (high - low) * mean;
        }

        Bell(Yaw, -30, 30);
        Bell(Pitch, -10, 10);
        Bell(Roll, -10, 10);
        Bell(ShiftX, -0.04f, 0.04f);
        Bell(ShiftY, -0.03f, 0.03f);
        Flat(HeadSize, 0.60f, 0.68f);
        Bell(FaceWidth, a.Male ? 0.74f : 0.70f, a.Male ? 0.84f : 0.80f);
        Bell(Jaw, a.Male ? 0.5f : 0, a.Male ? 1 : 0.5f);

        Bell(EyeSpacing, 0.36f, 0.42f);
        Bell(EyeSize, a.Male ? 0.85f : 0.95f, a.Male ? 1.05f : 1.2f);
        Bell(EyeOpening, a.Smiling ? 0.5f : 0.65f, a.Smiling ? 0.85f : 1);
        Bell(Gaze, -1, 1);
        Bell(BrowHeight, a.Male ? 0 : 0.3f, a.Male ? 0.7f : 1);
        Bell(BrowThickness, a.Male ? 0.5f : 0, a.Male ? 1 : 0.5f);
        Bell(BrowArch, a.Male ? 0 : 0.3f, a.Male ? 0.6f : 1);
        Bell(NoseLength, a.Male ? 0.2f : 0, a.Male ? 1 : 0.8f);
        Bell(NoseWidth, a.Male ? 0.3f : 0, a.Male ? 1 : 0.7f);
        Bell(MouthWidth, 0, 1);
        Bell(LipFullness, a.Male ? 0 : 0.35f, a.Male ? 0.6f : 1);
        Bell(Smile, a.Smiling ? 0.6f : -0.3f, a.Smiling ? 1 : 0.2f);
        // A third of the sober mouths are a little open, a sixth of the smiles closed.
        float opening = Flat(MouthOpening, 0, 1);
        face[MouthOpening] = a.Smiling ? MathF.Max(0, opening * 1.2f - 0.2f) * 0.7f + (opening > 0.17f ? 0.3f : 0) : MathF.Max(0, opening - 0.67f);
        Bell(EarSize, 0, 1);

        if (a.PaleSkin) Flat(Melanin, 0, 0.04f);
        else Flat(Melanin, 0.2f, 1);
        Bell(SkinWarmth, -1, 1);
        Flat(IrisTone, 0, 1);
        if (a.BlondHair) Flat(HairTone, 0.8f, 1);
        else Flat(HairTone, 0, 0.55f);
        float red = Flat(HairRed, 0, 1);
        face[HairRed] = a.BlondHair ? red * 0.2f : red * red * red;
        if (a.Young) face[Grey] = 0;
        else Flat(Grey, a.BlondHair ? 0.1f : 0.5f, a.BlondHair ? 0.4f : 0.95f);
        Bell(HairLength, a.Male ? 0 : 0.35f, a.Male ? 0.35f : 1);
        Flat(HairVolume, a.WavyHair ? 0.55f : 0, a.WavyHair ? 1 : 0.45f);
        if (a.WavyHair) Flat(Waviness, 0.75f, 1);
        else Flat(Waviness, 0, 0.1f);
        Flat(Parting, -1, 1);
        float fringe = Flat(Fringe, 0, 1);
        face[Fringe] = fringe * fringe * (a.Male ? 0.3f : 1);
        face[Baldness] = a.Bald ? 1 : 0;

        if (a.NoBeard) face[Beard] = 0;
        else Flat(Beard, 0.55f, 1);
        Flat(BeardWidth, 0, 1);
        Flat(Age, a.Young ? 0 : 0.6f, a.Young ? 0.3f : 1);
        Flat(Makeup, a.HeavyMakeup ? 0.75f : 0, a.HeavyMakeup ? 1 : a.Male ? 0.05f : 0.15f);
        Flat(LipHue, 0, 1);
        face[Glasses] = a.Eyeglasses ? 1 : 0;
        Bell(GlassesSize, 0, 1);
        Flat(GlassesTone, 0, 1);

        Bell(LightAzimuth, -60, 60);
        Bell(LightElevation, -5, 50);
        Flat(LightContrast, 0, 1);
        Bell(LightWarmth, -1, 1);
        Flat(BackgroundHue, 0, 1);
        Flat(BackgroundLightness, 0, 1);
        Flat(ClothesHue, 0, 1);
        Flat(ClothesLightness, 0, 1);
        return face;
    }
}
