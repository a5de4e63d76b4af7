using LatentStitching.Native;

namespace LatentStitching.Tests.Native;

public sealed class TorchCureTests
{
    private const string Library = "/app/libLibTorchSharp.so";

    [Fact]
    public void Apply_OlderCxx_LoadsTorchThenTheAmendedCopy()
    {
        FakeSystem system = new();

        var report = TorchCure.Apply(system);

        report.Status.Should().Be(TorchCureStatus.Applied);
        report.Handle.Should().Be((nint)7);
        report.Image.Should().BeNull("the bytes need not live on");
        system.Calls.Should().Equal("/app/libtorch.so", "image of libLibTorchSharp.so");
        ElfSymbolVersions.ReadNeeded(system.LoadedImage, out var needed);
        needed.Where(n => n.IsWeak).Select(n => n.Version).Should().Equal("GLIBCXX_3.4.32");
        report.ToString().Should().Be(string.Join(Environment.NewLine,
            "platform: linux-x64, test",
            "TorchSharp: 0.107.0",
            "libstdc++.so.6: /usr/lib/libstdc++.so.6.0.30, newest GLIBCXX_3.4.30",
            "libLibTorchSharp.so: /app/libLibTorchSharp.so",
            "libtorch.so: /app/libtorch.so, libtorch-cpu-linux-x64 2.10.0 (by app.deps.json)",
            "missing: GLIBCXX_3.4.32 of libstdc++.so.6",
            "cure: applied: a copy of libLibTorchSharp.so that does not insist on GLIBCXX_3.4.32 is loaded from memory; no file was changed"));
    }

    [Fact]
    public void Inspect_OlderCxx_IsReadyAndLoadsNothing()
    {
        FakeSystem system = new();

        var report = TorchCure.Inspect(system);

        report.Status.Should().Be(TorchCureStatus.Ready);
        system.Calls.Should().BeEmpty();
        report.ToString().Should().EndWith("cure: not applied yet: at the first use of torch a copy in memory of libLibTorchSharp.so is loaded "
            + "that does not insist on GLIBCXX_3.4.32");
    }

    [Fact]
    public void Apply_TorchLoadedByTheApplication_LoadsTheCopyOnly()
    {
        FakeSystem system = new();
        system.Loaded["libtorch.so"] = "/opt/torch/libtorch.so";
        TorchCure.Apply(system).Status.Should().Be(TorchCureStatus.Applied);
        system.Calls.Should().Equal("image of libLibTorchSharp.so");
    }

    [Fact]
    public void Apply_NewerCxx_TouchesNothing()
    {
        FakeSystem system = new();
        system.Files[FakeSystem.CxxPath] = FakeSystem.Provider("libstdc++.so.6", "GLIBCXX_3.4", "GLIBCXX_3.4.32", "GLIBCXX_3.4.33", "CXXABI_1.3");

        Untouched(system, TorchCureStatus.NotNeeded).Should().Contain("newest GLIBCXX_3.4.33")
            .And.EndWith("cure: not needed: this system provides every version that libLibTorchSharp.so asks for");
    }

    [Fact]
    public void Apply_NewerCxxButNoLibtorch_LeavesItToTorchSharpWithAHint()
    {
        FakeSystem system = new();
        system.Files[FakeSystem.CxxPath] = FakeSystem.Provider("libstdc++.so.6", "GLIBCXX_3.4", "GLIBCXX_3.4.32", "CXXABI_1.3");
        NoLibtorch(system);
        Untouched(system, TorchCureStatus.NotNeeded);
        TorchCure.Inspect(system).Hint.Should().EndWith("dotnet add package libtorch-cpu-linux-x64 --version 2.10.0");
    }

    [Fact]
    public void Apply_OtherPlatform_TouchesNothing() =>
        Untouched(new() { IsLinuxX64 = false, IsMusl = true }, TorchCureStatus.OtherPlatform)
            .Should().EndWith("cure: not needed: the fault it cures exists on Linux x64 only");

    [Theory]
    [InlineData("off")]
    [InlineData("OFF")]
    public void Apply_TurnedOff_TouchesNothing(string value) =>
        Untouched(new() { Switch = value, IsMusl = true }, TorchCureStatus.TurnedOff)
            .Should().EndWith("cure: turned off: by LATENTSTITCHING_TORCH_CURE=" + value);

    [Theory]
    [InlineData("")]
    [InlineData("on")]
    public void Apply_SwitchSaysAnythingElse_Works(string value) =>
        TorchCure.Apply(new FakeSystem { Switch = value }).Status.Should().Be(TorchCureStatus.Applied);

    [Fact]
    public void Apply_LibraryLoaded_TouchesNothing()
    {
        FakeSystem system = new();
        system.Loaded["libLibTorchSharp.so"] = "/memfd:libLibTorchSharp.so";
        Untouched(system, TorchCureStatus.AlreadyLoaded).Should().Contain("libLibTorchSharp.so: /memfd:libLibTorchSharp.so");
    }

    [Fact]
    public void Apply_RequirementWeakOnDisk_TouchesNothing()
    {
        FakeSystem system = new();
        SetLibrary(system, b => b.Needs[2] = b.Needs[2] with { Flags = 2 });
        Untouched(system, TorchCureStatus.NotNeeded);
    }

    [Fact]
    public void Apply_CxxCannotBeRead_TouchesNothing()
    {
        FakeSystem gone = new(), broken = new(), notLoaded = new();
        gone.Files.Remove(FakeSystem.CxxPath);
        broken.Files[FakeSystem.CxxPath] = [1, 2, 3];
        notLoaded.Loaded.Remove("libstdc++.so.6");
        foreach (var system in new[] { gone, broken, notLoaded }) Untouched(system, TorchCureStatus.NotNeeded).Should().Contain("versions unknown");
    }

    [Fact]
    public void Apply_Musl_IsRefused() =>
        Refused(new() { IsMusl = true }).Should().Be("TorchSharp's native library must have glibc, but this system uses musl (Alpine Linux). "
            + "Run on a system or container image with glibc, such as Debian 12 or Ubuntu 22.04.");

    [Fact]
    public void Apply_NoLibtorchPackage_IsRefusedWithTheCommand()
    {
        FakeSystem system = new();
        NoLibtorch(system);
        Refused(system).Should().Be("libtorch.so must lie beside the application, but it was not found in /app/runtimes, /app, and no reference to a libtorch "
            + "package was found. Add it: dotnet add package libtorch-cpu-linux-x64 --version 2.10.0");
    }

    [Fact]
    public void Apply_LibtorchReferencedButNotThere_IsRefusedWithTheCommand()
    {
        FakeSystem system = new();
        system.Files.Remove("/app/libtorch.so");
        Refused(system).Should().Be("libtorch.so must lie beside the application, but it was not found in /app/runtimes, /app, although "
            + "libtorch-cpu-linux-x64 2.10.0 (by app.deps.json) is referenced. Have it copied again: dotnet build --no-incremental");
    }

    [Fact]
    public void Apply_NoTorchSharpLibrary_IsRefusedWithTheCommand()
    {
        FakeSystem system = new();
        system.Files.Remove(Library);
        Refused(system).Should().Be("libLibTorchSharp.so must lie beside the application, but it was not found in /app/runtimes, /app. "
            + "A package brings it: dotnet add package TorchSharp --version 0.107.0");
    }

    [Theory]
    [InlineData("libtorch-cpu-linux-x64/2.7.1", "libtorch-cpu-linux-x64", "2.7.1")]
    [InlineData("libtorch-cuda-12.8-linux-x64-part9-fragment1/2.11.0", "libtorch-cuda-12.8-linux-x64", "2.11.0")]
    public void Apply_OtherLibtorch_IsRefusedWithTheCommand(string referenced, string package, string version)
    {
        FakeSystem system = new();
        system.Files["/app/app.deps.json"] = System.Text.Encoding.UTF8.GetBytes($"\"{referenced}\": {{}}");
        Refused(system).Should().Be($"TorchSharp 0.107.0 must have libtorch 2.10, but {package} {version} (by app.deps.json) is referenced. "
            + $"Reference that one: dotnet add package {package} --version 2.10.0");
    }

    [Fact]
    public void Apply_LaterPatchOrUnknownTorchSharpOrUnknownLibtorch_IsNotJudged()
    {
        FakeSystem patch = new(), newer = new() { TorchSharpVersion = new(0, 108, 0, 0) }, unknown = new();
        patch.Files["/app/app.deps.json"] = "\"libtorch-cpu-linux-x64/2.10.1\""u8.ToArray();
        newer.Files["/app/app.deps.json"] = "\"libtorch-cpu-linux-x64/2.12.0\""u8.ToArray();
        unknown.Files.Remove("/app/app.deps.json");
        foreach (var system in new[] { patch, newer, unknown }) TorchCure.Apply(system).Status.Should().Be(TorchCureStatus.Applied);
        TorchCure.Inspect(unknown).ToString().Should().Contain("libtorch.so: /app/libtorch.so, version unknown");
    }

    [Fact]
    public void Find_NoDependencyFile_GoesByThePackageFolder()
    {
        FakeSystem system = new();
        system.Files.Remove("/app/app.deps.json");
        TorchRelease.Find(system, "/packages/libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native/libtorch.so")!.ToString()
            .Should().Be("libtorch-cpu-linux-x64 2.10.0 (by its folder)");
        TorchRelease.Find(system, null).Should().BeNull();
    }

    [Fact]
    public void Apply_OlderCxxLacksMore_IsRefused()
    {
        FakeSystem system = new();
        system.Files[FakeSystem.CxxPath] = FakeSystem.Provider("libstdc++.so.6", "GLIBCXX_3.4", "GLIBCXX_3.4.28");
        system.Files[FakeSystem.CPath] = FakeSystem.Provider("libc.so.6", "GLIBC_2.2");
        Refused(system).Should().Be("libLibTorchSharp.so must have GLIBC_2.2.5, GLIBCXX_3.4.32, CXXABI_1.3, but the C and C++ libraries of this system are "
            + "older, and symbols that it uses are in them. Run on a newer system, such as Debian 12 or Ubuntu 22.04.");
        TorchCure.Inspect(system).ToString().Should().Contain("newest GLIBCXX_3.4.28")
            .And.Contain("missing: GLIBC_2.2.5 of libc.so.6, GLIBCXX_3.4.32 of libstdc++.so.6, CXXABI_1.3 of libstdc++.so.6");
    }

    [Fact]
    public void Apply_SymbolIsUsed_IsRefused()
    {
        FakeSystem system = new();
        SetLibrary(system, b => b.Relocations.Add(2));
        Refused(system).Should().Be(Library + " must need GLIBCXX_3.4.32 for _ZSt21ios_base_library_initv alone and never use it, but it has a relocation that "
            + "refers to a symbol of the version. Run on a system whose libstdc++.so.6 provides GLIBCXX_3.4.32 (GCC 13), such as Debian 13 or Ubuntu 24.04.");
    }

    [Fact]
    public void Apply_AnotherSymbolAsks_IsRefused()
    {
        FakeSystem system = new();
        SetLibrary(system, b => b.Symbols.Add(("_ZSt4cout", 18)));
        Refused(system).Should().Contain("but it has another symbol that asks for the version.");
    }

    [Fact]
    public void Apply_LibraryDamaged_IsRefusedWithTheCommand()
    {
        FakeSystem system = new();
        system.Files[Library] = system.Files[Library][..200];
        Refused(system).Should().Be(Library + " is cut short. Bring back the package's own file: dotnet build --no-incremental");
    }

    [Fact]
    public void Apply_LibtorchDoesNotLoad_IsRefusedWithTheLoadersWords()
    {
        FakeSystem system = new() { LoadRefusal = "libgomp.so.1: cannot open shared object file" };
        var report = TorchCure.Apply(system);
        report.Status.Should().Be(TorchCureStatus.Refused);
        report.Reason.Should().Be("/app/libtorch.so must load, but the system's loader says: libgomp.so.1: cannot open shared object file "
            + "Bring back the whole package: dotnet add package libtorch-cpu-linux-x64 --version 2.10.0");
        system.Calls.Should().Equal("/app/libtorch.so");
    }

    [Fact]
    public void Apply_CopyDoesNotLoad_IsRefusedWithTheLoadersWords()
    {
        var report = TorchCure.Apply(new FakeSystem { ImageRefusal = "failed to map segment." });
        report.Status.Should().Be(TorchCureStatus.Refused);
        report.Handle.Should().Be(0);
        report.Reason.Should().Be("the amended copy of libLibTorchSharp.so must load, but the system's loader says: failed to map segment. "
            + "If memory and temporary files may not be executed here, name a folder that allows it: export TMPDIR=<folder>");
    }

    private static void NoLibtorch(FakeSystem system)
    {
        system.Files.Remove("/app/libtorch.so");
        system.Files["/app/app.deps.json"] = "{}"u8.ToArray();
    }

    private static void SetLibrary(FakeSystem system, Action<ElfBuilder> change)
    {
        ElfBuilder builder = new();
        change(builder);
        system.Files[Library] = builder.Build();
    }

    private static string Untouched(FakeSystem system, TorchCureStatus status)
    {
        var report = TorchCure.Apply(system);
        report.Status.Should().Be(status);
        report.Handle.Should().Be(0);
        system.Calls.Should().BeEmpty();
        return report.ToString();
    }

    private static string Refused(FakeSystem system)
    {
        var report = TorchCure.Apply(system);
        report.Status.Should().Be(TorchCureStatus.Refused);
        report.ToString().Should().EndWith("cure: refused: " + report.Reason);
        system.Calls.Should().BeEmpty("a refusal known beforehand loads nothing");
        return report.Reason;
    }
}
