using LatentStitching.Latents;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Latents;

[NoTensorLeaks]
public sealed class BankPairsTests
{
    private static LatentBank Bank(TempFolder folder, string name, string[] ids, int width = 6, Func<LatentBankInfo, LatentBankInfo>? change = null)
    {
        using Tensor rows = Banks.Rows(ids.Length, width);
        LatentBankInfo info = Banks.Info(ids.Length, LatentSpace.Vector(width)) with { Ids = ids, ModelName = name };
        return LatentBank.Create(folder[name], rows, change?.Invoke(info) ?? info);
    }

    [Fact]
    public void From_JoinsByIdInTheOrderOfTheSource()
    {
        using TempFolder folder = new();
        using LatentBank source = Bank(folder, "a", ["d", "a", "c", "b", "x"]), target = Bank(folder, "b", ["a", "b", "y", "c", "z", "d", "w"], 2);
        long before = NoTensorLeaksAttribute.Live();
        using (LatentPairs pairs = LatentPairs.From(source, target))
        {
            (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
            pairs.Ids.Should().Equal("d", "a", "c", "b");
            using var scope = NewDisposeScope();
            pairs.Source.select(1, 0).contiguous().Numbers().Should().Equal(0, 10, 20, 30);
            pairs.Target.select(1, 0).contiguous().Numbers().Should().Equal(50, 0, 30, 10);
            (pairs.UnpairedSourceRows, pairs.UnpairedTargetRows).Should().Be((1, 3));
            using LatentPairs plain = new(pairs.Source, pairs.Target);
            (plain.UnpairedSourceRows, plain.UnpairedTargetRows).Should().Be((0, 0));
        }
        (NoTensorLeaksAttribute.Live() - before).Should().Be(0);
    }

    [Fact]
    public void From_SameImagesByDifferentModels_PairsAll()
    {
        using TempFolder folder = new();
        using WatchedModel a = new("a") { Name = "a" }, b = new("b") { Name = "b" };
        using LatentBank source = EncodingPipeline.Encode(a, new WatchedImages(20), folder["a"]), target = EncodingPipeline.Encode(b, new WatchedImages(20), folder["b"]);
        using LatentPairs pairs = LatentPairs.From(source, target);
        (pairs.Count, pairs.UnpairedSourceRows, pairs.UnpairedTargetRows).Should().Be((20, 0, 0));
        pairs.Source.bytes.SequenceEqual(pairs.Target.bytes).Should().BeTrue("the two models have one matrix");
    }

    [Fact]
    public void From_DifferentlyPreparedImages_Throws_UnlessAllowed()
    {
        using TempFolder folder = new();
        using LatentBank source = Bank(folder, "a", ["a", "b"]);
        foreach ((Func<LatentBankInfo, LatentBankInfo> change, string images) in ((Func<LatentBankInfo, LatentBankInfo>, string)[])
            [
                (info => info with { Preparation = "squash 3×2" }, "'pictures' (1×2×3, squash 3×2)"),
                (info => info with { Image = new ImageFormat(3, 2, 3) }, "'pictures' (3×2×3, as given)"),
                (info => info with { ImageSourceName = "others" }, "'others' (1×2×3, as given)"),
            ])
        {
            using LatentBank target = Bank(folder, "b", ["b", "a"], change: change);
            Action act = () => LatentPairs.From(source, target);
            act.ShouldRefuse(
                "target",
                $"target must hold latents of images prepared as those of source, but they are of 'pictures' (1×2×3, as given) and of {images}. "
                + "Encode the same images, or pass allowOtherImages: true if each id names the same picture in both.");
            using LatentPairs allowed = LatentPairs.From(source, target, allowOtherImages: true);
            allowed.Ids.Should().Equal("a", "b");
        }
    }

    [Fact]
    public void From_RequireAll_RefusesWhatWouldBeLeftOut()
    {
        using TempFolder folder = new();
        using LatentBank whole = Bank(folder, "a", ["c", "a", "b"]), same = Bank(folder, "b", ["a", "b", "c"]), fewer = Bank(folder, "c", ["b", "a"]);
        using LatentPairs pairs = LatentPairs.From(whole, same, requireAll: true);
        pairs.Ids.Should().Equal("c", "a", "b");
        Action lost = () => LatentPairs.From(whole, fewer, requireAll: true);
        lost.ShouldRefuse(
            "target",
            "target must hold the images of source and no others, but 1 of 3 are in source alone and 0 of 2 in target alone; 'c' is in source alone. Encode what is missing, or leave requireAll false to pair the images in both.");
        Action more = () => LatentPairs.From(fewer, whole, requireAll: true);
        more.ShouldRefuse(
            "target",
            "target must hold the images of source and no others, but 0 of 2 are in source alone and 1 of 3 in target alone; 'c' is in target alone. Encode what is missing, or leave requireAll false to pair the images in both.");
    }

    [Fact]
    public void From_NothingInCommon_Throws()
    {
        using TempFolder folder = new();
        using LatentBank source = Bank(folder, "a", ["a", "b"]), target = Bank(folder, "b", ["c"]);
        Action act = () => LatentPairs.From(source, target);
        act.ShouldRefuse("target", "target must hold some of the images of source, but none of its 1 ids, such as 'c', is among the 2 of source, such as 'a'.");
        Action noSource = () => LatentPairs.From(null!, target);
        noSource.Should().Throw<ArgumentNullException>().WithParameterName("source");
        Action noTarget = () => LatentPairs.From(source, null!);
        noTarget.Should().Throw<ArgumentNullException>().WithParameterName("target");
        target.Dispose();
        using LatentBank common = Bank(folder, "c", ["a"]);
        common.Dispose();
        Action gone = () => LatentPairs.From(source, common);
        gone.Should().Throw<ObjectDisposedException>();
    }
}
