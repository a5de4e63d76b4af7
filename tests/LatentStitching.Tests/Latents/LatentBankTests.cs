using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Models;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Latents;

[NoTensorLeaks]
public sealed class LatentBankTests
{
    private static readonly AttributeTable _labels = new(["Smiling", "Hat"], [[true, false], [false, false], [true, true]]);

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    public void Create_AndOpen_KnowsEverythingThatWasGiven(ScalarType dtype)
    {
        using TempFolder folder = new();
        using Tensor rows = Banks.Rows(3);
        LatentBankInfo info = Banks.Info(3, attributes: _labels) with { Preparation = "squash 3×2", Ids = ["a \"b\"\n", "ö/雪.jpg", ""] };
        using (LatentBank made = LatentBank.Create(folder["bank"], rows, info, dtype)) made.Count.Should().Be(3);
        using LatentBank bank = LatentBank.Open(folder["bank"]);
        (bank.Count, bank.Dimension, bank.Dtype, bank.Path).Should().Be((3, 6, dtype, folder["bank"]));
        bank.Ids.Should().Equal(info.Ids);
        bank.Latent.ToString().Should().Be("6 (v [2, 2], w [2])");
        bank.Attributes!.Names.Should().Equal("Smiling", "Hat");
        bank.Attributes.Column("Smiling").Should().Equal(true, false, true);
        bank.Attributes.Column("Hat").Should().Equal(false, false, true);
        (bank.Info.ModelName, bank.Info.ModelFingerprint, bank.Info.ImageSourceName, bank.Info.Preparation, bank.Info.Image)
            .Should().Be(("toy", "f00d", "pictures", "squash 3×2", new ImageFormat(1, 2, 3)));
        bank.Info.ImagesFingerprint.Should().Be(info.ImagesFingerprint);
        bank.LibraryVersion.Should().Be(typeof(LatentBank).Assembly.GetName().Version!.ToString(3));
        bank.ContentHash.Should().MatchRegex("^[0-9a-f]{64}$");
        bank.ToString().Should().Be("toy of pictures (1×2×3, squash 3×2): 3 rows of 6 (v [2, 2], w [2])");
        using Tensor loaded = bank.Load();
        loaded.Numbers().Should().Equal(rows.Numbers());
        bank.Verify();
    }

    [Fact]
    public void Rows_ByIndexAndById_ComeInTheOrderAskedFor()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor rows = Banks.Rows(1000);
        using LatentBank bank = LatentBank.Create(folder["bank"], rows, Banks.Info(1000));
        int[] asked = [999, 0, 1, 2, 2, 700, 256, 255];
        float[] wanted = rows.index_select(0, tensor(Array.ConvertAll(asked, row => (long)row))).Numbers();
        bank.Rows(asked).Numbers().Should().Equal(wanted);
        bank.Rows(Array.ConvertAll(asked, row => $"picture-{row}")).Numbers().Should().Equal(wanted);
        (bank.IndexOf("picture-700"), bank.Contains("picture-999"), bank.Contains("picture-1000")).Should().Be((700, true, false));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    public void Rows_OfManyChunks_AreThoseOfTheWhole(ScalarType dtype)
    {
        // 300 rows of 60,000 numbers are read in five pieces.
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor rows = randn([300, 60_000], ScalarType.Float32, generator: generator).to_type(dtype).to_type(ScalarType.Float32);
        using LatentBank bank = LatentBank.Create(folder["bank"], rows, Banks.Info(300, LatentSpace.Vector(60_000)), dtype);
        bank.Load().bytes.SequenceEqual(rows.bytes).Should().BeTrue();
        int[] backwards = [.. Enumerable.Range(0, 300).Reverse()];
        bank.Rows(backwards).bytes.SequenceEqual(rows.flip(0).bytes).Should().BeTrue();
        bank.Verify();
    }

    [Fact]
    public void Blocks_AreTheWholeInOrder()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor rows = Banks.Rows(10);
        using LatentBank bank = LatentBank.Create(folder["bank"], rows, Banks.Info(10));
        Tensor[] blocks = [.. bank.Blocks(4)];
        blocks.Select(block => block.size(0)).Should().Equal(4, 4, 2);
        cat(blocks, 0).Numbers().Should().Equal(rows.Numbers());
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    public void Level_IsTheSliceOfAllRows(ScalarType dtype)
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        using LatentBank bank = LatentBank.Create(folder["bank"], Banks.Rows(5), Banks.Info(5), dtype);
        foreach (string name in (string[])["v", "w"])
        {
            Tensor level = bank.Level(name), slice = Banks.TwoLevels.Slice(Banks.Rows(5), name);
            level.shape.Should().Equal(slice.shape);
            level.Numbers().Should().Equal(slice.Numbers());
        }
    }

    [Fact]
    public void Float16_RoundsToTheNearest()
    {
        // 2049 lies between 2048 and 2050, ties to even; 1/3 has ten fraction bits below 2^-2.
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor rows = tensor(new float[] { 2049, 2051, 1 / 3f, 65504, 6e-8f, -0.1f }).reshape(1, 6);
        using LatentBank bank = LatentBank.Create(folder["bank"], rows, Banks.Info(1), ScalarType.Float16);
        using Tensor loaded = bank.Load();
        loaded.Numbers().Should().Equal(2048, 2052, 0.333251953125f, 65504, 5.9604645e-8f, -0.0999755859375f);
    }

    [Fact]
    public void Create_OtherDtypes_AreKeptAsFloat32()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor doubles = tensor(new[] { 1 / 3d, 1, 2, 3, 4, 5 }).reshape(1, 6);
        using LatentBank bank = LatentBank.Create(folder["bank"], doubles, Banks.Info(1));
        using Tensor loaded = bank.Load();
        loaded.Numbers()[0].Should().Be(1 / 3f);
    }

    [Fact]
    public void Create_AViewInsideAScope_LeavesItAlone()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor wide = Banks.Rows(4, 7), view = wide.narrow(1, 1, 6);
        long before = NoTensorLeaksAttribute.Live();
        using LatentBank bank = LatentBank.Create(folder["bank"], view, Banks.Info(4));
        (NoTensorLeaksAttribute.Live() - before).Should().Be(0);
        using Tensor loaded = bank.Load();
        (NoTensorLeaksAttribute.Live() - before).Should().Be(1);
        loaded.Numbers().Should().Equal(view.contiguous().Numbers());
    }

    [Fact]
    public void Create_OverAnOpenBank_LeavesTheOpenOneReadable()
    {
        using TempFolder folder = new();
        using Tensor first = Banks.Rows(3), second = Banks.Rows(2);
        using LatentBank old = LatentBank.Create(folder["bank"], first, Banks.Info(3));
        using LatentBank made = LatentBank.Create(folder["bank"], second, Banks.Info(2));
        using Tensor loaded = old.Load();
        loaded.Numbers().Should().Equal(first.Numbers());
        made.Count.Should().Be(2);
        made.ContentHash.Should().NotBe(old.ContentHash);
        Directory.GetFiles(folder.Root).Should().ContainSingle();
    }

    [Fact]
    public void Create_BadArguments_Throws()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        LatentBankInfo info = Banks.Info(2);
        Tensor rows = Banks.Rows(2);
        Refuses(Banks.Rows(3), info, "latents", "latents must have one row an id and one column a number of the latent space, [2, 6], but its shape is [3, 6].");
        Refuses(Banks.Rows(2, 5), info, "latents", "latents must have one row an id and one column a number of the latent space, [2, 6], but its shape is [2, 5].");
        Refuses(rows.mul(float.NaN), info, "latents", "latents must be finite, but 12 of its entries are NaN or infinite, the first in row 0.");
        Refuses(rows, info with { Ids = ["a", "a"] }, "info", "info must hold different ids, but 'a' comes twice.");
        Refuses(rows, info with { Ids = ["a", null!] }, "info", "info must hold ids, but one is null.");
        Refuses(rows, info with { Ids = [] }, "info", "info must hold at least one id, but Ids is empty.");
        Refuses(rows, info with { Ids = ["a", "\ud800"] }, "info", "info must hold texts of whole Unicode characters, but one of Ids is '\ud800'.");
        Refuses(rows, info with { ModelName = " " }, "info", "info must tell ModelName, but it is blank.");
        Refuses(rows, info with { ModelFingerprint = "" }, "info", "info must tell ModelFingerprint, but it is blank.");
        Refuses(rows, info with { Latent = null! }, "info", "info must tell Latent, Image and Ids, but one is null.");
        Refuses(rows, info with { Attributes = _labels }, "info", "info must hold one row of attributes an id, but there are 3 rows and 2 ids.");
        Action dtype = () => LatentBank.Create(folder["bank"], rows, info, ScalarType.BFloat16);
        dtype.ShouldRefuse("dtype", "dtype must be Float32 or Float16, but it is BFloat16.");
        Action large = () => LatentBank.Create(folder["bank"], rows.mul(1e4f), info, ScalarType.Float16);
        large.ShouldRefuse("latents", "latents must fit Float16, but 1.5e+05 came for row 1. Keep them in a wider dtype, or scale them.");
        Action blank = () => LatentBank.Create(" ", rows, info);
        blank.ShouldRefuse("path", "path must not be blank.");
        Action nowhere = () => LatentBank.Create(folder["no/bank"], rows, info);
        nowhere.Should().Throw<DirectoryNotFoundException>();
        Directory.GetFileSystemEntries(folder.Root).Should().BeEmpty();

        void Refuses(Tensor latents, LatentBankInfo of, string parameter, string text)
        {
            Action act = () => LatentBank.Create(folder["bank"], latents, of);
            act.ShouldRefuse(parameter, text);
        }
    }

    [Fact]
    public void Reading_BadArguments_Throws()
    {
        using TempFolder folder = new();
        using Tensor rows = Banks.Rows(2);
        using LatentBank bank = LatentBank.Create(folder["bank"], rows, Banks.Info(2));
        Action outside = () => bank.Rows([0, 2]);
        outside.ShouldRefuse("indices", "indices must lie from 0 to 1, but entry 1 is 2.");
        Action none = () => bank.Rows((int[])[]);
        none.ShouldRefuse("indices", "indices must hold at least one index, but it is empty.");
        Action nobody = () => bank.Rows((string[])[]);
        nobody.ShouldRefuse("ids", "ids must hold at least one entry, but it is empty. Load reads all rows.");
        Action strangers = () => bank.Rows(["picture-1", "x", "y", "x"]);
        strangers.ShouldRefuse("ids", "ids must be in the bank, but 2 images (x, y) are not.");
        Action stranger = () => bank.IndexOf("x");
        stranger.ShouldRefuse("id", "id must be in the bank, but 'x' is not.");
        Action level = () => bank.Level("z");
        level.ShouldRefuse("name", "name must be one of the levels v, w, but it is 'z'.");
        Action size = () => bank.Blocks(0);
        size.ShouldRefuse("size", "size must be positive, but it is 0.");
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Action verify = () => bank.Verify(cancelled.Token);
        verify.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void Disposed_RefusesToRead_AndDisposesTwice()
    {
        using TempFolder folder = new();
        using Tensor rows = Banks.Rows(2);
        LatentBank bank = LatentBank.Create(folder["bank"], rows, Banks.Info(2));
        using IEnumerator<Tensor> blocks = bank.Blocks(1).GetEnumerator();
        blocks.MoveNext().Should().BeTrue();
        blocks.Current.Dispose();
        bank.Dispose();
        bank.Dispose();
        foreach (Action act in (Action[])[() => bank.Load(), () => bank.Rows([0]), () => bank.Rows(["picture-0"]), () => bank.Level("v"), () => bank.Blocks(1), () => bank.Verify(), () => blocks.MoveNext()])
        {
            act.Should().Throw<ObjectDisposedException>();
        }
        bank.Ids.Should().HaveCount(2);
    }

    [Fact]
    public void Rows_OnManyThreadsAtOnce_AreRight()
    {
        using TempFolder folder = new();
        using Tensor rows = Banks.Rows(500);
        using LatentBank bank = LatentBank.Create(folder["bank"], rows, Banks.Info(500));
        Parallel.For(0, 200, i =>
        {
            using Tensor one = bank.Rows([(i * 37) % 500, i]);
            if (one.Numbers()[0] != 10 * ((i * 37) % 500) || one.Numbers()[6] != 10 * i) throw new InvalidOperationException($"row {i}");
        });
    }
}
