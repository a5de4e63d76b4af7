namespace LatentStitching.Data.Faces;

/// <summary>The continuous numbers that determine the picture of a face, in column order.</summary>
internal enum FaceFactor
{
    Yaw, Pitch, Roll, ShiftX, ShiftY, HeadSize, FaceWidth, Jaw,
    EyeSpacing, EyeSize, EyeOpening, Gaze, BrowHeight, BrowThickness, BrowArch,
    NoseLength, NoseWidth, MouthWidth, LipFullness, Smile, MouthOpening, EarSize,
    Melanin, SkinWarmth, IrisTone, HairTone, HairRed, Grey, HairLength, HairVolume, Waviness, Parting, Fringe, Baldness,
    Beard, BeardWidth, Age, Makeup, LipHue, Glasses, GlassesSize, GlassesTone,
    LightAzimuth, LightElevation, LightContrast, LightWarmth,
    BackgroundHue, BackgroundLightness, ClothesHue, ClothesLightness,
}

/// <summary>Name, unit and range of a factor.</summary>
/// <param name="Factor">The factor.</param>
/// <param name="Name">Its public name.</param>
/// <param name="Minimum">Least value.</param>
/// <param name="Maximum">Greatest value.</param>
internal sealed record FaceFactorInfo(FaceFactor Factor, string Name, float Minimum, float Maximum)
{
    /// <summary>All factors in column order.</summary>
    public static IReadOnlyList<FaceFactorInfo> All { get; } =
    [
        new(FaceFactor.Yaw, "yaw", -30, 30),
        new(FaceFactor.Pitch, "pitch", -10, 10),
        new(FaceFactor.Roll, "roll", -10, 10),
        new(FaceFactor.ShiftX, "shift_x", -0.04f, 0.04f),
        new(FaceFactor.ShiftY, "shift_y", -0.03f, 0.03f),
        new(FaceFactor.HeadSize, "head_size", 0.60f, 0.68f),
        new(FaceFactor.FaceWidth, "face_width", 0.70f, 0.84f),
        new(FaceFactor.Jaw, "jaw", 0, 1),
        new(FaceFactor.EyeSpacing, "eye_spacing", 0.36f, 0.42f),
        new(FaceFactor.EyeSize, "eye_size", 0.85f, 1.2f),
        new(FaceFactor.EyeOpening, "eye_opening", 0.5f, 1),
        new(FaceFactor.Gaze, "gaze", -1, 1),
        new(FaceFactor.BrowHeight, "brow_height", 0, 1),
        new(FaceFactor.BrowThickness, "brow_thickness", 0, 1),
        new(FaceFactor.BrowArch, "brow_arch", 0, 1),
        new(FaceFactor.NoseLength, "nose_length", 0, 1),
        new(FaceFactor.NoseWidth, "nose_width", 0, 1),
        new(FaceFactor.MouthWidth, "mouth_width", 0, 1),
        new(FaceFactor.LipFullness, "lip_fullness", 0, 1),
        new(FaceFactor.Smile, "smile", -0.3f, 1),
        new(FaceFactor.MouthOpening, "mouth_opening", 0, 1),
        new(FaceFactor.EarSize, "ear_size", 0, 1),
        new(FaceFactor.Melanin, "melanin", 0, 1),
        new(FaceFactor.SkinWarmth, "skin_warmth", -1, 1),
        new(FaceFactor.IrisTone, "iris_tone", 0, 1),
        new(FaceFactor.HairTone, "hair_tone", 0, 1),
        new(FaceFactor.HairRed, "hair_red", 0, 1),
        new(FaceFactor.Grey, "grey", 0, 1),
        new(FaceFactor.HairLength, "hair_length", 0, 1),
        new(FaceFactor.HairVolume, "hair_volume", 0, 1),
        new(FaceFactor.Waviness, "waviness", 0, 1),
        new(FaceFactor.Parting, "parting", -1, 1),
        new(FaceFactor.Fringe, "fringe", 0, 1),
        new(FaceFactor.Baldness, "baldness", 0, 1),
        new(FaceFactor.Beard, "beard", 0, 1),
        new(FaceFactor.BeardWidth, "beard_width", 0, 1),
        new(FaceFactor.Age, "age", 0, 1),
        new(FaceFactor.Makeup, "makeup", 0, 1),
        new(FaceFactor.LipHue, "lip_hue", 0, 1),
        new(FaceFactor.Glasses, "glasses", 0, 1),
        new(FaceFactor.GlassesSize, "glasses_size", 0, 1),
        new(FaceFactor.GlassesTone, "glasses_tone", 0, 1),
        new(FaceFactor.LightAzimuth, "light_azimuth", -60, 60),
        new(FaceFactor.LightElevation, "light_elevation", -5, 50),
        new(FaceFactor.LightContrast, "light_contrast", 0, 1),
        new(FaceFactor.LightWarmth, "light_warmth", -1, 1),
        new(FaceFactor.BackgroundHue, "background_hue", 0, 1),
        new(FaceFactor.BackgroundLightness, "background_lightness", 0, 1),
        new(FaceFactor.ClothesHue, "clothes_hue", 0, 1),
        new(FaceFactor.ClothesLightness, "clothes_lightness", 0, 1),
    ];

    /// <summary>The public names in column order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(info => info.Name)];
}
