namespace LatentStitching.Training;

/// <summary>Where a run is, besides its tensors: everything that a checkpoint must hold.</summary>
internal sealed record TrainingState
{
    /// <summary>Steps done.</summary>
    public long Step { get; set; }

    /// <summary>Images seen, repeats counted.</summary>
    public long Seen { get; set; }

    /// <summary>Sum of the losses of the pass under way, each times its images.</summary>
    public double EpochLoss { get; set; }

    /// <summary>Mean losses of the passes done.</summary>
    public List<double> EpochLosses { get; init; } = [];

    /// <summary>Held-out losses of the passes done.</summary>
    public List<double> ValidationLosses { get; init; } = [];

    /// <summary>Snapshots written.</summary>
    public List<TrainingSnapshot> Snapshots { get; init; } = [];

    /// <summary>Updates of each optimiser.</summary>
    public List<long> Updates { get; init; } = [];

    /// <summary>Seconds of the processes before this one.</summary>
    public double Seconds { get; set; }

    /// <summary>Whether the run has ended.</summary>
    public bool Finished { get; set; }

    /// <summary>The pass, from 1, with the lowest held-out loss; 0 before there is one.</summary>
    public int Best => ValidationLosses.Count == 0 ? 0 : ValidationLosses.IndexOf(ValidationLosses.Min()) + 1;
}
