namespace LatentStitching.Native;

/// <summary>Decides whether TorchSharp's native library needs the cure described at <see cref="TorchNative"/>, and applies it.</summary>
/// <remarks>
/// <para>Needed means: the file asks, not weakly, for a symbol version that the library of that name loaded in this process does not
/// provide. Possible means: GLIBCXX_3.4.32 is the only such version and no symbol of it is used.</para>
/// <para>Where something cannot be known (a file that cannot be read, a library that is not loaded) the answer is "not needed", so
/// that TorchSharp's own loader has its turn: the cure must never be the reason why a sound machine fails.</para>
/// </remarks>
internal static class TorchCure
{
    public const string Switch = "LATENTSTITCHING_TORCH_CURE";
    public const string Library = "libLibTorchSharp.so";

    private const string Torch = "libtorch.so", Cxx = "libstdc++.so.6";
    private const string CurableVersion = "GLIBCXX_3.4.32", HarmlessSymbol = "_ZSt21ios_base_library_initv";
    private const string AddTorch = "dotnet add package libtorch-cpu-linux-x64 --version 2.10.0";
    private const string AddTorchSharp = "dotnet add package TorchSharp --version 0.107.0";

    // TorchSharp fixes the libtorch it is built for; of another TorchSharp it is not known here.
    private static readonly Version _knownTorchSharp = new(0, 107), _neededTorch = new(2, 10);

    /// <summary>Whether the switch says that all is left to TorchSharp.</summary>
    public static bool IsOff(INativeSystem system) => string.Equals(system.Switch, "off", StringComparison.OrdinalIgnoreCase);

    /// <summary>Finds out what there is and what can be done, loading nothing.</summary>
    public static TorchCureReport Inspect(INativeSystem system)
    {
        List<string> facts = [$"platform: {system.Platform}", $"TorchSharp: {system.TorchSharpVersion?.ToString(3) ?? "not found"}"];
        TorchCureReport Report(TorchCureStatus status, string reason) => new() { Status = status, Facts = facts, Reason = reason };

        if (!system.IsLinuxX64) return Report(TorchCureStatus.OtherPlatform, "the fault it cures exists on Linux x64 only");

        string? cxx = system.FindLoaded(Cxx), loaded = system.FindLoaded(Library), loadedTorch = system.FindLoaded(Torch);
        string? library = loaded ?? Find(system, Library), torch = loadedTorch ?? Find(system, Torch);
        var provided = Provided(system, cxx);
        var release = TorchRelease.Find(system, torch);
        facts.Add($"{Cxx}: {cxx ?? "not found"}, {(provided is null ? "versions unknown" : "newest " + Newest(provided, "GLIBCXX_"))}");
        facts.Add($"{Library}: {library ?? "not found"}");
        facts.Add($"{Torch}: {torch ?? "not found"}, {release?.ToString() ?? "version unknown"}");

        if (IsOff(system)) return Report(TorchCureStatus.TurnedOff, $"by {Switch}={system.Switch}");
        if (loaded is not null) return Report(TorchCureStatus.AlreadyLoaded, $"{Library} is loaded");
        if (system.IsMusl)
        {
            return Report(TorchCureStatus.Refused, "TorchSharp's native library must have glibc, but this system uses musl (Alpine Linux). "
                + "Run on a system or container image with glibc, such as Debian 12 or Ubuntu 22.04.");
        }

        bool lacks = provided?.Contains(CurableVersion) == false;
        string? hint = Hint(system, library, torch, release);
        if (library is not null && system.ReadFile(library) is { } image)
        {
            return Judge(system, library, image, facts, hint, lacks) with { Torch = loadedTorch is null ? torch : null };
        }
        return library is null && lacks ? Report(TorchCureStatus.Refused, hint!)
            : Report(TorchCureStatus.NotNeeded, $"{Library} could not be read; it is left to TorchSharp's own loader") with { Hint = hint };
    }

    private static TorchCureReport Judge(INativeSystem system, string library, byte[] image, List<string> facts, string? hint, bool lacks)
    {
        TorchCureReport Report(TorchCureStatus status, string reason) => new() { Status = status, Facts = facts, Reason = reason, Hint = hint };

        var fault = ElfSymbolVersions.ReadNeeded(image, out var needed);
        if (fault != ElfFault.None)
        {
            return Report(lacks ? TorchCureStatus.Refused : TorchCureStatus.NotNeeded,
                $"{library} {fault.Describe()}. Bring back the package's own file: dotnet build --no-incremental");
        }
        var missing = Missing(system, needed);
        if (missing.Count == 0) return Report(TorchCureStatus.NotNeeded, $"this system provides every version that {Library} asks for");

        facts.Add($"missing: {string.Join(", ", missing.Select(m => $"{m.Version} of {m.File}"))}");
        if (missing.Exists(m => m.File != Cxx || m.Version != CurableVersion))
        {
            return Report(TorchCureStatus.Refused, $"{Library} must have {string.Join(", ", missing.Select(m => m.Version))}, but the C and C++ "
                + "libraries of this system are older, and symbols that it uses are in them. Run on a newer system, such as Debian 12 or Ubuntu 22.04.");
        }
        if (hint is not null) return Report(TorchCureStatus.Refused, hint);

        fault = ElfSymbolVersions.MakeWeak(image, Cxx, CurableVersion, HarmlessSymbol);
        return fault != ElfFault.None
            ? Report(TorchCureStatus.Refused, $"{library} must need {CurableVersion} for {HarmlessSymbol} alone and never use it, but it {fault.Describe()}. "
                + $"Run on a system whose {Cxx} provides {CurableVersion} (GCC 13), such as Debian 13 or Ubuntu 24.04.")
            : Report(TorchCureStatus.Ready, $"at the first use of torch a copy in memory of {Library} is loaded that does not insist on {CurableVersion}") with
            {
                Image = image,
            };
    }

    // What is wrong with the packages, and the command that puts it right.
    private static string? Hint(INativeSystem system, string? library, string? torch, TorchRelease? release)
    {
        string searched = string.Join(", ", system.SearchDirectories);
        if (library is null) return $"{Library} must lie beside the application, but it was not found in {searched}. A package brings it: {AddTorchSharp}";
        if (torch is null && release is null)
        {
            return $"{Torch} must lie beside the application, but it was not found in {searched}, and no reference to a libtorch package was found. "
                + $"Add it: {AddTorch}";
        }
        if (torch is null)
        {
            return $"{Torch} must lie beside the application, but it was not found in {searched}, although {release} is referenced. "
                + "Have it copied again: dotnet build --no-incremental";
        }
        return IsWrong(release, system.TorchSharpVersion)
            ? $"TorchSharp {system.TorchSharpVersion!.ToString(3)} must have libtorch {_neededTorch}, but {release} is referenced. "
                + $"Reference that one: dotnet add package {release!.Package} --version {_neededTorch}.0"
            : null;
    }

    /// <summary>Loads the amended copy if that is needed and possible.</summary>
    public static TorchCureReport Apply(INativeSystem system)
    {
        var report = Inspect(system);
        if (report.Image is not { } image) return report;

        // The copy has no neighbours for its $ORIGIN run path to find, so its dependencies come first.
        if (report.Torch is not null && system.Load(report.Torch) is { } refusal)
        {
            return report with
            {
                Status = TorchCureStatus.Refused,
                Image = null,
                Reason = $"{report.Torch} must load, but the system's loader says: {refusal} Bring back the whole package: {AddTorch}",
            };
        }
        var loaded = system.LoadImage(Library, image);
        return loaded.Handle == 0
            ? report with
            {
                Status = TorchCureStatus.Refused,
                Image = null,
                Reason = $"the amended copy of {Library} must load, but the system's loader says: {loaded.How} "
                    + "If memory and temporary files may not be executed here, name a folder that allows it: export TMPDIR=<folder>",
            }
            : report with
            {
                Status = TorchCureStatus.Applied,
                Image = null,
                Handle = loaded.Handle,
                Reason = $"a copy of {Library} that does not insist on {CurableVersion} is loaded from {loaded.How}; no file was changed",
            };
    }

    private static bool IsWrong(TorchRelease? release, Version? torchSharp) =>
        release is { Version: var found } && torchSharp is not null
        && torchSharp.Major == _knownTorchSharp.Major && torchSharp.Minor == _knownTorchSharp.Minor
        && (found.Major != _neededTorch.Major || found.Minor != _neededTorch.Minor);

    private static List<NeededVersion> Missing(INativeSystem system, List<NeededVersion> needed)
    {
        Dictionary<string, HashSet<string>?> provided = new(StringComparer.Ordinal);
        List<NeededVersion> missing = [];
        foreach (var need in needed)
        {
            if (need.IsWeak) continue;
            if (!provided.TryGetValue(need.File, out var versions)) provided[need.File] = versions = Provided(system, system.FindLoaded(need.File));
            if (versions is not null && !versions.Contains(need.Version)) missing.Add(need);
        }
        return missing;
    }

    // Null if it cannot be known, also for a library without versions, of which the dynamic linker asks none.
    private static HashSet<string>? Provided(INativeSystem system, string? path) =>
        path is not null && system.ReadFile(path) is { } image
        && ElfSymbolVersions.ReadProvided(image, out var versions) == ElfFault.None && versions.Count > 0
            ? new(versions, StringComparer.Ordinal)
            : null;

    private static string Newest(HashSet<string> versions, string family) =>
        versions.Where(v => v.StartsWith(family, StringComparison.Ordinal) && Version.TryParse(v[family.Length..], out _))
            .MaxBy(v => Version.Parse(v[family.Length..])) ?? $"{family}: none";

    private static string? Find(INativeSystem system, string file) =>
        system.SearchDirectories.Select(directory => Path.Combine(directory, file)).FirstOrDefault(system.FileExists);
}
