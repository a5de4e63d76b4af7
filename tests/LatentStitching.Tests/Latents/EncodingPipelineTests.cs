using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Latents;

[NoTensorLeaks]
public sealed class EncodingPipelineTests
{
    private static readonly EncodingOptions _fours = new() { BatchSize = 4 };

    [Fact]
    public void Encode_GivesTheModelsLatentsOfAllImagesInOrder()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        AttributeTable labels = new(["odd"], [.. Enumerable.Range(0, 30).Select(i => (IReadOnlyList<bool>)[i % 2 == 1])]);
        WatchedImages images = new(30) { Attributes = labels, Preparation = "drawn" };
        using LatentBank bank = EncodingPipeline.Encode(model, images, folder["bank"], _fours);
        bank.Ids.Should().Equal(images.Ids);
        bank.Attributes!.Column("odd").Should().Equal(labels.Column("odd"));
        (bank.Info.ModelName, bank.Info.ImageSourceName, bank.Info.Preparation, bank.Info.Image).Should().Be(("watched", "watched images", "drawn", Toy.Format));
        bank.Info.ModelFingerprint.Should().Be(ModelFingerprint.Of(model));
        bank.Verify();
        using var scope = NewDisposeScope();
        Tensor loaded = bank.Load();
        for (int start = 0; start < 30; start += 4)
        {
            Tensor batch = model.Encode(images.Load(start, Math.Min(4, 30 - start)));
            loaded.narrow(0, start, batch.size(0)).contiguous().bytes.SequenceEqual(batch.bytes).Should().BeTrue();
        }
        Directory.GetFiles(folder.Root).Should().Equal(folder["bank"]);
    }

    [Fact]
    public void Encode_HasTheBytesOfCreate()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        WatchedImages images = new(300);
        using LatentBank encoded = EncodingPipeline.Encode(model, images, folder["encoded"], new EncodingOptions { Dtype = ScalarType.Float16 });
        using Tensor latents = encoded.Load();
        using LatentBank created = LatentBank.Create(folder["created"], latents, LatentBankInfo.Of(model, images), ScalarType.Float16);
        File.ReadAllBytes(folder["created"]).Should().Equal(File.ReadAllBytes(folder["encoded"]));
        created.ContentHash.Should().Be(encoded.ContentHash);
    }

    [Fact]
    public void Encode_ReadsImagesOnOneOtherThread_AheadOfTheModel_AndHoldsNoMoreThanItMay()
    {
        using TempFolder folder = new();
        using ManualResetEventSlim third = new();
        // The model waits in its first batch until the third is being read: without prefetching it would wait for ever.
        using WatchedModel model = new(beforeEncode: call => Assert.True(call > 0 || third.Wait(TimeSpan.FromSeconds(20))));
        WatchedImages images = new(40, call => { if (call == 2) third.Set(); });
        using LatentBank bank = EncodingPipeline.Encode(model, images, folder["bank"], _fours);
        images.Loads.Should().HaveCount(10);
        images.Loads.Select(load => load.Thread).Distinct().Should().ContainSingle().Which.Should().NotBe(Environment.CurrentManagedThreadId);
        images.Loads.Select(load => load.Live - images.Loads[0].Live).Should().Equal([0, 1, 2, 2, 2, 2, 2, 2, 2, 2], "what the model is done with is freed before the next is read");
    }

    [Fact]
    public void Encode_NothingAhead_ReadsInTurnOnTheCallersThread_TheSameBytes()
    {
        using TempFolder folder = new();
        List<string> order = [];
        using WatchedModel model = new(beforeEncode: call => order.Add($"encode {call}"));
        WatchedImages images = new(10, call => order.Add($"read {call}"));
        EncodingPipeline.Encode(model, images, folder["turns"], _fours with { PrefetchedBatches = 0 }).Dispose();
        order.Should().Equal("read 0", "encode 0", "read 1", "encode 1", "read 2", "encode 2");
        images.Loads.Select(load => load.Thread).Should().AllBeEquivalentTo(Environment.CurrentManagedThreadId);
        EncodingPipeline.Encode(model, new WatchedImages(10), folder["ahead"], _fours).Dispose();
        File.ReadAllBytes(folder["turns"]).Should().Equal(File.ReadAllBytes(folder["ahead"]));
    }

    [Fact]
    public void Encode_NothingAhead_Cancelled_KeepsWhatIsDone()
    {
        using TempFolder folder = new();
        using CancellationTokenSource stop = new();
        using WatchedModel model = new();
        WatchedImages images = new(10, call => { if (call == 1) stop.Cancel(); });
        Action act = () => EncodingPipeline.Encode(model, images, folder["bank"], _fours with { PrefetchedBatches = 0 }, cancellationToken: stop.Token);
        act.Should().Throw<OperationCanceledException>();
        WatchedImages rest = new(10);
        EncodingPipeline.Encode(model, rest, folder["bank"], _fours).Dispose();
        rest.Loads.Should().HaveCount(2, "the first batch is there");
    }

    [Fact]
    public void Encode_OneBatchAhead_NeverReadsTwo()
    {
        using TempFolder folder = new();
        int read = 0, encoded = 0, most = 0;
        using WatchedModel model = new(beforeEncode: call =>
        {
            Interlocked.Increment(ref encoded);
            Thread.Sleep(5);
        });
        WatchedImages images = new(40, _ => most = Math.Max(most, Interlocked.Increment(ref read) - Volatile.Read(ref encoded)));
        using LatentBank bank = EncodingPipeline.Encode(model, images, folder["bank"], _fours with { PrefetchedBatches = 1 });
        most.Should().BeLessThanOrEqualTo(2, "one batch is with the model and one waits");
    }

    [Fact]
    public void Encode_Progress_CountsToTheEnd()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        Steps<EncodingProgress> steps = new();
        using LatentBank bank = EncodingPipeline.Encode(model, new WatchedImages(10), folder["bank"], _fours, steps);
        steps.All.Select(step => (step.Done, step.Total, step.Resumed)).Should().Equal((4, 10, 0), (8, 10, 0), (10, 10, 0));
        steps.All.Should().OnlyContain(step => step.ImagesPerSecond > 0);
        steps.All[^1].Remaining.Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void Encode_ABankThatIsThere_IsReusedWithoutAnyWork()
    {
        using TempFolder folder = new();
        using WatchedModel first = new(beforeEncode: _ => { });
        EncodingPipeline.Encode(first, new WatchedImages(10), folder["bank"], _fours).Dispose();
        DateTime written = File.GetLastWriteTimeUtc(folder["bank"]);
        foreach (bool overwrite in (bool[])[false, true])
        {
            using WatchedModel again = new(beforeEncode: _ => throw new InvalidOperationException("encoded again"));
            WatchedImages images = new(10, _ => throw new InvalidOperationException("read again"));
            using LatentBank bank = EncodingPipeline.Encode(again, images, folder["bank"], new EncodingOptions { Overwrite = overwrite });
            bank.Count.Should().Be(10);
        }
        File.GetLastWriteTimeUtc(folder["bank"]).Should().Be(written);
    }

    [Fact]
    public void Encode_ADamagedBankThatIsThere_IsSeenWhereItIsVerified()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        EncodingPipeline.Encode(model, new WatchedImages(10), folder["bank"], _fours).Dispose();
        EncodingPipeline.Encode(model, new WatchedImages(10), folder["bank"], _fours with { VerifyReused = true }).Dispose();
        byte[] file = File.ReadAllBytes(folder["bank"]);
        file[Banks.LatentsOffset(file) + (5 * 24)] ^= 1;
        File.WriteAllBytes(folder["bank"], file);
        Action act = () => EncodingPipeline.Encode(model, new WatchedImages(10), folder["bank"], _fours with { VerifyReused = true, Overwrite = true });
        act.ShouldSay<InvalidDataException>($"'{folder["bank"]}' must match its checksums, but rows 4 to 7 do not. The file was changed or damaged: encode it anew.");
        EncodingPipeline.Encode(model, new WatchedImages(10), folder["bank"], _fours).Dispose();
    }

    [Fact]
    public void Encode_OtherPicturesOfTheSameNames_IsRefused()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        WatchedImages digits = new(10) { ContentHash = "digits" }, clothes = new(10) { ContentHash = "clothes" };
        using LatentBank bank = EncodingPipeline.Encode(model, digits, folder["bank"], _fours);
        bank.Info.ImagesContentHash.Should().Be("digits");
        Action act = () => EncodingPipeline.Encode(model, clothes, folder["bank"], _fours);
        act.Should().Throw<ArgumentException>().WithMessage("*differs in its images*");
        using LatentBank other = EncodingPipeline.Encode(model, clothes, folder["other"], _fours), untold = EncodingPipeline.Encode(model, new WatchedImages(10), folder["untold"], _fours);
        ((Action)(() => LatentPairs.From(bank, other))).Should().Throw<ArgumentException>().WithMessage("*'watched images' (1×2×3, as given, content digits) and of 'watched images' (1×2×3, as given, content clothes)*");
        LatentPairs.From(bank, untold).Dispose();
        LatentPairs.From(bank, other, allowOtherImages: true).Dispose();
    }

    [Fact]
    public void Encode_TheBankOfAnother_IsRefused_OrReplacedOnDemand()
    {
        using TempFolder folder = new();
        using WatchedModel model = new("1"), retrained = new("2");
        EncodingPipeline.Encode(model, new WatchedImages(10), folder["bank"], _fours).Dispose();
        byte[] before = File.ReadAllBytes(folder["bank"]);
        const string Cure = "Choose another path, or set EncodingOptions.Overwrite.";
        Refuses(retrained, new WatchedImages(10), _fours, $"model ('watched' there, with another fingerprint). {Cure}");
        Refuses(model, new WatchedImages(9), _fours, $"images (10 of 'watched images', 1×2×3, as given there). {Cure}");
        Refuses(model, new WatchedImages(10) { Preparation = "squash" }, _fours, $"images (10 of 'watched images', 1×2×3, as given there). {Cure}");
        Refuses(model, new WatchedImages(10), _fours with { Dtype = ScalarType.Float16 }, $"dtype (Float32 there). {Cure}");
        File.ReadAllBytes(folder["bank"]).Should().Equal(before);

        using LatentBank replaced = EncodingPipeline.Encode(retrained, new WatchedImages(10), folder["bank"], _fours with { Overwrite = true });
        replaced.Info.ModelFingerprint.Should().Be(ModelFingerprint.Of(retrained));
        Directory.GetFiles(folder.Root).Should().ContainSingle();

        void Refuses(ILatentModel by, IImageSource images, EncodingOptions options, string text)
        {
            Action act = () => EncodingPipeline.Encode(by, images, folder["bank"], options);
            act.ShouldRefuse("path", $"path must be free or hold the bank of watched and watched images, but '{folder["bank"]}' differs in its {text}");
        }
    }

    [Fact]
    public void Encode_AFileThatIsNoBank_IsNeverReplaced()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        folder.Write("bank", "my thesis");
        Action act = () => EncodingPipeline.Encode(model, new WatchedImages(10), folder["bank"], new EncodingOptions { Overwrite = true });
        act.Should().Throw<InvalidDataException>();
        File.ReadAllText(folder["bank"]).Should().Be("my thesis");
        Action folderItself = () => EncodingPipeline.Encode(model, new WatchedImages(10), folder.Root);
        folderItself.ShouldRefuse("path", $"path must name a file, but '{folder.Root}' is a folder.");
    }

    [Fact]
    public void Encode_BadArguments_Throws()
    {
        using TempFolder folder = new();
        using WatchedModel model = new();
        WatchedImages images = new(10);
        Action noModel = () => EncodingPipeline.Encode(null!, images, folder["bank"]);
        noModel.Should().Throw<ArgumentNullException>().WithParameterName("model");
        Action noImages = () => EncodingPipeline.Encode(model, null!, folder["bank"]);
        noImages.Should().Throw<ArgumentNullException>().WithParameterName("images");
        Action blank = () => EncodingPipeline.Encode(model, images, "");
        blank.ShouldRefuse("path", "path must not be blank.");
        Action format = () => EncodingPipeline.Encode(model, new WatchedImages(10) { Image = ImageFormat.Rgb(8) }, folder["bank"]);
        format.ShouldRefuse("model", "model must take the images it is given, but watched takes 1×2×3 and watched images gives 3×8×8. Wrap the model: model.WithImage(images.Image).");
        Action labels = () => EncodingPipeline.Encode(model, new WatchedImages(10) { Attributes = new AttributeTable(["a"], [[true]]) }, folder["bank"]);
        labels.ShouldRefuse("images", "images must hold one row of attributes an id, but there are 1 rows and 10 ids.");
        Action batch = () => _ = new EncodingOptions { BatchSize = 0 };
        batch.ShouldRefuse("BatchSize", "BatchSize must be positive, but it is 0.");
        Action ahead = () => _ = new EncodingOptions { PrefetchedBatches = -1 };
        ahead.ShouldRefuse("PrefetchedBatches", "PrefetchedBatches must be zero or more, but it is -1.");
        Action dtype = () => _ = new EncodingOptions { Dtype = ScalarType.Float64 };
        dtype.ShouldRefuse("Dtype", "Dtype must be Float32 or Float16, but it is Float64.");
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Action early = () => EncodingPipeline.Encode(model, images, folder["bank"], cancellationToken: cancelled.Token);
        early.Should().Throw<OperationCanceledException>();
        Directory.GetFiles(folder.Root).Should().BeEmpty();
    }

    [Fact]
    public void Encode_BadLatentsOrImages_ThrowsNamingThem()
    {
        using TempFolder folder = new();
        int tries = 0;
        Says(latents => latents.narrow(1, 0, 5).clone(), "Encode of watched must return floating-point latents [4, 6], but it returned Float32 [4, 5].");
        Says(latents => latents.to_type(ScalarType.Int32), "Encode of watched must return floating-point latents [4, 6], but it returned Int32 [4, 6].");
        Says(Spoilt(float.NaN), "Latents of watched must be finite, but NaN or infinite numbers came for 'toy-6'.");
        Says(Spoilt(1e5f), "Latents of watched must fit Float16, but 1e+05 came for 'toy-6'. Keep them in a wider dtype, or scale them.");

        using WatchedModel good = new();
        OddImages images = new();
        Action act = () => EncodingPipeline.Encode(good, images, folder["odd"], _fours);
        act.ShouldSay<InvalidOperationException>("Load of odd must return Float32 [4, 1, 2, 3], but it returned Float32 [1, 1, 2, 3].");

        void Says(Func<Tensor, Tensor> after, string text)
        {
            using WatchedModel model = new(after: after);
            string path = folder[$"bank-{tries++}"];
            Action encode = () => EncodingPipeline.Encode(model, new WatchedImages(10), path, _fours with { Dtype = ScalarType.Float16 });
            encode.ShouldSay<InvalidOperationException>(text);
            File.Exists(path).Should().BeFalse();
        }

        // The second batch of four, its third row.
        static Func<Tensor, Tensor> Spoilt(float value)
        {
            int calls = 0;
            return latents =>
            {
                Tensor copy = latents.clone();
                if (calls++ != 1) return copy;
                using Tensor row = copy[2];
                row.fill_(value);
                return copy;
            };
        }
    }

    [Fact]
    public void Preparation_OfFoldersAndTheirParts_IsTheGeometry()
    {
        using TempFolder folder = new();
        for (int i = 0; i < 3; i++) folder.Write($"pictures/{i}.png", TempFolder.Picture(20, 20, (byte)i));
        IImageSource images = ImageFolder.Open(folder["pictures"], ImageGeometry.Squash(8));
        images.Preparation.Should().Be("squash 8×8");
        images.Take(2).Preparation.Should().Be("squash 8×8");
        ((IImageSource)Toy.Images(1)).Preparation.Should().Be("as given");
        using CelebA celebA = CelebA.Open(folder["pictures"], geometry: ImageGeometry.CentreCropThenResize(10, 8));
        ((IImageSource)celebA).Preparation.Should().Be("centre crop 10×10, resized to 8×8");
    }

    private sealed class OddImages : IImageSource
    {
        public string Name => "odd";

        public ImageFormat Image => Toy.Format;

        public IReadOnlyList<string> Ids { get; } = ["a", "b", "c", "d"];

        public AttributeTable? Attributes => null;

        public Tensor Load(IReadOnlyList<int> indices) => zeros(1, 1, 2, 3);
    }
}
