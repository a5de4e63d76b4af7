namespace LatentStitching.Numerics.Products;

/// <summary>One side of a product, as lines: the rows of its left matrix or the columns of its right one. Copied block by block into the order in which the kernel reads them.</summary>
/// <typeparam name="TNumber">What is multiplied.</typeparam>
internal abstract unsafe class Panels<TNumber>(long lines, long length)
    where TNumber : unmanaged
{
    /// <summary>How many lines.</summary>
    public long Lines => lines;

    /// <summary>Numbers a line.</summary>
    public long Length => length;

    /// <summary>Writes lines as panels: of each panel the first number of its lines, then the second, and so on. The last panel is filled up with zeros.</summary>
    /// <param name="line">The first line.</param>
    /// <param name="at">The first number of each.</param>
    /// <param name="count">How many lines.</param>
    /// <param name="run">Numbers of each.</param>
    /// <param name="width">Lines a panel, a multiple of four.</param>
    /// <param name="target">The panels.</param>
    public abstract void Pack(long line, long at, int count, int run, int width, TNumber* target);
}
