namespace LatentStitching.Checkpoints;

/// <summary>An opened PyTorch file: what its pickle describes, and the bytes of its storages, whose places and sizes have been checked.</summary>
internal interface ITorchFile
{
    /// <summary>The value that was saved.</summary>
    object? Root { get; }

    /// <summary>Fills a tensor [count] of the storage's type with its elements.</summary>
    void ReadStorage(TorchStorage storage, Tensor destination);
}
