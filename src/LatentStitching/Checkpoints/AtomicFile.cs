namespace LatentStitching.Checkpoints;

/// <summary>Writes a file so that its name shows either what was there before or the whole new content, never a part.</summary>
internal static class AtomicFile
{
    private static readonly TimeSpan _stale = TimeSpan.FromDays(1);

    /// <summary>Writes to a new file beside the path, flushes it to the disk and gives it the path's name. Removes it if anything fails.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        string temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        DeleteStale(full);
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            throw;
        }
    }

    // What killed processes left behind. Young ones may belong to a writer at work.
    private static void DeleteStale(string full)
    {
        if (Path.GetDirectoryName(full) is not { } folder || !Directory.Exists(folder)) return;
        string name = Path.GetFileName(full);
        foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles("*.tmp"))
        {
            // name.32 digits.tmp
            bool ours = file.Name.Length == name.Length + 37 && file.Name.StartsWith(name + ".", StringComparison.Ordinal) && Guid.TryParseExact(file.Name[(name.Length + 1)..^4], "N", out _);
            if (!ours || DateTime.UtcNow - file.LastWriteTimeUtc < _stale) continue;
            try
            {
                file.Delete();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another process was faster, or it is not ours to delete.
            }
        }
    }
}
