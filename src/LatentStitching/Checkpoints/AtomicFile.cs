namespace LatentStitching.Checkpoints;

/// <summary>Writes a file so that its name shows either what was there before or the whole new content, never a part.</summary>
internal static class AtomicFile
{
    /// <summary>Writes to a new file beside the path, flushes it to the disk and gives it the path's name. Removes it if anything fails.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        string temporary = $"{full}.{Guid.NewGuid():N}.tmp";
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
}
