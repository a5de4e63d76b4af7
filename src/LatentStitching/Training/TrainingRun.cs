using System.Diagnostics;
using System.Globalization;
using LatentStitching.Data;

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
        if (options.Validation is { } held && held.Image != images.Image)
        {
            throw new ArgumentException($"options must have Validation images of the format {images.Image}, but they are {held.Image}.", nameof(options));
        }
        _batches = (count + options.BatchSize - 1) / options.BatchSize;
        _total = (long)_batches * options.Epochs;
        _cache = count * images.Image.PixelCount * 4 <= CacheBytes ? images.LoadAll().to(task.Device) : null;
        _optimisers = [.. task.Groups.Select(group => new AdamOptimiser(group, options))];
        _best = options.Patience is null ? [] : [.. Weights().Select(weight => ("best." + weight.Name, weight.Tensor.detach().clone().DetachFromDisposeScope()))];
        _description = TrainingCheckpoint.Describe(options, images, task);
        _snapshotsAt = [.. (options.SnapshotFolder is null ? [] : options.SnapshotsAt ?? Doublings((long)count * options.Epochs)).Order().Distinct()];
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
        int epoch = (int)(_state.Step / _batches), start = (int)(_state.Step % _batches) * _options.BatchSize;
        if (epoch != _orderOf)
        {
            _order = new SplitMix64(Mix(_options.Seed, 1, epoch)).Permutation(_images.Ids.Count);
            _orderOf = epoch;
        }
        int[] chosen = _order[start..Math.Min(_order.Length, start + _options.BatchSize)];
        Tensor batch = _cache is null ? _images.Load(chosen).to(_task.Device) : _cache.index_select(0, tensor(chosen, device: _task.Device));
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
                _state.ValidationLosses.Add(Validate(_options.Validation));
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
            sum += size * _task.Validate(images.Load([.. Enumerable.Range(start, size)]).to(_task.Device), generator);
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
        while (_state.Snapshots.Count < _snapshotsAt.Length && _snapshotsAt[_state.Snapshots.Count] <= _state.Seen)
        {
            long seen = _snapshotsAt[_state.Snapshots.Count];
            string folder = Path.Combine(_options.SnapshotFolder!, string.Create(CultureInfo.InvariantCulture, $"images-{seen:d12}"));
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

    private void Averaged(Action action)
    {
        foreach (AdamOptimiser optimiser in _optimisers) optimiser.SwapAverage();
        action();
        foreach (AdamOptimiser optimiser in _optimisers) optimiser.SwapAverage();
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
