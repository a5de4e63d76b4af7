using System.Diagnostics;
using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Training;

/// <summary>One training run: seeded order and noise that depend on nothing but the step, so that it may be taken up at any step.</summary>
internal sealed class TrainingRun : IDisposable
{
    // Images are held in memory up to this size and read a batch at a time beyond it.
    private const long CacheBytes = 1L << 30;
    private readonly TrainingTask _task;
    private readonly IImageSource _images;
    private readonly TrainingOptions _options;
    private readonly AdamOptimiser[] _optimisers;
    private readonly (string Name, Tensor Tensor)[] _best;
    private readonly Tensor? _cache;
    private readonly string _description;
    private readonly int _batches;
    private readonly long _total;
    private readonly long[] _snapshotsAt;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TrainingState _state = new();
    private int[] _order = [];
    private int _orderOf = -1;

    public TrainingRun(TrainingTask task, IImageSource images, TrainingOptions options)
    {
        _task = task;
        _images = images;
        _options = options;
        int count = images.Ids.Count;
        if (options.Patience is not null && options.Validation is null) throw new ArgumentException("options must have Validation images where it has Patience.", nameof(options));
        if (options is { SnapshotFolder: null, SnapshotsAt.Count: > 0 }) throw new ArgumentException("options must have a SnapshotFolder where it has SnapshotsAt, but it is null. Say where the models go.", nameof(options));
        if (options.Validation is { } held && held.Image != images.Image)
        {
            throw new ArgumentException($"options must have Validation images of the format {images.Image}, but they are {held.Image}.", nameof(options));
        }
        RequireBatches(task, images, options);
        int left = count % options.BatchSize;
        // What is left over is a step of its own, or goes to the last step where it is too small for one.
        _batches = (count / options.BatchSize) + (left > 0 && (left >= task.LeastBatch || count < options.BatchSize) ? 1 : 0);
        _total = (long)_batches * options.Epochs;
        _cache = count * images.Image.PixelCount * 4 <= CacheBytes ? Read(images, [.. Enumerable.Range(0, count)]) : null;
        _optimisers = [.. task.Groups.Select(group => new AdamOptimiser(group, options))];
        _best = options.Patience is null ? [] : [.. Weights().Select(weight => ("best." + weight.Name, weight.Tensor.detach().clone().DetachFromDisposeScope()))];
        _snapshotsAt = [.. (options.SnapshotFolder is null ? [] : options.SnapshotsAt ?? Doublings((long)count * options.Epochs)).Order().Distinct()];
        _description = options.CheckpointPath is null ? "" : TrainingCheckpoint.Describe(options, images, task, _snapshotsAt);
    }

    public TrainingReport ToEnd(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            Restore();
            TakeSnapshots();
            Steps(progress, cancellationToken);
            return Report();
        }
        finally
        {
            // A model would otherwise hold gradients the size of its weights from here on.
            foreach (AdamOptimiser optimiser in _optimisers) optimiser.Clear();
        }
    }

    public void Dispose()
    {
        foreach (AdamOptimiser optimiser in _optimisers) optimiser.Dispose();
        foreach ((_, Tensor tensor) in _best) tensor.Dispose();
        _cache?.Dispose();
    }

    private void Steps(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        long every = (_total + 99) / 100, begun = _state.Seen, sinceReport = 0;
        double reportLoss = 0;
        while (!_state.Finished)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                Save();
                cancellationToken.ThrowIfCancellationRequested();
            }
            double loss = Step();
            sinceReport++;
            reportLoss += loss;
            if (_state.Step % _batches == 0) EndEpoch();
            TakeSnapshots();
            if (_state.Finished) End();
            else if (_state.Step % _options.CheckpointEvery == 0) Save();
            if (progress is null || (_state.Step % every != 0 && !_state.Finished)) continue;
            double rate = (_state.Seen - begun) / _clock.Elapsed.TotalSeconds;
            progress.Report(new TrainingProgress
            {
                Epoch = (int)((_state.Step - 1) / _batches) + 1,
                Step = _state.Step,
                TotalSteps = _total,
                Loss = reportLoss / sinceReport,
                ImagesPerSecond = rate,
                Remaining = _state.Finished ? TimeSpan.Zero : TimeSpan.FromSeconds((((long)_images.Ids.Count * _options.Epochs) - _state.Seen) / rate),
            });
            sinceReport = 0;
            reportLoss = 0;
        }
    }

    private double Step()
    {
        using var scope = NewDisposeScope();
        int epoch = (int)(_state.Step / _batches), place = (int)(_state.Step % _batches), start = place * _options.BatchSize;
        if (epoch != _orderOf)
        {
            _order = new SplitMix64(Mix(_options.Seed, 1, epoch)).Permutation(_images.Ids.Count);
            _orderOf = epoch;
        }
        int[] chosen = _order[start..(place == _batches - 1 ? _order.Length : start + _options.BatchSize)];
        Tensor batch = _cache is null ? Read(_images, chosen) : _cache.index_select(0, tensor(chosen, device: _task.Device));
        using Generator generator = new(Mix(_options.Seed, 2, _state.Step), _task.Device);
        if (_options.MirrorImages)
        {
            Tensor mirrored = rand([chosen.Length, 1, 1, 1], ScalarType.Float32, _task.Device, generator: generator).lt(0.5);
            batch = where(mirrored, batch.flip(3), batch);
        }
        double loss = _task.Step(new TrainingStep(_optimisers, batch, generator, _state.Step + 1, Rate()));
        _state.Step++;
        _state.Seen += chosen.Length;
        _state.EpochLoss += loss * chosen.Length;
        return loss;
    }

    // A source may be the caller's own, and a wrong pixel would be learnt.
    private Tensor Read(IImageSource images, int[] indices)
    {
        using var scope = NewDisposeScope();
        Tensor batch = images.Load(indices);
        TensorGuard.Images(batch, images.Image, images.Name, nameof(images));
        if (batch.size(0) != indices.Length) throw new ArgumentException($"images must load as many as it is asked for, but {images.Name} loaded {batch.size(0)} instead of {indices.Length}.", nameof(images));
        return batch.to(ScalarType.Float32, _task.Device).MoveToOuterDisposeScope();
    }

    private double Rate()
    {
        long step = _state.Step;
        if (step < _options.WarmupSteps) return _options.LearningRate * (step + 1) / _options.WarmupSteps;
        if (_options.Schedule == LearningRateSchedule.Constant) return _options.LearningRate;
        double done = (double)(step - _options.WarmupSteps) / Math.Max(1, _total - _options.WarmupSteps);
        return _options.LearningRate * 0.5 * (1 + Math.Cos(Math.PI * done));
    }

    private void EndEpoch()
    {
        _state.EpochLosses.Add(_state.EpochLoss / _images.Ids.Count);
        _state.EpochLoss = 0;
        int done = _state.EpochLosses.Count;
        if (_options.Validation is not null)
        {
            Averaged(() =>
            {
                double held = Validate(_options.Validation);
                if (!double.IsFinite(held))
                {
                    throw new InvalidOperationException(string.Create(
                        CultureInfo.InvariantCulture, $"The held-out loss must stay finite, but it is {held} after pass {done}. Lower the learning rate ({_options.LearningRate})."));
                }
                _state.ValidationLosses.Add(held);
                if (_state.Best == done) Copy(Weights(), _best);
            });
        }
        bool hopeless = _options.Patience is { } patience && done - _state.Best >= patience;
        _state.Finished = done == _options.Epochs || hopeless;
    }

    private double Validate(IImageSource images)
    {
        using var grad = no_grad();
        // The same noise after every pass, or losses would differ by luck.
        using Generator generator = new(Mix(_options.Seed, 3, 0), _task.Device);
        double sum = 0;
        for (int start = 0; start < images.Ids.Count; start += _options.BatchSize)
        {
            using var scope = NewDisposeScope();
            int size = Math.Min(_options.BatchSize, images.Ids.Count - start);
            sum += size * _task.Validate(Read(images, [.. Enumerable.Range(start, size)]), generator);
        }
        return sum / images.Ids.Count;
    }

    // The model ends with the averaged weights, or those of the best pass.
    private void End()
    {
        foreach (AdamOptimiser optimiser in _optimisers) optimiser.SwapAverage();
        if (_best.Length > 0) Copy(_best, Weights());
        Save();
    }

    private void Restore()
    {
        if (_options.CheckpointPath is not { } path || !File.Exists(path)) return;
        _state = TrainingCheckpoint.Restore(path, _description, Tensors());
        for (int i = 0; i < _optimisers.Length; i++) _optimisers[i].Steps = _state.Updates[i];
    }

    private void Save()
    {
        if (_options.CheckpointPath is not { } path) return;
        TrainingState state = _state with { Seconds = _state.Seconds + _clock.Elapsed.TotalSeconds, Updates = [.. _optimisers.Select(optimiser => optimiser.Steps)] };
        TrainingCheckpoint.Save(path, _description, state, Tensors());
    }

    private void TakeSnapshots()
    {
        foreach (long seen in _snapshotsAt)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"images-{seen:d12}");
            if (seen > _state.Seen || _state.Snapshots.Any(shot => Path.GetFileName(shot.Folder) == name)) continue;
            string folder = Path.Combine(_options.SnapshotFolder!, name);
            Averaged(() => _task.WriteSnapshot(folder));
            _state.Snapshots.Add(new TrainingSnapshot(_state.Seen, _state.Step, folder));
        }
    }

    private TrainingReport Report() => new()
    {
        EpochLosses = [.. _state.EpochLosses],
        ValidationLosses = [.. _state.ValidationLosses],
        BestEpoch = _options.Patience is null ? _state.EpochLosses.Count : _state.Best,
        StoppedEarly = _state.EpochLosses.Count < _options.Epochs,
        Steps = _state.Step,
        ImagesSeen = _state.Seen,
        ImagesPerSecond = _state.Seen / Math.Max(1e-9, _state.Seconds + _clock.Elapsed.TotalSeconds),
        Elapsed = TimeSpan.FromSeconds(_state.Seconds) + _clock.Elapsed,
        Snapshots = [.. _state.Snapshots],
    };

    private static void RequireBatches(TrainingTask task, IImageSource images, TrainingOptions options)
    {
        int count = images.Ids.Count;
        if (count == 0) throw new ArgumentException("images must hold at least one image, but there is none.", nameof(images));
        if (options.Validation is { Ids.Count: 0 }) throw new ArgumentException("options must have Validation images, or null, but there is none among them.", nameof(options));
        if (options.BatchSize < task.LeastBatch)
        {
            throw new ArgumentException($"options must have a BatchSize of at least {task.LeastBatch} for this model, whose normalisation over the batch cannot work on one number, but it is {options.BatchSize}.", nameof(options));
        }
        if (count < task.LeastBatch)
        {
            throw new ArgumentException($"images must hold at least {task.LeastBatch} images for this model, whose normalisation over the batch cannot work on one number, but there is one.", nameof(images));
        }
    }

    private void Averaged(Action action)
    {
        foreach (AdamOptimiser optimiser in _optimisers) optimiser.SwapAverage();
        try
        {
            action();
        }
        finally
        {
            foreach (AdamOptimiser optimiser in _optimisers) optimiser.SwapAverage();
        }
    }

    private IReadOnlyList<(string Name, Tensor Tensor)> Weights() =>
    [
        .. _task.Groups.SelectMany(group => group.Parameters.Select(weight => ($"{group.Name}.{weight.Name}", (Tensor)weight.Parameter))),
        .. _task.Buffers.Select(buffer => ("buffer." + buffer.Name, buffer.Tensor)),
    ];

    private IReadOnlyList<(string Name, Tensor Tensor)> Tensors() =>
    [
        .. _optimisers.SelectMany(optimiser => optimiser.State),
        .. _task.Buffers.Select(buffer => ("buffer." + buffer.Name, buffer.Tensor)),
        .. _best,
    ];

    private static void Copy(IReadOnlyList<(string Name, Tensor Tensor)> from, IReadOnlyList<(string Name, Tensor Tensor)> to)
    {
        using var grad = no_grad();
        for (int i = 0; i < to.Count; i++) to[i].Tensor.copy_(from[i].Tensor);
    }

    private IReadOnlyList<long> Doublings(long last)
    {
        List<long> counts = [0];
        for (long seen = _options.BatchSize; seen < last; seen *= 2) counts.Add(seen);
        return [.. counts, last];
    }

    // Streams of one seed that do not depend on one another: kind 1 orders, 2 steps, 3 validation.
    internal static ulong Mix(ulong seed, ulong kind, long number) => new SplitMix64(unchecked(new SplitMix64(seed + kind).Next() + (ulong)number)).Next();
}
