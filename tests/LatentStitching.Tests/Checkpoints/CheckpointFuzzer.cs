using System.Diagnostics;
using System.Globalization;
using System.Text;
using LatentStitching.Checkpoints;

namespace LatentStitching.Tests.Checkpoints;

/// <summary>What a reader did with damaged files.</summary>
/// <param name="Reader">The reader.</param>
/// <param name="Files">Damaged files read.</param>
/// <param name="Refused">How many of them were refused with InvalidDataException; the others gave tensors.</param>
/// <param name="Elapsed">The whole time, writing the files included.</param>
/// <param name="Slowest">The longest that one file took.</param>
/// <param name="ManagedBytes">The most bytes that one file made the runtime allocate, all garbage counted.</param>
/// <param name="TensorBytes">The most bytes of tensors that came of one file.</param>
internal sealed record FuzzReport(string Reader, int Files, int Refused, TimeSpan Elapsed, TimeSpan Slowest, long ManagedBytes, long TensorBytes)
{
    public static string Header => "| Reader | Files | Refused | Read | Time | Slowest file | Most allocated | Largest tensors |\n|---|---|---|---|---|---|---|---|";

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Reader} | {Files} | {Refused} | {Files - Refused} | {Elapsed.TotalSeconds:f0} s | {Slowest.TotalMilliseconds:f0} ms | {ManagedBytes / 1024.0:f0} KiB | {TensorBytes / 1024.0:f0} KiB |");
}

/// <summary>Reads files that were damaged at random, by a seed, and holds the reader to its promises: refused with one kind of exception that names the file, or tensors of a bounded size.</summary>
internal static class CheckpointFuzzer
{
    private const long MaxManagedBytes = 8 << 20;
    private const int EveryLarge = 50;
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(10);

    public static IReadOnlyList<string> Readers { get; } = ["safetensors", "torch zip", "torch legacy", "npy", "npz", "HF index"];

    /// <summary>Counts the files read so far, for a watchdog.</summary>
    public static long Progress => Interlocked.Read(ref _progress);

    private static long _progress;

    /// <summary>Reads damaged files.</summary>
    /// <param name="reader">One of <see cref="Readers"/>.</param>
    /// <param name="count">How many.</param>
    /// <param name="seed">Which ones.</param>
    /// <param name="fixtures">The folder of sound files.</param>
    public static FuzzReport Run(string reader, int count, int seed, string fixtures)
    {
        string folder = Directory.CreateTempSubdirectory("fuzz-").FullName;
        try
        {
            return Run(reader, count, new Random(seed), Seeds(reader, fixtures, folder), folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static FuzzReport Run(string reader, int count, Random random, List<byte[]> seeds, string folder)
    {
        string path = Path.Combine(folder, reader == "HF index" ? "model.safetensors.index.json" : "checkpoint");
        int refused = 0;
        foreach (byte[] seed in seeds)
        {
            // Also lets the native library load before anything is measured.
            File.WriteAllBytes(path, seed);
            if (Read(reader, path, $"sound {reader}") is null) throw Broken($"{reader} refuses a sound file of {seed.Length} bytes");
        }
        byte[]? large = reader == "safetensors" ? Large(folder) : null;
        long managed = 0, tensors = 0;
        TimeSpan slowest = TimeSpan.Zero;
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            byte[] bad = Damage(large is not null && i % EveryLarge == 0 ? large : seeds[i % seeds.Count], random);
            File.WriteAllBytes(path, bad);
            long start = Stopwatch.GetTimestamp(), before = GC.GetAllocatedBytesForCurrentThread();
            long? bytes = Read(reader, path, $"{reader} {i}");
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            TimeSpan time = Stopwatch.GetElapsedTime(start);
            long limit = reader switch { "safetensors" => 2L * bad.Length, "npy" => 2L * bad.Length, "HF index" => 1 << 20, _ => 64 << 20 };
            if (bytes > limit) throw Broken($"{reader} {i} gave {bytes} bytes of tensors from {bad.Length}");
            // A header's line of a hundred bytes becomes a text, an entry, a tensor's handle and their places in lists and dictionaries.
            if (allocated > MaxManagedBytes + (20L * bad.Length)) throw Broken($"{reader} {i} allocated {allocated} bytes for {bad.Length}");
            if (time > _longest) throw Broken($"{reader} {i} took {time}");
            if (bytes is null) refused++;
            (managed, tensors) = (Math.Max(managed, allocated), Math.Max(tensors, bytes ?? 0));
            if (time > slowest) slowest = time;
            Interlocked.Increment(ref _progress);
        }
        return new FuzzReport(reader, count, refused, Stopwatch.GetElapsedTime(begin), slowest, managed, tensors);
    }

    private static long? Read(string reader, string path, string which)
    {
        try
        {
            using StateDictionary state = reader == "HF index" ? HuggingFaceFolder.Open(Path.GetDirectoryName(path)!).LoadWeights() : StateDictionary.Load(path, "");
            return state.Names.Sum(key => state[key].numel() * state[key].element_size());
        }
        catch (InvalidDataException e)
        {
            string begins = $"'{path}' ";
            if (e.Message.StartsWith(begins, StringComparison.Ordinal) || (reader == "npz" && e.Message.StartsWith($"'{path}' (array '", StringComparison.Ordinal))) return null;
            throw Broken($"{which} was refused without its name: {e.Message}", e);
        }
        catch (Exception e)
        {
            throw Broken($"{which} gave {e.GetType()}: {e.Message}", e);
        }
    }

    private static InvalidOperationException Broken(string text, Exception? cause = null) => new(text, cause);

    private static List<byte[]> Seeds(string reader, string fixtures, string folder)
    {
        byte[] Fixture(string name) => File.ReadAllBytes(Path.Combine(fixtures, name));
        switch (reader)
        {
            case "safetensors":
                return [Fixture("state_dict.safetensors"), Fixture("good_empty_tensor.safetensors")];
            case "torch zip":
                return [Fixture("tensor_zoo_zip.pth"), Fixture("ddim_like_list.pth"), Fixture("latent_000001.pth")];
            case "torch legacy":
                return [Fixture("tensor_zoo_legacy.pth"), Fixture("state_dict_legacy.pth")];
            case "npy":
                return
                [
                    Npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", 48),
                    Npy(2, "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 3, 2), }", 96),
                    Npy(3, "{'descr': '|b1', 'fortran_order': False, 'shape': (7,), }", 7),
                    Npy(1, "{'descr': '<u2', 'fortran_order': True, 'shape': (4, 2), }", 16),
                    Npy(1, "{'descr': '>u8', 'fortran_order': False, 'shape': (), }", 8),
                    Npy(1, "{'descr': '<c8', 'fortran_order': False, 'shape': (0, 5), }", 0),
                ];
            case "npz":
                return [Npz(folder, compress: false), Npz(folder, compress: true)];
            default:
                return [Index(folder)];
        }
    }

    // Several megabytes, nearly all of them header.
    private static byte[] Large(string folder)
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(folder, "large.safetensors");
        SafeTensors.Save(path, [.. Enumerable.Range(0, 30_000).Select(i => ($"blocks.{i}.attention.projection.weight", zeros(1)))]);
        return File.ReadAllBytes(path);
    }

    private static byte[] Npy(byte version, string header, int data)
    {
        byte[] text = Encoding.ASCII.GetBytes(header.PadRight(117) + "\n");
        byte[] length = version == 1 ? BitConverter.GetBytes((ushort)text.Length) : BitConverter.GetBytes(text.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. text, .. new byte[data]];
    }

    private static byte[] Npz(string folder, bool compress)
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(folder, "seed.npz");
        NumPy.SaveArchive(path, [("a", arange(40, dtype: ScalarType.Float32).reshape(5, 8)), ("b", zeros(300, dtype: ScalarType.Int64)), ("c", ones(3, dtype: ScalarType.Bool))], compress);
        return File.ReadAllBytes(path);
    }

    private static byte[] Index(string folder)
    {
        using var scope = NewDisposeScope();
        SafeTensors.Save(Path.Combine(folder, "model-00001-of-00002.safetensors"), [("a.weight", ones(2, 3)), ("a.bias", ones(2))]);
        SafeTensors.Save(Path.Combine(folder, "model-00002-of-00002.safetensors"), [("b.weight", ones(3, 2))]);
        File.WriteAllText(Path.Combine(folder, "config.json"), "{\"model_type\": \"toy\"}");
        return Encoding.UTF8.GetBytes(
            """
            {"metadata": {"total_size": 56}, "weight_map": {"a.weight": "model-00001-of-00002.safetensors", "a.bias": "model-00001-of-00002.safetensors", "b.weight": "model-00002-of-00002.safetensors"}}
            """);
    }

    private static byte[] Damage(byte[] good, Random random)
    {
        // Half of the damage goes to the beginning, where most formats describe themselves, or to the end, where an archive keeps its directory.
        int Place() => random.Next(4) switch
        {
            0 or 1 => random.Next(Math.Min(1700, good.Length)),
            2 => Math.Max(0, good.Length - 1 - random.Next(1500)),
            _ => random.Next(good.Length),
        };
        byte[] bad = [.. good];
        switch (random.Next(8))
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
                int field = Math.Max(0, Math.Min(Place(), bad.Length - 8));
                BitConverter.TryWriteBytes(bad.AsSpan(field), random.NextInt64() >> random.Next(64));
                return bad;
            case 5:
                int taken = Place(), put = Place();
                byte[] piece = bad[taken..Math.Min(bad.Length, taken + random.Next(1, 80))];
                return [.. bad[..put], .. piece, .. bad[put..]];
            case 6:
                return Renumber(bad, Place(), random);
            default:
                for (int i = random.Next(1, 9); i > 0; i--) bad[Place()] ^= (byte)(1 << random.Next(8));
                return bad;
        }
    }

    // Texts hold sizes as digits: another number in the place of one, as long as it happens to be.
    private static byte[] Renumber(byte[] bad, int near, Random random)
    {
        int start = Array.FindIndex(bad, near, value => char.IsAsciiDigit((char)value));
        if (start < 0) return bad[..near];
        int end = start;
        while (end < bad.Length && char.IsAsciiDigit((char)bad[end])) end++;
        long number = random.NextInt64() >> random.Next(63);
        return [.. bad[..start], .. Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture)), .. bad[end..]];
    }
}
