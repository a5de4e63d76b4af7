using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LatentStitching.Native;

/// <summary>The machine and the process as they are when the object is made.</summary>
internal sealed class ProcessNativeSystem : INativeSystem
{
    private const string Deleted = " (deleted)", Memory = "memfd:";

    private readonly string[] _loaded = LoadedFiles();

    public string? Switch => Environment.GetEnvironmentVariable(TorchCure.Switch);

    public string Platform => $"{RuntimeInformation.RuntimeIdentifier}, {RuntimeInformation.OSDescription}, .NET {Environment.Version}";

    public bool IsLinuxX64 => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    public bool IsMusl => RuntimeInformation.RuntimeIdentifier.StartsWith("linux-musl", StringComparison.Ordinal)
        || Array.Exists(_loaded, path => Path.GetFileName(path).StartsWith("ld-musl-", StringComparison.Ordinal));

    public Version? TorchSharpVersion => TorchSharpAssembly.GetName().Version;

    public IReadOnlyList<string> SearchDirectories { get; } = FindSearchDirectories();

    public IReadOnlyList<string> DependencyFiles { get; } = Listed("APP_CONTEXT_DEPS_FILES", ';');

    internal static Assembly TorchSharpAssembly => typeof(torch).Assembly;

    // The kernel names the file behind a symbolic link: libstdc++.so.6.0.30, and before glibc 2.34 libc-2.31.so for libc.so.6.
    public string? FindLoaded(string name)
    {
        string stem = name[..name.IndexOf(".so", StringComparison.Ordinal)] + "-";
        return Array.Find(_loaded, path =>
        {
            var file = Path.GetFileName(path.AsSpan());
            if (file.StartsWith(Memory, StringComparison.Ordinal)) file = file[Memory.Length..];
            return file.SequenceEqual(name)
                || (file.Length > name.Length && file.StartsWith(name, StringComparison.Ordinal) && file[name.Length] == '.')
                || (file.Length > stem.Length && file.StartsWith(stem, StringComparison.Ordinal) && char.IsAsciiDigit(file[stem.Length]));
        });
    }

    public bool FileExists(string path) => File.Exists(path);

    public byte[]? ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public string? Load(string path) => TryLoad(path, out _);

    public NativeImage LoadImage(string name, byte[] image)
    {
        string? refusal = LoadFromMemory(name, image, out nint handle);
        if (refusal is null) return new(handle, "memory");
        string? second = LoadFromTemporaryFile(name, image, out handle);
        return second is null ? new(handle, $"a temporary file, deleted by now ({refusal})") : new(0, $"{refusal} {second}");
    }

    internal static string? LoadFromMemory(string name, byte[] image, out nint handle)
    {
        handle = 0;
        int descriptor;
        try
        {
            descriptor = MemfdCreate(name, flags: 1 /* MFD_CLOEXEC */);
        }
        catch (EntryPointNotFoundException)
        {
            return "there is no memfd_create.";
        }
        if (descriptor < 0) return $"memfd_create: {Marshal.GetLastPInvokeErrorMessage()}.";

        using SafeFileHandle memory = new(descriptor, ownsHandle: true);
        try
        {
            RandomAccess.Write(memory, image, 0);
        }
        catch (IOException e)
        {
            return e.Message;
        }
        return TryLoad($"/proc/self/fd/{descriptor}", out handle); // the mapping outlives the descriptor
    }

    // Keeps the library's name, by which another copy of this code in the process sees that it is loaded.
    internal static string? LoadFromTemporaryFile(string name, byte[] image, out nint handle)
    {
        handle = 0;
        DirectoryInfo? folder = null;
        try
        {
            folder = Directory.CreateTempSubdirectory();
            string path = Path.Combine(folder.FullName, name);
            File.WriteAllBytes(path, image);
            return TryLoad(path, out handle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
        finally
        {
            folder?.Delete(recursive: true); // the mapping outlives the name
        }
    }

    private static string? TryLoad(string path, out nint handle)
    {
        handle = 0;
        try
        {
            handle = NativeLibrary.Load(path);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            // The runtime's advice on how to trace comes first, the loader's own words last.
            return e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
        }
    }

    private static string[] LoadedFiles()
    {
        if (!OperatingSystem.IsLinux()) return [];
        try
        {
            return [.. File.ReadLines("/proc/self/maps")
                .Where(line => line.Contains('/', StringComparison.Ordinal))
                .Select(line => line[line.IndexOf('/', StringComparison.Ordinal)..])
                .Select(path => path.EndsWith(Deleted, StringComparison.Ordinal) ? path[..^Deleted.Length] : path)
                .Distinct(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "An empty location is left out.")]
    private static string[] FindSearchDirectories()
    {
        const string Native = "runtimes/linux-x64/native";
        List<string> directories =
        [
            .. Listed("NATIVE_DLL_SEARCH_DIRECTORIES", Path.PathSeparator),
            AppContext.BaseDirectory,
            Path.Combine(AppContext.BaseDirectory, Native),
        ];

        // Hosts that load assemblies straight from the package folder: packages/torchsharp/0.107.0/lib/net8.0/TorchSharp.dll
        if (Path.GetDirectoryName(TorchSharpAssembly.Location) is { Length: > 0 } own)
        {
            directories.Add(own);
            directories.Add(Path.Combine(own, Native));
            directories.Add(Path.GetFullPath(Path.Combine(own, "../..", Native)));
            directories.Add(Path.GetFullPath(Path.Combine(own, "../../../..", "libtorch-cpu-linux-x64/2.10.0", Native)));
        }
        return [.. directories.Select(Path.TrimEndingDirectorySeparator).Where(Directory.Exists).Distinct(StringComparer.Ordinal)];
    }

    private static string[] Listed(string property, char separator) =>
        (AppContext.GetData(property) as string ?? "").Split(separator, StringSplitOptions.RemoveEmptyEntries);

    [DllImport("libc", EntryPoint = "memfd_create", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int MemfdCreate(string name, uint flags);
}
