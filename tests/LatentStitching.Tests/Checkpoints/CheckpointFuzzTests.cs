using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

/// <summary>Damaged files are refused with InvalidDataException, or give tensors of a bounded size; nothing else happens.</summary>
[NoTensorLeaks]
public sealed class CheckpointFuzzTests
{
    private const int Rounds = 1000;

    [Theory]
    [InlineData("state_dict.safetensors", 1448)]
    [InlineData("good_empty_tensor.safetensors", 160)]
    [InlineData("tensor_zoo_zip.pth", 1600)]
    [InlineData("tensor_zoo_legacy.pth", 1700)]
    [InlineData("ddim_like_list.pth", 2800)]
    [InlineData("latent_000001.pth", 765)]
    public void Load_DamagedFile_IsRefusedOrBounded(string name, int structured)
    {
        byte[] good = File.ReadAllBytes(CheckpointFiles.Fixture(name));
        Random random = new(20260717);
        int refused = 0;
        CheckpointFiles.With(good, path =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                File.WriteAllBytes(path, Damage(good, structured, random));
                if (Refuses(path, $"round {round} of {name}")) refused++;
            }
        });
        refused.Should().BeGreaterThan(Rounds / 4);
    }

    private static bool Refuses(string path, string round)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool refused = false;
        try
        {
            using StateDictionary state = StateDictionary.Load(path, "");
            state.Names.Sum(key => state[key].numel() * state[key].element_size()).Should().BeLessThanOrEqualTo(64 << 20, round);
        }
        catch (InvalidDataException e)
        {
            refused = true;
            e.Message.Should().StartWith($"'{path}' ");
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{round} gave {e}");
        }
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(8 << 20, round);
        return refused;
    }

    private static byte[] Damage(byte[] good, int structured, Random random)
    {
        // Half of the damage goes where the structure lies, or to the end, where an archive keeps its directory.
        int Place() => random.Next(4) switch
        {
            0 or 1 => random.Next(Math.Min(structured, good.Length)),
            2 => Math.Max(0, good.Length - 1 - random.Next(1500)),
            _ => random.Next(good.Length),
        };
        byte[] bad = [.. good];
        switch (random.Next(6))
        {
            case 0:
                return bad[..Place()];
            case 1:
                int from = Place();
                return [.. bad[..from], .. bad[Math.Min(bad.Length, from + random.Next(1, 40))..]];
            case 2:
                int at = Place();
                byte[] extra = new byte[random.Next(1, 40)];
                random.NextBytes(extra);
                return [.. bad[..at], .. extra, .. bad[at..]];
            case 3:
                bad[Place()] = random.Next(3) switch { 0 => 0, 1 => 0x7f, _ => 0xff };
                return bad;
            case 4:
                int field = Math.Min(Place(), bad.Length - 8);
                BitConverter.TryWriteBytes(bad.AsSpan(field), random.NextInt64() >> random.Next(64));
                return bad;
            default:
                for (int i = random.Next(1, 9); i > 0; i--) bad[Place()] ^= (byte)(1 << random.Next(8));
                return bad;
        }
    }
}
