using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LatentStitching.Checkpoints;

namespace LatentStitching.Adapters.Foreign;

/// <summary>Opens TorchScript programs. What a file is not is found out here, before libtorch is given it.</summary>
internal static class TorchScriptFile
{
    private const int BufferBytes = 1 << 16;

    public static jit.ScriptModule Load(string path, Device device)
    {
        Check(path);
        // TorchSharp makes handles of all weights when it loads a program, and again when it disposes it, and leaves them behind.
        using var scope = NewDisposeScope();
        jit.ScriptModule module;
        try
        {
            module = jit.load(path, device);
        }
        catch (ExternalException e)
        {
            throw new InvalidDataException($"'{path}' must be a whole TorchScript program for {device}, but libtorch cannot load it: {FirstLine(e)}", e);
        }
        module.eval();
        // Weights are fixed: gradients, where asked for, are those of the input.
        foreach (var (_, parameter) in module.named_parameters()) parameter.requires_grad = false;
        return module;
    }

    /// <summary>SHA-256 of a file.</summary>
    public static string Hash(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    public static void Free(jit.ScriptModule module)
    {
        using var scope = NewDisposeScope();
        module.Dispose();
    }

    /// <summary>libtorch's own words, without its stack.</summary>
    public static string FirstLine(Exception e)
    {
        string text = e.Message.Split('\n').FirstOrDefault(line => !string.IsNullOrWhiteSpace(line)) ?? e.GetType().Name;
        return PickleText.Safe(text.Trim());
    }

    private static void Check(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        Span<byte> head = stackalloc byte[4];
        head = head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        if (head is not [(byte)'P', (byte)'K', 3, 4])
        {
            throw new InvalidDataException(
                $"'{path}' must be a TorchScript program, as torch.jit.save writes it, but it is no zip archive: its {stream.Length} bytes begin with "
                + $"{(head.Length == 0 ? "nothing" : Convert.ToHexStringLower(head))}.");
        }
        stream.Position = 0;
        using ZipParts parts = new(stream);
        string? pickle = parts.ByName.Keys.FirstOrDefault(ZipParts.IsPickle);
        string folder = pickle is null ? "" : pickle[..^"data.pkl".Length];
        bool hasCode = parts.ByName.Keys.Any(name => name.StartsWith(folder + "code/", StringComparison.Ordinal));
        if (pickle is not null && parts.ByName.ContainsKey(folder + "constants.pkl") && hasCode)
        {
            CheckSums(parts, ZipLocalNames.Read(stream));
            return;
        }
        string found = pickle is null ? "another kind of zip file" : "weights without a program";
        throw new InvalidDataException(
            $"'{path}' must be a TorchScript program, as torch.jit.save writes it, but it is {found}. "
            + "Weights are read by StateDictionary.Load; a program is made in Python by torch.jit.script(model).save(path), or by trace.");
    }

    // libtorch ends the process over some damage, and does not look at the checksums that would have told it.
    private static void CheckSums(ZipParts parts, HashSet<string> names)
    {
        byte[] buffer = new byte[BufferBytes];
        parts.CheckGrowth("parts");
        foreach (ZipArchiveEntry entry in parts.Entries)
        {
            if (!names.Contains(entry.FullName))
            {
                throw new InvalidDataException($"'{parts.Path}' must name its parts in its directory as beside them, but '{PickleText.Safe(entry.FullName)}' is in one of them alone. The file is damaged.");
            }
            long length = 0;
            parts.Read(entry, stream =>
            {
                for (int read = stream.Read(buffer); read > 0 && length <= entry.Length; read = stream.Read(buffer)) length += read;
            });
            if (length != entry.Length) throw parts.Changed(entry);
        }
    }
}
