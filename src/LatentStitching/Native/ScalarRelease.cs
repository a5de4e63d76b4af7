using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace LatentStitching.Native;

/// <summary>Keeps the number of a <see cref="Scalar"/> readable for a second after TorchSharp lets it go.</summary>
/// <remarks>
/// <para>In TorchSharp 0.107 <c>tensor * 2.0</c> makes a Scalar and hands libtorch its bare address; nothing holds the object during the call. A
/// collection that another managed thread starts in that moment lets the finaliser free the number while libtorch reads it: an exception, the end of
/// the process, or another number comes out. So the native function that the finaliser calls is made to begin with a jump to this class, which frees the
/// number later. A call reads its numbers within microseconds of its beginning.</para>
/// <para>Only the process's own copy of the page is written; no file is.</para>
/// </remarks>
internal static class ScalarRelease
{
    private const string Function = "THSTorch_dispose_scalar";
    private const int PageSize = 4096, FunctionAlignment = 16, Read = 1, Write = 2, Execute = 4;

    // It hands what it calls to native code, for as long as the process lives.
    private static readonly Release _release = Add;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Release(nint scalar);

    /// <summary>The numbers that were let go.</summary>
    public static GraceQueue Released { get; } = new(TimeSpan.FromSeconds(1), TimeProvider.System, Delete);

    /// <summary>Makes the loaded library hand its numbers over.</summary>
    /// <returns>Null, or why it could not be done.</returns>
    public static string? Install(nint library)
    {
        if (AssemblyLoadContext.GetLoadContext(typeof(ScalarRelease).Assembly) is { IsCollectible: true }) return "LatentStitching may be unloaded in this host";
        if (!NativeLibrary.TryGetExport(library, Function, out nint function) || function % FunctionAlignment != 0) return $"{Function} is not as it was known";

        // mov rax, address; jmp rax. What lies up to the next multiple of 16 is the function's own or padding.
        byte[] jump = [0x48, 0xb8, .. BitConverter.GetBytes(Marshal.GetFunctionPointerForDelegate(_release)), 0xff, 0xe0];
        nint page = function & -PageSize;
        nuint length = (nuint)(function - page + jump.Length);
        if (Protect(page, length, Read | Write | Execute) != 0) return $"mprotect: {Marshal.GetLastPInvokeErrorMessage()}";

        // A finaliser may come by meanwhile: it turns on the spot, in a jump to itself, until the whole is there.
        Marshal.WriteInt16(function, unchecked((short)0xfeeb));
        Marshal.Copy(jump, sizeof(long), function + sizeof(long), jump.Length - sizeof(long));
        Marshal.WriteInt64(function, BitConverter.ToInt64(jump));
        return Protect(page, length, Read | Execute) == 0 ? null : $"they are, but the page stays writable: mprotect: {Marshal.GetLastPInvokeErrorMessage()}";
    }

    private static void Add(nint scalar)
    {
        if (scalar != 0) Released.Add(scalar);
    }

    [DllImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Protect(nint address, nuint length, int protection);

    // operator delete(void*), which the function itself ends in: TorchSharp makes no symbolic Scalar, whose node it would let go first.
    [DllImport("libstdc++.so.6", EntryPoint = "_ZdlPv")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void Delete(nint number);
}
