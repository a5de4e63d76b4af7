namespace LatentStitching.Native;

/// <summary>What the cure asks of the machine and the process; apart from it, so that each of its decisions can be tested.</summary>
internal interface INativeSystem
{
    /// <summary>The value of the switch, <see cref="TorchCure.Switch"/>, in the environment.</summary>
    string? Switch { get; }

    /// <summary>System and architecture in words.</summary>
    string Platform { get; }

    bool IsLinuxX64 { get; }

    bool IsMusl { get; }

    /// <summary>The version of the TorchSharp assembly, read without running any of its code.</summary>
    Version? TorchSharpVersion { get; }

    /// <summary>Where native libraries of the application are looked for, in order.</summary>
    IReadOnlyList<string> SearchDirectories { get; }

    /// <summary>The application's deps.json files.</summary>
    IReadOnlyList<string> DependencyFiles { get; }

    /// <summary>The file from which the process has loaded a library of this name, or null.</summary>
    string? FindLoaded(string name);

    bool FileExists(string path);

    /// <summary>The bytes of a file, or null if it cannot be read.</summary>
    byte[]? ReadFile(string path);

    /// <summary>Loads a library for the rest of the process.</summary>
    /// <returns>Null, or the loader's words on why it could not.</returns>
    string? Load(string path);

    /// <summary>Loads a library from bytes, leaving no file behind.</summary>
    NativeImage LoadImage(string name, byte[] image);
}

/// <summary>A library loaded from bytes: its handle (0 if it could not be loaded) and how it was loaded or why not.</summary>
internal readonly record struct NativeImage(nint Handle, string How);
