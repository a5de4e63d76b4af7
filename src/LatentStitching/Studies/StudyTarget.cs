using LatentStitching.Probing;

namespace LatentStitching.Studies;

/// <summary>What all pairs of one target share, made when it is first asked for: its mean latent, its probes, and what they say of its own latents.</summary>
internal sealed class StudyTarget : IDisposable
{
    private readonly StudyPlan _plan;
    private readonly StudyImages _shared;
    private readonly StudyImages _images;
    private readonly StudySource _target;
    private readonly CancellationToken _cancellation;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Tensor> _reconstructed = [];
    private Tensor? _mean;
    private ProbeFit? _probes;
    private sbyte[][]? _predicted;
    private sbyte[][]? _predictedMean;

    public StudyTarget(StudyPlan plan, StudyImages shared, StudyImages images, StudySource target, CancellationToken cancellationToken) =>
        (_plan, _shared, _images, _target, _cancellation) = (plan, shared, images, target, cancellationToken);

    /// <summary>The mean of the latents that fit the maps, [1, D].</summary>
    public Tensor Mean
    {
        get
        {
            lock (_gate)
            {
                if (_mean is not null) return _mean;
                using var scope = NewDisposeScope();
                Tensor train = _images.Latents(_target.Name, _images.MapTrain);
                return _mean = train.to_type(ScalarType.Float64).mean([0], keepdim: true).to_type(train.dtype).DetachFromDisposeScope();
            }
        }
    }

    /// <summary>What the target decodes from its own latents of a block of test images, on the CPU: the same for every source. It belongs to this object or to the caller's dispose scope.</summary>
    public Tensor Reconstructed(Tensor test, int start, int count)
    {
        if (_reconstructed.TryGetValue(start, out Tensor? kept)) return kept;
        Tensor decoded = _target.Model!.Decode(test.narrow(0, start, count)).cpu();
        if (4L * _images.Test.Length * _images.Source.Image.PixelCount <= _plan.Options.ImageMemory) _reconstructed[start] = decoded.DetachFromDisposeScope();
        return decoded;
    }

    // Probes learn from labelled images; a model without an encoder has no latents of them.
    private bool HasProbes => _target.Encodes && _plan.Labels(_shared.ProbeTrain) is not null;

    public IReadOnlyList<StudyNumber> Own()
    {
        using var scope = NewDisposeScope();
        Tensor test = _images.Latents(_target.Name, _images.Test);
        IReadOnlyList<StudyNumber> decoded = PairMeasurement.Own(_images, _target.Model!, this, test, _plan.Options, _cancellation);
        if (!HasProbes || _images.Protocol == StudyProtocol.Synthetic) return decoded;
        (_, sbyte[][] mean) = Predicted(test);
        return [.. decoded, .. Scores(_images.Test).Own(Judged(test), mean)];
    }

    /// <summary>What the probes say of the target's own latents of the test images.</summary>
    public StudyConcepts Concepts()
    {
        using var scope = NewDisposeScope();
        (sbyte[][] own, _) = Predicted(_images.Latents(_target.Name, _images.Test));
        ProbeLabels labels = _plan.Labels(_images.Test)!;
        return StudyConcepts.Of(labels.Names, own, (row, attribute) => labels[row, attribute]);
    }

    public IReadOnlyList<StudyNumber> Probed(Tensor mapped, Tensor test, IReadOnlyList<StudyNumber> alone)
    {
        if (!HasProbes) return [];
        (sbyte[][] own, sbyte[][] mean) = Predicted(test);
        sbyte[][] predicted = ProbeScores.Predict(_probes!.Probes, mapped);
        sbyte[][] shuffled = [.. predicted.Select(row => (sbyte[])[row[^1], .. row[..^1]])];
        bool labelled = _images.Protocol == StudyProtocol.SharedImages;
        ProbeScores scores = Scores(labelled ? _images.Test : _shared.Test);
        IEnumerable<StudyNumber> agreement = scores.Agreement(predicted, own, mean, shuffled, _plan.Options.Seed);
        return labelled ? [.. scores.Mapped(Judged(mapped), shuffled, alone, _plan.Options.Seed), .. agreement] : [.. agreement];
    }

    public void Dispose()
    {
        foreach (Tensor block in _reconstructed.Values) block.Dispose();
        _mean?.Dispose();
        _probes?.Dispose();
    }

    private IReadOnlyList<ProbeScore> Judged(Tensor latents) => ProbeEvaluation.Evaluate(_probes!.Probes, latents, _plan.Labels(_images.Test)!, _plan.Options.Seed, _cancellation);

    private ProbeScores Scores(int[] rows) => new(_plan.Options.ProbeTrainer.Signature, _plan.Labels(rows)!);

    private (sbyte[][] Own, sbyte[][] Mean) Predicted(Tensor test)
    {
        Tensor mean = Mean;
        lock (_gate)
        {
            if (_predicted is null)
            {
                using var scope = NewDisposeScope();
                if (_probes is null)
                {
                    using Tensor train = _shared.Latents(_target.Name, _shared.ProbeTrain);
                    _probes = _plan.Options.ProbeTrainer.Train(train, _plan.Labels(_shared.ProbeTrain)!, progress: null, _cancellation);
                }
                sbyte[][] constant = ProbeScores.Predict(_probes.Probes, mean);
                _predictedMean = [.. constant.Select(label => Enumerable.Repeat(label[0], _images.Test.Length).ToArray())];
                _predicted = ProbeScores.Predict(_probes.Probes, test);
            }
            return (_predicted, _predictedMean!);
        }
    }
}
