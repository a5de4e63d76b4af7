using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LatentStitching.Native;

namespace LatentStitching.Tests.Native;

/// <summary>On the real system and the real files. Which of two outcomes is right depends on the system's libstdc++.</summary>
public sealed class TorchNativeTests
{
    private const string Library = "libLibTorchSharp.so";

    private static bool OnLinux => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    [Fact]
    public void EnsureLoaded_ThisSystem_TorchWorksAndFilesAreUntouched()
    {
        if (!OnLinux) return;
        string path = Find(Library);
        byte[] before = SHA256.HashData(File.ReadAllBytes(path));
        var written = File.GetLastWriteTimeUtc(path);

        bool applied = TorchNative.EnsureLoaded();
        ones(3).sum().item<float>().Should().Be(3);

        TorchNative.EnsureLoaded().Should().Be(applied, "a second call changes nothing");
        SHA256.HashData(File.ReadAllBytes(path)).Should().Equal(before);
        File.GetLastWriteTimeUtc(path).Should().Be(written);
        TorchNative.Diagnose().Should().Contain(applied ? "cure: applied" : "cure: not needed").And.Contain("TorchSharp: 0.107.0");
    }

    [Fact]
    public void Inspect_ThePackagesOwnLibrary_NeedsTheVersionForNothing()
    {
        if (!OnLinux) return;
        byte[] image = File.ReadAllBytes(Find(Library));

        ElfSymbolVersions.ReadNeeded(image, out var needed).Should().Be(ElfFault.None);
        needed.Should().Contain(n => n.File == "libstdc++.so.6" && n.Version == "GLIBCXX_3.4.32" && !n.IsWeak);
        ElfSymbolVersions.MakeWeak(image, "libstdc++.so.6", "GLIBCXX_3.4.32", "_ZSt21ios_base_library_initv").Should().Be(ElfFault.None);
        ElfSymbolVersions.MakeWeak(image, "libstdc++.so.6", "GLIBCXX_3.4.30", "_ZSt21ios_base_library_initv").Should().Be(ElfFault.OtherSymbolAsks);
    }

    [Fact]
    public void FindLoaded_LibrariesOfTheRuntime_AreFoundWithTheirVersions()
    {
        if (!OnLinux) return;
        ProcessNativeSystem system = new();
        foreach (string name in new[] { "libstdc++.so.6", "libc.so.6" })
        {
            string path = system.FindLoaded(name)!;
            ElfSymbolVersions.ReadProvided(File.ReadAllBytes(path), out var provided).Should().Be(ElfFault.None);
            provided.Should().HaveCountGreaterThan(10);
        }
        system.FindLoaded("libnothere.so.1").Should().BeNull();
        system.ReadFile("/not/there").Should().BeNull();
        system.IsMusl.Should().BeFalse();
    }

    [Fact]
    public void LoadFromMemoryAndTemporaryFile_ARealLibrary_LoadAndLeaveNoFile()
    {
        if (!OnLinux) return;
        TorchNative.EnsureLoaded();
        byte[] image = File.ReadAllBytes(Find("libtorch.so"));
        string[] before = Directory.GetDirectories(Path.GetTempPath());

        ProcessNativeSystem.LoadFromMemory("libtorch.so", image, out nint first).Should().BeNull();
        ProcessNativeSystem.LoadFromTemporaryFile("libtorch.so", image, out nint second).Should().BeNull();

        first.Should().NotBe(0);
        second.Should().NotBe(0);
        Directory.GetDirectories(Path.GetTempPath()).Where(d => File.Exists(Path.Combine(d, "libtorch.so"))).Except(before).Should().BeEmpty();
        new ProcessNativeSystem().FindLoaded("libtorch.so").Should().NotBeNull();
    }

    [Fact]
    public void LoadImage_BytesThatAreNoLibrary_SaysWhyInBothWays()
    {
        if (!OnLinux) return;
        var loaded = new ProcessNativeSystem().LoadImage("libnone.so", new byte[100]);
        loaded.Handle.Should().Be(0);
        loaded.How.Should().Contain("/proc/self/fd/").And.Contain("libnone.so: ");
        new ProcessNativeSystem().Load("/not/there.so").Should().Contain("/not/there.so");
    }

    [Fact]
    public async Task EnsureLoaded_ManyThreads_AllSeeTheSame()
    {
        bool[] answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(TorchNative.EnsureLoaded)));
        answers.Distinct().Should().ContainSingle();
    }

    private static string Find(string file) => new ProcessNativeSystem().SearchDirectories.Select(d => Path.Combine(d, file)).First(File.Exists);
}
