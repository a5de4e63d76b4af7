using LatentStitching.Native;

namespace LatentStitching.Tests.Native;

/// <summary>A Debian 12 with TorchSharp 0.107.0 and libtorch 2.10.0; tests change one thing each.</summary>
internal sealed class FakeSystem : INativeSystem
{
    public const string App = "/app", CxxPath = "/usr/lib/libstdc++.so.6.0.30", CPath = "/usr/lib/libc.so.6";

    public FakeSystem()
    {
        Files[CxxPath] = Provider("libstdc++.so.6", "GLIBCXX_3.4", "GLIBCXX_3.4.9", "GLIBCXX_3.4.30", "CXXABI_1.3");
        Files[CPath] = Provider("libc.so.6", "GLIBC_2.2.5", "GLIBC_2.36");
        Files["/app/libLibTorchSharp.so"] = new ElfBuilder().Build();
        Files["/app/libtorch.so"] = [];
        Files["/app/app.deps.json"] = """{"libraries":{"TorchSharp/0.107.0":{},"libtorch-cpu-linux-x64/2.10.0":{}}}"""u8.ToArray();
        Loaded["libstdc++.so.6"] = CxxPath;
        Loaded["libc.so.6"] = CPath;
    }

    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Loaded { get; } = new(StringComparer.Ordinal);

    /// <summary>What was loaded, in order.</summary>
    public List<string> Calls { get; } = [];

    public byte[]? LoadedImage { get; private set; }

    public string? LoadRefusal { get; init; }

    public string? ImageRefusal { get; init; }

    public string? Switch { get; init; }

    public string Platform => "linux-x64, test";

    public bool IsLinuxX64 { get; init; } = true;

    public bool IsMusl { get; init; }

    public Version? TorchSharpVersion { get; init; } = new(0, 107, 0, 0);

    public IReadOnlyList<string> SearchDirectories { get; init; } = ["/app/runtimes", App];

    public IReadOnlyList<string> DependencyFiles => ["/app/app.deps.json"];

    public string? FindLoaded(string name) => Loaded.GetValueOrDefault(name);

    public bool FileExists(string path) => Files.ContainsKey(path);

    public byte[]? ReadFile(string path) => Files.TryGetValue(path, out byte[]? bytes) ? [.. bytes] : null;

    public string? Load(string path)
    {
        Calls.Add(path);
        return LoadRefusal;
    }

    public NativeImage LoadImage(string name, byte[] image)
    {
        Calls.Add("image of " + name);
        LoadedImage = image;
        return ImageRefusal is null ? new(7, "memory") : new(0, ImageRefusal);
    }

    public static byte[] Provider(params string[] versions)
    {
        ElfBuilder builder = new();
        builder.Needs.Clear();
        builder.Definitions.AddRange(versions);
        return builder.Build();
    }
}
