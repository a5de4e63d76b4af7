using System.Diagnostics;
using System.Runtime.CompilerServices;
using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Latents;

/// <summary>What interrupts an encoding costs one batch and changes no byte.</summary>
[NoTensorLeaks]
public sealed class EncodingResumeTests
{
    private const int Count = 38;
    private const int Batch = 4;
    private const int Blocks = 10;

    private static readonly EncodingOptions _options = new() { BatchSize = Batch };

    private static byte[] Undisturbed()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options).Dispose();
        return File.ReadAllBytes(folder["bank"]);
    }

    [Fact]
    public void Encode_InterruptedAtSixtyRandomPoints_EndsWithTheSameBytes()
    {
        byte[] wanted = Undisturbed();
        SplitMix64 random = new(4);
        int interruptions = 0;
        for (int trial = 0; interruptions < 60; trial++)
        {
            using TempFolder folder = new();
            for (int kill = 0; kill < 4; kill++)
            {
                if (!Interrupted(folder["bank"], random.Below(5), random.Below(Blocks))) break;
                File.Exists(folder["bank"]).Should().BeFalse("half a bank has no name");
                interruptions++;
                if (random.Below(2) == 0) Tear(folder["bank.partial"], ref random);
            }
            using WatchedModel model = new();
            EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options).Dispose();
            File.ReadAllBytes(folder["bank"]).Should().Equal(wanted, $"trial {trial}");
            Directory.GetFiles(folder.Root).Should().ContainSingle();
        }
    }

    [Fact]
    public void Encode_CutAtEveryByte_EndsWithTheSameBytes()
    {
        byte[] wanted = Undisturbed();
        using TempFolder folder = new();
        Interrupted(folder["bank"], 0, 7).Should().BeTrue();
        byte[] partial = File.ReadAllBytes(folder["bank.partial"]);
        partial.Should().HaveSameCount(wanted);
        using WatchedModel model = new();
        WatchedImages images = new(Count);
        int header = Banks.LatentsOffset(wanted);
        for (int length = 0; length <= partial.Length; length += length < header ? 97 : 7)
        {
            File.WriteAllBytes(folder["bank.partial"], partial[..length]);
            EncodingPipeline.Encode(model, images, folder["bank"], _options).Dispose();
            File.ReadAllBytes(folder["bank"]).Should().Equal(wanted, $"of {partial.Length} bytes {length} were left");
            File.Delete(folder["bank"]);
        }
    }

    [Fact]
    public void Encode_Resumed_EncodesNoWholeBatchAgain()
    {
        using TempFolder folder = new();
        Interrupted(folder["bank"], 0, 6).Should().BeTrue();
        using WatchedModel model = new(beforeEncode: _ => { });
        Steps<EncodingProgress> steps = new();
        using LatentBank bank = EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options, steps);
        model.Calls.Should().Be(4);
        steps.All.Select(step => (step.Done, step.Resumed)).Should().Equal((28, 24), (32, 24), (36, 24), (38, 24));
        bank.Verify();
    }

    [Fact]
    public void Encode_ATornBatch_IsEncodedAgainAlone()
    {
        byte[] wanted = Undisturbed();
        using TempFolder folder = new();
        Interrupted(folder["bank"], 0, 6).Should().BeTrue();
        byte[] partial = File.ReadAllBytes(folder["bank.partial"]);
        // Batch 2 holds 96 bytes from here; its second half did not reach the disk.
        partial.AsSpan(Banks.LatentsOffset(wanted) + (2 * 96) + 48, 48).Clear();
        File.WriteAllBytes(folder["bank.partial"], partial);
        using WatchedModel model = new(beforeEncode: _ => { });
        EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options).Dispose();
        model.Calls.Should().Be(5);
        File.ReadAllBytes(folder["bank"]).Should().Equal(wanted);
    }

    [Fact]
    public void Encode_KilledBetweenTheLastBatchAndTheName_OnlyGivesTheName()
    {
        byte[] wanted = Undisturbed();
        using TempFolder folder = new();
        File.WriteAllBytes(folder["bank.partial"], wanted);
        using WatchedModel model = new(beforeEncode: _ => throw new InvalidOperationException("encoded again"));
        EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options).Dispose();
        File.ReadAllBytes(folder["bank"]).Should().Equal(wanted);
    }

    [Fact]
    public void Encode_Cancelled_ThrowsWithTheCallersToken_AndKeepsWhatIsDone()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        using CancellationTokenSource source = new();
        Steps<EncodingProgress> steps = new(source.Cancel);
        Action act = () => EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options, steps, source.Token);
        act.Should().Throw<OperationCanceledException>().Which.CancellationToken.Should().Be(source.Token);
        steps.All.Should().ContainSingle();
        Steps<EncodingProgress> rest = new();
        EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options, rest).Dispose();
        rest.All[0].Resumed.Should().Be(Batch);
    }

    [Fact]
    public void Encode_CancelledWhileTheSourceIsSlow_DoesNotWaitForTheBatchesAfter()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        using CancellationTokenSource source = new();
        WatchedImages images = new(Count, call => { if (call == 3) source.Cancel(); });
        Action act = () => EncodingPipeline.Encode(model, images, folder["bank"], _options, cancellationToken: source.Token);
        act.Should().Throw<OperationCanceledException>();
        images.Loads.Should().HaveCount(4);
    }

    // The reader closes its queue when it is stopped, as it does when it has read all. Between a look at the token and one at the queue that would pass for the end; no test can hold that moment still.
    [Fact]
    public void Batches_CancelledWhileTheReaderStalls_Throws_InsteadOfEnding()
    {
        using CancellationTokenSource source = new();
        using ManualResetEventSlim cancelled = new();
        using ImagePrefetcher prefetcher = new(Stalled(cancelled, source.Token), [(0, 0, Batch), (1, Batch, Batch)], 1, source.Token);
        using IEnumerator<(int Block, Tensor Images)> batches = prefetcher.Batches().GetEnumerator();
        batches.MoveNext().Should().BeTrue();
        source.Cancel();
        cancelled.Set();
        SpinWait.SpinUntil(() => prefetcher.Ended, TimeSpan.FromSeconds(20)).Should().BeTrue();
        Action act = () => batches.MoveNext();
        act.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void Encode_CancelledWhileTheReaderStalls_NamesNoBank()
    {
        using TempFolder folder = new();
        using CancellationTokenSource source = new();
        using ManualResetEventSlim cancelled = new();
        using WatchedModel model = new(beforeEncode: _ =>
        {
            source.Cancel();
            cancelled.Set();
            Thread.Sleep(100);
        });
        Action act = () => EncodingPipeline.Encode(model, Stalled(cancelled, source.Token), folder["bank"], _options, cancellationToken: source.Token);
        act.Should().Throw<OperationCanceledException>();
        File.Exists(folder["bank"]).Should().BeFalse();
        EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options).Dispose();
        File.ReadAllBytes(folder["bank"]).Should().Equal(Undisturbed());
    }

    [Fact]
    public void Finish_WithABatchMissing_Throws()
    {
        using TempFolder folder = new();
        BankLayout layout = new(Banks.Info(10), ScalarType.Float32, 4);
        using var partial = PartialBank.Open(folder["bank.partial"], layout, replace: false, CancellationToken.None);
        using Tensor rows = Banks.Rows(4);
        partial.Write(1, rows);
        Action act = partial.Finish;
        act.ShouldSay<InvalidOperationException>("The bank must be whole before it is finished, but 2 of its 3 batches are not written.");
    }

    [Fact]
    public void Encode_TheBeginningOfAnotherBank_IsRefusedSayingWhatDiffers_OrThrownAwayOnDemand()
    {
        using TempFolder folder = new();
        Interrupted(folder["bank"], 0, 3).Should().BeTrue();
        byte[] before = File.ReadAllBytes(folder["bank.partial"]);
        const string Cure = "Delete it, choose another path, or set EncodingOptions.Overwrite.";
        using WatchedModel model = new(), other = new("other");
        WatchedImages images = new(Count);
        Refuses(other, images, _options, "model-fingerprint");
        Refuses(model, images, _options with { BatchSize = 5 }, "block-rows");
        Refuses(model, new WatchedImages(Count - 1), _options, "images-fingerprint");
        Refuses(model, images, _options with { Dtype = ScalarType.Float16 }, null);
        File.ReadAllBytes(folder["bank.partial"]).Should().Equal(before);

        folder.Write("bank.partial", "my notes");
        Action foreign = () => EncodingPipeline.Encode(model, images, folder["bank"], _options);
        foreign.Should().Throw<ArgumentException>().WithMessage($"path must be free or the beginning of this bank, but '{folder["bank.partial"]}' is neither: *. {Cure}*");
        File.ReadAllText(folder["bank.partial"]).Should().Be("my notes");
        EncodingPipeline.Encode(model, images, folder["bank"], _options with { Overwrite = true }).Dispose();
        File.ReadAllBytes(folder["bank"]).Should().Equal(Undisturbed());

        void Refuses(WatchedModel by, WatchedImages of, EncodingOptions options, string? fact)
        {
            Action act = () => EncodingPipeline.Encode(by, of, folder["bank"], options);
            act.ShouldRefuse(
                "path",
                $"path must be free or the beginning of this bank, but '{folder["bank.partial"]}' is that of another: "
                + $"{(fact is null ? "the sizes or types of its tensors" : $"its {fact}")} differ. {Cure}");
        }
    }

    [Fact]
    public void Encode_WhileAnotherDoes_Throws()
    {
        using TempFolder folder = new();
        using WatchedModel inner = new();
        using WatchedModel outer = new(beforeEncode: _ =>
        {
            Action second = () => EncodingPipeline.Encode(inner, new WatchedImages(Count), folder["bank"], _options);
            second.Should().Throw<IOException>();
        });
        EncodingPipeline.Encode(outer, new WatchedImages(Count), folder["bank"], _options).Dispose();
        File.ReadAllBytes(folder["bank"]).Should().Equal(Undisturbed());
    }

    [Fact]
    public void Encode_InAProcessThatIsKilled_GoesOnInTheNext()
    {
        using TempFolder folder = new();
        ProcessStartInfo start = new("dotnet", ["exec", typeof(EncodingResumeTests).Assembly.Location]) { RedirectStandardOutput = true, Environment = { [KilledProcess.Variable] = folder["bank"] } };
        using (Process child = Process.Start(start)!)
        using (CancellationTokenSource late = new(TimeSpan.FromSeconds(60)))
        using (late.Token.Register(child.Kill))
        {
            for (int batch = 0; batch < 5; batch++) child.StandardOutput.ReadLine().Should().StartWith("done ");
            child.Kill();
            child.WaitForExit();
        }
        File.Exists(folder["bank"]).Should().BeFalse();
        Steps<EncodingProgress> steps = new();
        using WatchedModel model = new();
        EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options, steps).Dispose();
        steps.All[0].Resumed.Should().BeGreaterThanOrEqualTo(5 * Batch);
        File.ReadAllBytes(folder["bank"]).Should().Equal(Undisturbed());
    }

    // Fifty of these, of a larger encoding, are a command of the benchmarks: bank-kills.
    [Fact]
    public void Encode_InAProcessThatIsKilledThreeTimesAtRandomMoments_EndsWithTheSameBytes()
    {
        byte[] wanted = Undisturbed();
        SplitMix64 random = new(11);
        for (int kill = 0; kill < 3; kill++)
        {
            using TempFolder folder = new();
            ProcessStartInfo start = new("dotnet", ["exec", typeof(EncodingResumeTests).Assembly.Location])
            {
                RedirectStandardOutput = true, Environment = { [KilledProcess.Variable] = folder["bank"], [KilledProcess.Pace] = "30" },
            };
            using (Process child = Process.Start(start)!)
            {
                child.StandardOutput.ReadLine().Should().Be("begun");
                Thread.Sleep(random.Below(200));
                child.Kill();
                child.WaitForExit();
                child.ExitCode.Should().Be(128 + 9);
            }
            using WatchedModel model = new();
            EncodingPipeline.Encode(model, new WatchedImages(Count), folder["bank"], _options).Dispose();
            File.ReadAllBytes(folder["bank"]).Should().Equal(wanted);
        }
    }

    // Reads on once the cancellation has reached all who wait for it.
    private static WatchedImages Stalled(ManualResetEventSlim cancelled, CancellationToken token) => new(Count, call =>
    {
        if (call == 0) return;
        cancelled.Wait(TimeSpan.FromSeconds(20));
        token.ThrowIfCancellationRequested();
    });

    private static bool Interrupted(string path, int how, int when)
    {
        using CancellationTokenSource source = new();
        using WatchedModel model = new(beforeEncode: call => Throw(0, call));
        WatchedImages images = new(Count, call => Throw(1, call));
        int reports = 0;
        Reporter reporter = new(() =>
        {
            if (how == 3 && reports == when) source.Cancel();
            Throw(2, reports++);
        });
        Action<int> cancelWhileReading = call => { if (how == 4 && call == when) source.Cancel(); };
        try
        {
            EncodingPipeline.Encode(model, how == 4 ? new WatchedImages(Count, cancelWhileReading) : images, path, _options, reporter, source.Token).Dispose();
            return false;
        }
        catch (KillException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return true;
        }

        void Throw(int of, int call)
        {
            if (how == of && call == when) throw new KillException();
        }
    }

    private static void Tear(string partial, ref SplitMix64 random)
    {
        using FileStream stream = new(partial, FileMode.Open);
        if (random.Below(2) == 0)
        {
            stream.SetLength(random.Below((int)stream.Length));
            return;
        }
        // A page of zeros where data should be, as a power cut leaves it; the header was flushed before the first batch.
        int header = (int)stream.Length - (Count * 24) - (Blocks * 32);
        stream.Position = Math.Min(header + random.Below(Count * 24), stream.Length);
        stream.Write(new byte[Math.Min(64, stream.Length - stream.Position)]);
    }

    private sealed class KillException : Exception;

    private sealed class Reporter(Action act) : IProgress<EncodingProgress>
    {
        public void Report(EncodingProgress value) => act();
    }
}

/// <summary>This assembly, run as a program, encodes slowly and tells each batch, until it is killed.</summary>
internal static class KilledProcess
{
    public const string Variable = "LATENTSTITCHING_TESTS_ENCODE_TO";
    public const string Pace = "LATENTSTITCHING_TESTS_ENCODE_MILLISECONDS";

    [ModuleInitializer]
    internal static void Start()
    {
        // On a thread of its own, which keeps the process alive: others wait for an initializer of the module to end.
        if (Environment.GetEnvironmentVariable(Variable) is { } path) new Thread(() => Encode(path)).Start();
    }

    private static void Encode(string path)
    {
        LatentStitching.Native.TorchNative.EnsureLoaded();
        // At a pace of so many milliseconds a batch; else five batches at once, and then none for long.
        int? pace = int.TryParse(Environment.GetEnvironmentVariable(Pace), out int milliseconds) ? milliseconds : null;
        using WatchedModel model = new(beforeEncode: call => Thread.Sleep(pace ?? (call > 5 ? 60_000 : 0)));
        Lines lines = new();
        if (pace is not null)
        {
            Console.WriteLine("begun");
            Console.Out.Flush();
        }
        EncodingPipeline.Encode(model, new WatchedImages(38), path, new EncodingOptions { BatchSize = 4 }, lines).Dispose();
    }

    private sealed class Lines : IProgress<EncodingProgress>
    {
        public void Report(EncodingProgress value)
        {
            Console.WriteLine($"done {value.Done}");
            Console.Out.Flush();
        }
    }
}
