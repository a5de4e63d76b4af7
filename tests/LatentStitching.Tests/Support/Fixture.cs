using LatentStitching.Checkpoints;

namespace LatentStitching.Tests.Support;

/// <summary>Opens a fixture that lies in tests/fixtures.</summary>
internal static class Fixture
{
    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "fixtures", name);

    public static StateDictionary Load(string name) => SafeTensors.Load(Path(name));
}
