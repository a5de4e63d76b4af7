using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Models;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Latents;

[NoTensorLeaks]
public sealed class LatentBankFileTests
{
    private static byte[] File600(TempFolder folder, ScalarType dtype = ScalarType.Float32, bool labels = true)
    {
        using Tensor rows = Banks.Rows(600);
        AttributeTable table = new(["Even", "Big"], [.. Enumerable.Range(0, 600).Select(i => (IReadOnlyList<bool>)[i % 2 == 0, i > 300])]);
        LatentBank.Create(folder["bank"], rows, Banks.Info(600, attributes: labels ? table : null), dtype).Dispose();
        return File.ReadAllBytes(folder["bank"]);
    }

    [Fact]
    public void File_ReadByAParserOfTheFormatAlone_HoldsIdsLatentsAndFacts()
    {
        using TempFolder folder = new();
        byte[] file = File600(folder);
        (JsonElement header, Dictionary<string, byte[]> data) = Banks.Parse(file);
        header.GetProperty("latents").GetProperty("dtype").GetString().Should().Be("F32");
        header.GetProperty("latents").GetProperty("shape").EnumerateArray().Select(length => length.GetInt32()).Should().Equal(600, 6);
        MemoryMarshal.Cast<byte, float>(data["latents"]).ToArray().Should().Equal(Enumerable.Range(0, 3600).Select(i => (float)((10 * (i / 6)) + (i % 6))));
        JsonSerializer.Deserialize<string[]>(Encoding.UTF8.GetString(data["ids"])).Should().Equal(Enumerable.Range(0, 600).Select(i => $"picture-{i}"));
        header.GetProperty("attributes").GetProperty("dtype").GetString().Should().Be("BOOL");
        data["attributes"].Should().Equal(Enumerable.Range(0, 1200).Select(i => i % 2 == 0 ? (byte)(i / 2 % 2 == 0 ? 1 : 0) : (byte)(i / 2 > 300 ? 1 : 0)));
        JsonElement facts = header.GetProperty("__metadata__");
        facts.EnumerateObject().ToDictionary(fact => fact.Name, fact => fact.Value.GetString()).Should().Equal(new Dictionary<string, string?>
        {
            ["latentstitching.attributes"] = """["Even","Big"]""",
            ["latentstitching.block-rows"] = "256",
            ["latentstitching.format"] = "1",
            ["latentstitching.image"] = "[1, 2, 3]",
            ["latentstitching.images"] = "pictures",
            ["latentstitching.images-fingerprint"] = Banks.Info(600).ImagesFingerprint,
            ["latentstitching.kind"] = "latent-bank",
            ["latentstitching.levels"] = """[{"name":"v","shape":[2,2]},{"name":"w","shape":[2]}]""",
            ["latentstitching.model"] = "toy",
            ["latentstitching.model-fingerprint"] = "f00d",
            ["latentstitching.preparation"] = "as given",
            ["latentstitching.version"] = typeof(LatentBank).Assembly.GetName().Version!.ToString(3),
        });

        // The data has neither gaps nor a rest, and the latents lie first, at a multiple of 64 bytes.
        data.Values.Sum(bytes => bytes.Length).Should().Be(file.Length - Banks.LatentsOffset(file));
        header.GetProperty("latents").GetProperty("data_offsets")[0].GetInt32().Should().Be(0);
        (Banks.LatentsOffset(file) % 64).Should().Be(0);

        // The checksums are what they are said to be.
        byte[][] blocks = [data["latents"][..6144], data["latents"][6144..12288], data["latents"][12288..]];
        byte[] hashes = [.. blocks.SelectMany(SHA256.HashData)];
        data["block_sha256"].Should().Equal(hashes);
        byte[] root = SHA256.HashData([.. file[..Banks.LatentsOffset(file)], .. hashes, .. data["attributes"], .. data["ids"]]);
        data["sha256"].Should().Equal(root);
        using LatentBank bank = LatentBank.Open(folder["bank"]);
        bank.ContentHash.Should().Be(Convert.ToHexString(root).ToLower(CultureInfo.InvariantCulture));
    }

    [Fact]
    public void File_OfHalves_IsHalfAsWide_AndReadByTheLibrarysOwnReaderOfTheFormat()
    {
        using TempFolder folder = new();
        (JsonElement header, Dictionary<string, byte[]> data) = Banks.Parse(File600(folder, ScalarType.Float16, labels: false));
        header.GetProperty("latents").GetProperty("dtype").GetString().Should().Be("F16");
        data.Keys.Should().Equal("latents", "block_sha256", "ids", "sha256");
        MemoryMarshal.Cast<byte, Half>(data["latents"])[11].Should().Be((Half)15);
        using StateDictionary state = SafeTensors.Load(folder["bank"]);
        state["latents"].shape.Should().Equal(600, 6);
        state["latents"].dtype.Should().Be(ScalarType.Float16);
    }

    [Fact]
    public void Open_ReadsNothingOfTheLatents_VerifyDoes()
    {
        using TempFolder folder = new();
        byte[] file = File600(folder);
        // Row 300 lies in the second block of 256.
        file[Banks.LatentsOffset(file) + (300 * 24) + 3] ^= 1;
        File.WriteAllBytes(folder["bank"], file);
        using LatentBank bank = LatentBank.Open(folder["bank"]);
        using Tensor good = bank.Rows([299]);
        good.Numbers()[0].Should().Be(2990);
        Action verify = () => bank.Verify();
        verify.ShouldSay<InvalidDataException>($"'{folder["bank"]}' must match its checksums, but rows 256 to 511 do not. The file was changed or damaged: encode it anew.");
    }

    [Fact]
    public void Open_ABankOfManyGigabytes_TakesNoMemory()
    {
        // A file with a hole: 32 GB of latents, none of them on the disk.
        const int Count = 4096, Width = 2_000_000;
        using TempFolder folder = new();
        LatentBankInfo info = Banks.Info(Count, LatentSpace.Vector(Width));
        BankLayout layout = new(info, ScalarType.Float32, Count);
        byte[] hashes = [.. Enumerable.Repeat((byte)1, 32)];
        using (FileStream stream = File.Create(folder["bank"]))
        {
            stream.Write(layout.Header);
            stream.Position = layout.HashesOffset;
            stream.Write(hashes);
            stream.Write(layout.Tail(hashes));
        }
        new FileInfo(folder["bank"]).Length.Should().Be(layout.Length).And.BeGreaterThan(32_000_000_000);
        long before = Environment.WorkingSet;
        using LatentBank bank = LatentBank.Open(folder["bank"]);
        using Tensor last = bank.Rows([Count - 1]);
        last.size(1).Should().Be(Width);
        (Environment.WorkingSet - before).Should().BeLessThan(100_000_000);
    }

    [Fact]
    public void Open_ABlockThatWasNeverWritten_Throws()
    {
        using TempFolder folder = new();
        BankLayout layout = new(Banks.Info(10), ScalarType.Float32, 4);
        byte[] hashes = [.. Enumerable.Repeat((byte)1, 32), .. new byte[32], .. Enumerable.Repeat((byte)1, 32)];
        folder.Write("bank", [.. layout.Header, .. new byte[10 * 24], .. hashes, .. layout.Tail(hashes)]);
        Action act = () => LatentBank.Open(folder["bank"]);
        act.ShouldSay<InvalidDataException>(
            $"'{folder["bank"]}' must hold the checksum of each block of 4 rows, but that of block 1 is zeros: its latents were never written. Encode it anew.");
    }

    [Fact]
    public void Ids_TwoHundredThousand_StayOutOfTheHeader()
    {
        using TempFolder folder = new();
        using Tensor rows = zeros(200_000, 1);
        using LatentBank bank = LatentBank.Create(folder["bank"], rows, Banks.Info(200_000, LatentSpace.Vector(1)));
        bank.IndexOf("picture-199999").Should().Be(199_999);
        using FileStream stream = File.OpenRead(folder["bank"]);
        byte[] length = new byte[8];
        stream.ReadExactly(length);
        BitConverter.ToUInt64(length).Should().BeLessThan(2000);
    }

    [Fact]
    public void Open_FactsIdsOrLabelsChanged_Throws()
    {
        using TempFolder folder = new();
        byte[] file = File600(folder);
        foreach (string text in (string[])["f00d", "picture-17", "as given"])
        {
            byte[] changed = [.. file];
            changed[Place(changed, text)] ^= 2;
            Action act = Opening(folder, changed);
            act.Should().Throw<InvalidDataException>().WithMessage($"'{folder["bank"]}' must match its checksum *, but its header, ids and labels have *. The file was changed or damaged.");
        }
    }

    [Fact]
    public void Open_ForeignFiles_ThrowsSayingWhatTheyAre()
    {
        using TempFolder folder = new();
        using Tensor rows = Banks.Rows(2);
        SafeTensors.Save(folder["other"], [("latents", rows)]);
        Action other = () => LatentBank.Open(folder["other"]);
        other.ShouldSay<InvalidDataException>($"'{folder["other"]}' must be a latent bank, but its metadata names the kind 'none'. Write banks with EncodingPipeline.Encode or LatentBank.Create.");
        Saves(new() { ["latentstitching.kind"] = "latent-bank", ["latentstitching.format"] = "2" }, "must be of format 1, but it is of format '2'. A newer version of the library wrote it.");
        Dictionary<string, string> right = new() { ["latentstitching.kind"] = "latent-bank", ["latentstitching.format"] = "1" };
        Saves(right, "must tell 'latentstitching.block-rows' in its metadata, but it does not.");
        Saves(new(right) { ["latentstitching.block-rows"] = "0" }, "must have a whole number from 1 as 'latentstitching.block-rows', but it is '0'.");
        Saves(new(right) { ["latentstitching.block-rows"] = "2" }, "must hold the tensor 'block_sha256', but it holds latents.");
        Action folderItself = () => LatentBank.Open(folder.Root);
        folderItself.Should().Throw<UnauthorizedAccessException>();
        Action missing = () => LatentBank.Open(folder["missing"]);
        missing.Should().Throw<FileNotFoundException>();
        Action blank = () => LatentBank.Open("");
        blank.ShouldRefuse("path", "path must not be blank.");

        void Saves(Dictionary<string, string> metadata, string text)
        {
            SafeTensors.Save(folder["other"], [("latents", rows)], metadata);
            other.ShouldSay<InvalidDataException>($"'{folder["other"]}' {text}");
        }
    }

    [Fact]
    public void Open_LatentsOfAnotherType_OrIdsBeyondAnArray_Throws()
    {
        using TempFolder folder = new();
        Dictionary<string, string> metadata = new() { ["latentstitching.kind"] = "latent-bank", ["latentstitching.format"] = "1", ["latentstitching.block-rows"] = "1" };
        using Tensor whole = ones([2, 3], ScalarType.Int64), flat = ones(2);
        Action act = () => LatentBank.Open(folder["bank"]);
        foreach ((Tensor latents, string came) in ((Tensor, string)[])[(whole, "I64 [2, 3]"), (flat, "F32 [2]")])
        {
            SafeTensors.Save(folder["bank"], [("latents", latents)], metadata);
            act.ShouldSay<InvalidDataException>($"'{folder["bank"]}' must hold 'latents' as F32 or F16 [n, d], but it is {came}.");
        }

        // A file with a hole.
        ElementType bytes = ElementType.OfSafeTensors("U8")!;
        long ids = Array.MaxLength + 1L;
        SafeTensorsHeader header = new([new("latents", ElementType.OfSafeTensors("F32")!, [1, 1], 0, 4), new("block_sha256", bytes, [1, 32], 4, 36), new("ids", bytes, [ids], 36, 36 + ids)], metadata);
        using (FileStream stream = File.Create(folder["bank"]))
        {
            stream.Write(header.ToBytes());
            stream.Write([.. Enumerable.Repeat((byte)1, 36)]);
            stream.SetLength(header.ToBytes().Length + 36 + ids);
        }
        act.ShouldSay<InvalidDataException>($"'{folder["bank"]}' must hold ids and labels of at most {Array.MaxLength} bytes each, but one takes {ids}.");
    }

    [Fact]
    public void Open_EveryCutAndTwoThousandMutations_IsRefusedOrReadsAsBefore()
    {
        using TempFolder folder = new();
        byte[] file = File600(folder);
        int latents = Banks.LatentsOffset(file);
        SplitMix64 random = new(11);
        for (int i = 0; i < 2000; i++)
        {
            byte[] changed = [.. file];
            int place = i % 2 == 0 ? random.Below(latents) : random.Below(file.Length);
            if (i % 10 == 9) changed = changed[..place];
            else changed[place] ^= (byte)(1 << random.Below(8));
            bool payload = i % 10 != 9 && place >= latents && place < latents + 14400;
            Action act = Opening(folder, changed);
            if (payload) act.Should().NotThrow();
            else act.Should().Throw<InvalidDataException>($"byte {place} was changed");
        }
    }

    [Fact]
    public void Open_ChecksumsRight_ContentWrong_Throws()
    {
        // What a hostile writer could make: the file agrees with itself, but is no bank.
        using TempFolder folder = new();
        byte[] file = File600(folder, labels: false);
        foreach ((string old, string now, string text) in ((string, string, string)[])
            [
                ("picture-17\"", "picture-18\"", "must hold a well-formed bank, but the bank must hold different ids, but 'picture-18' comes twice. (Parameter 'the bank')"),
                ("[1, 2, 3]", "[1, 2,-3]", "must hold a well-formed bank, but width must be positive, but it is -3. (Parameter 'width')"),
                ("[1, 2, 3]", "[1, 2 33]", "must hold 'latentstitching.image' as the JSON of a bank, but it cannot be read: *"),
                ("[1, 2, 3]", "[1, 2333]", "must tell channels, height and width as 'latentstitching.image', but it tells 2 numbers."),
                ("\\\"shape\\\":[2,2]", "\\\"shape\\\":[2,3]", "must have levels of 6 columns together, but they have 8."),
                ("\\\"name\\\":\\\"w\\\"", "\\\"name\\\":\\\"v\\\"", "must hold a well-formed bank, but levels must have different names, but 'v' comes twice. (Parameter 'levels')"),
                ("[\"picture-0\",", "{\"picture-0\":", "must hold 'ids' as the JSON of a bank, but it cannot be read: *"),
                ("[\"picture-0\",\"picture-1\",", "[\"picture-0,\\\"picture-1\",", "must hold one id a row, but there are 599 ids and 600 rows."),
            ])
        {
            byte[] changed = [.. file];
            Encoding.UTF8.GetBytes(now).CopyTo(changed, Place(changed, old));
            (_, Dictionary<string, byte[]> data) = Banks.Parse(changed);
            byte[] root = SHA256.HashData([.. changed[..Banks.LatentsOffset(changed)], .. data["block_sha256"], .. data["ids"]]);
            root.CopyTo(changed, changed.Length - 32);
            Action act = Opening(folder, changed);
            act.Should().Throw<InvalidDataException>().WithMessage($"'{folder["bank"]}' {text}");
        }
    }

    private static Action Opening(TempFolder folder, byte[] file) => () =>
    {
        File.WriteAllBytes(folder["bank"], file);
        using LatentBank bank = LatentBank.Open(folder["bank"]);
        using Tensor last = bank.Rows([bank.Count - 1]);
    };

    private static int Place(byte[] file, string text) =>
        file.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) is >= 0 and int place ? place : throw new InvalidOperationException($"The file holds no {text}.");
}
