using System.Text.Json.Serialization;

namespace LatentStitching.Studies;

/// <summary>How results are written, told to the compiler so that nothing is looked up by reflection.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(StudyResult))]
[JsonSerializable(typeof(StudyManifest))]
[JsonSerializable(typeof(StudyPart<StudyPair>))]
[JsonSerializable(typeof(StudyPart<StudyPath>))]
[JsonSerializable(typeof(StudyPart<IReadOnlyList<StudyNumber>>))]
[JsonSerializable(typeof(StudyPart<StudyConcepts>))]
[JsonSerializable(typeof(TrainingDynamicsResult))]
[JsonSerializable(typeof(LevelStudyResult))]
[JsonSerializable(typeof(SupportSetResult))]
internal sealed partial class StudyJsonContext : JsonSerializerContext;
