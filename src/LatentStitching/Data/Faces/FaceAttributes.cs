namespace LatentStitching.Data.Faces;

/// <summary>The ten labels of a face.</summary>
internal readonly record struct FaceAttributes
{
    public bool Bald { get; init; }
    public bool BlondHair { get; init; }
    public bool WavyHair { get; init; }
    public bool Smiling { get; init; }
    public bool Eyeglasses { get; init; }
    public bool HeavyMakeup { get; init; }
    public bool Male { get; init; }
    public bool NoBeard { get; init; }
    public bool PaleSkin { get; init; }
    public bool Young { get; init; }

    /// <summary>CelebA's names, in the order of <see cref="ToRow"/>.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["Bald", "Blond_Hair", "Wavy_Hair", "Smiling", "Eyeglasses", "Heavy_Makeup", "Male", "No_Beard", "Pale_Skin", "Young"];

    public bool[] ToRow() => [Bald, BlondHair, WavyHair, Smiling, Eyeglasses, HeavyMakeup, Male, NoBeard, PaleSkin, Young];

    /// <summary>The same labels but for one.</summary>
    public FaceAttributes With(string name, bool value) => name switch
    {
        "Bald" => this with { Bald = value },
        "Blond_Hair" => this with { BlondHair = value },
        "Wavy_Hair" => this with { WavyHair = value },
        "Smiling" => this with { Smiling = value },
        "Eyeglasses" => this with { Eyeglasses = value },
        "Heavy_Makeup" => this with { HeavyMakeup = value },
        "Male" => this with { Male = value },
        "No_Beard" => this with { NoBeard = value },
        "Pale_Skin" => this with { PaleSkin = value },
        "Young" => this with { Young = value },
        _ => throw new ArgumentException($"name must be one of {string.Join(", ", Names)}, but it is '{name}'.", nameof(name)),
    };

    /// <summary>Draws the labels one after the other, each given those before it.</summary>
    /// <remarks>
    /// The structure and the conditional shares follow CelebA; Bald, Eyeglasses and Pale_Skin are drawn more often than there,
    /// because a probe cannot learn from a handful of positives. A bald face is neither blond nor wavy, and only men are bald or bearded.
    /// </remarks>
    public static FaceAttributes Draw(CounterRandom random)
    {
        bool male = random.Uniform(0) < 0.42f;
        bool young = random.Uniform(1) < (male ? 0.68f : 0.85f);
        bool bald = random.Uniform(2) < (male ? (young ? 0.08f : 0.45f) : 0f);
        bool makeup = random.Uniform(3) < (male ? 0.002f : young ? 0.70f : 0.56f);
        return new FaceAttributes
        {
            Male = male,
            Young = young,
            Bald = bald,
            HeavyMakeup = makeup,
            NoBeard = random.Uniform(4) < (male ? (young ? 0.62f : 0.55f) : 1f),
            BlondHair = random.Uniform(5) < (male ? 0.05f : young ? 0.22f : 0.36f) && !bald,
            WavyHair = random.Uniform(6) < (male ? 0.17f : makeup ? 0.50f : 0.36f) && !bald,
            Smiling = random.Uniform(7) < (male ? 0.40f : makeup ? 0.56f : 0.50f),
            Eyeglasses = random.Uniform(8) < (male ? (young ? 0.22f : 0.34f) : 0.06f),
            PaleSkin = random.Uniform(9) < (male ? 0.09f : 0.14f),
        };
    }
}
