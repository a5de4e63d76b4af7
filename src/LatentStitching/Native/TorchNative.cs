using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace LatentStitching.Native;

/// <summary>
/// Lets TorchSharp's native part load where the system's C++ runtime is older than GCC 13's (Debian 12, Ubuntu 22.04), and says what
/// is amiss where it cannot.
/// </summary>
/// <remarks>
/// <para>libLibTorchSharp.so of TorchSharp 0.107.0 names symbol version GLIBCXX_3.4.32 only for
/// <c>std::ios_base_library_init()</c>, which it never calls: no relocation refers to it. The dynamic linker refuses the file all the
/// same, and TorchSharp then reports a missing libtorch package. On such a system, and after checking the file for just that, this
/// class loads a copy held in memory in which that one requirement is weak. No file is changed.</para>
/// <para>Nothing needs to be called. When the library, or a C# project that uses its package, is first run, a handler is registered;
/// it acts when the runtime fails to find TorchSharp's native library, so on a sound system it costs nothing. Set the environment variable
/// LATENTSTITCHING_TORCH_CURE to <c>off</c> to leave all to TorchSharp.</para>
/// <para>Once the library is loaded, on Linux x64, the numbers of TorchSharp's <see cref="Scalar"/> objects stay readable for a second after their
/// finaliser: TorchSharp 0.107 may free one that libtorch is reading (docs/native-loading.md). The same variable turns that off.</para>
/// <para>With the copy goes an import resolver for TorchSharp's assembly. .NET allows one of them: an application with a resolver of its own
/// sets it before the first use of torch, and it is kept.</para>
/// <para>Thread safety: safe.</para>
/// </remarks>
public static class TorchNative
{
    private const string PInvokeName = "LibTorchSharp";

    private static readonly Lock _gate = new();
    private static TorchCureReport? _report;
    private static string? _numbers;

    /// <summary>Loads the amended library now if this system needs it; does nothing otherwise, or when called again.</summary>
    /// <returns>True if the amended copy is in use; false if none is needed, or it is turned off.</returns>
    /// <exception cref="DllNotFoundException">The library cannot be loaded on this system; the message says why and what puts it right.</exception>
    public static bool EnsureLoaded()
    {
        var report = Apply();
        return report.Status switch
        {
            TorchCureStatus.Applied => true,
            TorchCureStatus.Refused => throw new DllNotFoundException(Message(report.Reason)),
            _ => false,
        };
    }

    /// <summary>Tells, in a few plain lines, what was found, what was missing, and what was done or would be done. Loads nothing.</summary>
    /// <returns>Platform, C++ runtime, TorchSharp's native library, libtorch, the cure, and whether numbers are kept, each on a line of its own.</returns>
    public static string Diagnose()
    {
        string numbers = Volatile.Read(ref _numbers) ?? "not kept yet: torch has not come through this library so far";
        return $"{Volatile.Read(ref _report) ?? TorchCure.Inspect(new ProcessNativeSystem())}{Environment.NewLine}numbers: {numbers}";
    }

    /// <summary>Has numbers kept where TorchSharp's own loader did the work; for those who hold a tensor.</summary>
    internal static void KeepNumbers()
    {
        lock (_gate)
        {
            if (_numbers is not null) return;
            ProcessNativeSystem system = new();
            if (!system.IsLinuxX64) Kept("this is done on Linux x64 only");
            else if (TorchCure.IsOff(system)) Kept($"turned off by {TorchCure.Switch}");
            else if (system.FindLoaded(TorchCure.Library) is { } path && NativeLibrary.TryLoad(path, out nint handle)) Kept(ScalarRelease.Install(handle));
            else Kept($"the loaded {TorchCure.Library} was not found");
        }
    }

    private static void Kept(string? obstacle) => Volatile.Write(ref _numbers, obstacle is null ? "kept for a second after their last use" : $"not kept: {obstacle}");

#pragma warning disable CA2255 // The handler has to precede the caller's first use of TorchSharp.
    [ModuleInitializer]
    internal static void Initialize()
    {
        if (!OperatingSystem.IsLinux()) return;
        var own = AssemblyLoadContext.GetLoadContext(typeof(TorchNative).Assembly) ?? AssemblyLoadContext.Default;
        own.ResolvingUnmanagedDll += Resolve;

        // A host may share one TorchSharp among its plug-ins. It must not keep a context alive that can be unloaded.
        if (own != AssemblyLoadContext.Default && !own.IsCollectible) AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;
    }
#pragma warning restore CA2255

    // Comes after all else has failed, within TorchSharp's static constructor, which stays failed if this does not succeed.
    private static nint Resolve(Assembly assembly, string name)
    {
        if (name != PInvokeName || assembly != ProcessNativeSystem.TorchSharpAssembly) return 0;
        var report = Apply();
        string? reason = report.Status == TorchCureStatus.Refused ? report.Reason : report.Hint;
        return report.Handle == 0 && reason is not null ? throw new DllNotFoundException(Message(reason)) : report.Handle;
    }

    private static TorchCureReport Apply()
    {
        lock (_gate)
        {
            if (_report is not null) return _report;
            var report = TorchCure.Apply(new ProcessNativeSystem());
            if (report.Handle != 0)
            {
                SetResolver(report.Handle);
                Kept(ScalarRelease.Install(report.Handle));
            }
            Volatile.Write(ref _report, report);
            return report;
        }
    }

    // A short cut only: without it each imported function tries the file on disk once before it comes upon the copy.
    private static void SetResolver(nint handle)
    {
        try
        {
            NativeLibrary.SetDllImportResolver(ProcessNativeSystem.TorchSharpAssembly, (name, _, _) => name == PInvokeName ? handle : 0);
        }
        catch (InvalidOperationException)
        {
            // The application has a resolver of its own.
        }
    }

    private static string Message(string reason) => $"LatentStitching cannot load TorchSharp's native library: {reason}";
}
