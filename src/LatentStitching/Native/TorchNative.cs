using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LatentStitching.Native;

/// <summary>
/// Lets TorchSharp's native part load where the system's C++ runtime is older than GCC 13's (Debian 12, Ubuntu 22.04).
/// </summary>
/// <remarks>
/// libLibTorchSharp.so names symbol version GLIBCXX_3.4.32 only for <c>std::ios_base_library_init()</c>, which it never
/// calls (no relocation refers to it). On such a system this class loads a copy, held in memory, in which that one
/// requirement is weak. The dynamic linker then finds the copy by its soname when TorchSharp asks for the library.
/// Files on disk are not changed. It must run before the first use of <c>TorchSharp.torch</c>, whose static constructor
/// loads the library and, once failed, stays failed.
/// </remarks>
public static class TorchNative
{
    private const string Library = "libLibTorchSharp.so";
    private const string Version = "GLIBCXX_3.4.32";
    private const string Symbol = "_ZSt21ios_base_library_initv";

    private static readonly Lazy<bool> s_loaded = new(Load);

    /// <summary>Loads the amended library if this system needs it; does nothing otherwise, or when called again.</summary>
    /// <returns>True if the amended library was loaded.</returns>
    public static bool EnsureLoaded() => s_loaded.Value;

#pragma warning disable CA2255 // The fix has to precede the caller's first use of TorchSharp.
    [ModuleInitializer]
    internal static void Initialize() => EnsureLoaded();
#pragma warning restore CA2255

    private static bool Load()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) return false;
        if (NativeLibrary.TryLoad(Library, out _)) return false; // found by its soname: some other code has loaded it
        if (!NativeLibrary.TryLoad("libstdc++.so.6", out nint cxx) || NativeLibrary.TryGetExport(cxx, Symbol, out _)) return false;
        if (Find(Library) is not { } library || Find("libtorch.so") is not { } torch) return false;

        byte[] image = File.ReadAllBytes(library);
        if (!ElfSymbolVersions.TryMakeWeak(image, Version, Symbol)) return false;

        // The copy has no neighbours for its $ORIGIN run path to find, so its dependencies come first.
        if (!NativeLibrary.TryLoad(torch, out _)) return false;
        if (!TryLoadFromMemory(image, out nint handle) && !TryLoadFromTemporaryFile(image, out handle)) return false;

        try
        {
            // Only a short cut: without it every P/Invoke tries the file on disk once before it comes upon the copy.
            NativeLibrary.SetDllImportResolver(typeof(TorchSharp.torch).Assembly, (name, _, _) => name == "LibTorchSharp" ? handle : 0);
        }
        catch (InvalidOperationException)
        {
            // The application has a resolver of its own.
        }
        return true;
    }

    private static string? Find(string file)
    {
        var searched = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append(AppContext.BaseDirectory)
            .Append(Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"));
        return searched.Select(directory => Path.Combine(directory, file)).FirstOrDefault(File.Exists);
    }

    private static bool TryLoadFromMemory(byte[] image, out nint handle)
    {
        handle = 0;
        int descriptor;
        try
        {
            descriptor = MemfdCreate(Library, flags: 1 /* MFD_CLOEXEC */);
        }
        catch (EntryPointNotFoundException)
        {
            return false; // glibc before 2.27
        }
        if (descriptor < 0) return false;

        using SafeFileHandle memory = new(descriptor, ownsHandle: true);
        RandomAccess.Write(memory, image, 0);
        return NativeLibrary.TryLoad($"/proc/self/fd/{descriptor}", out handle);
    }

    private static bool TryLoadFromTemporaryFile(byte[] image, out nint handle)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, image);
            return NativeLibrary.TryLoad(path, out handle);
        }
        finally
        {
            File.Delete(path); // the mapping outlives the name
        }
    }

    [DllImport("libc", EntryPoint = "memfd_create", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int MemfdCreate(string name, uint flags);
}
