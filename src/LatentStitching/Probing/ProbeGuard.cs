using LatentStitching.Fitting;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>What the trainers of probes share: checks, attributes that use the same rows, labels as numbers, reports.</summary>
internal static class ProbeGuard
{
    public static void Inputs(Tensor latents, ProbeLabels labels)
    {
        TensorGuard.FiniteMatrix(latents);
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Count != latents.size(0))
        {
            throw new ArgumentException($"labels must have a row a latent, {latents.size(0)}, but they have {labels.Count}.", nameof(labels));
        }
        labels.RequireBothClasses();
    }

    /// <summary>Tells how many attributes are done, at most once a number.</summary>
    public static Action<int>? Tell(IProgress<FitProgress>? progress, ProbeLabels labels)
    {
        if (progress is null) return null;
        int told = -1;
        return done =>
        {
            if (done <= told) return;
            told = done;
            progress.Report(new FitProgress { Iteration = done, MaxIterations = labels.Names.Count, Loss = double.NaN });
        };
    }

    /// <summary>Tells steps, a hundred times at most.</summary>
    public static Action<long>? TellSteps(IProgress<FitProgress>? progress, long most)
    {
        if (progress is null) return null;
        int told = 0;
        return step =>
        {
            if (told++ < 100) progress.Report(new FitProgress { Iteration = step, MaxIterations = most, Loss = double.NaN });
        };
    }

    /// <summary>Attributes that use the same rows, together: they can share everything that depends on the latents alone.</summary>
    public static IEnumerable<(int[] Rows, int[] Attributes)> Groups(ProbeLabels labels)
    {
        IEnumerable<(int[] Rows, int Attribute)> all = Enumerable.Range(0, labels.Names.Count)
            .Select(attribute => (Enumerable.Range(0, labels.Count).Where(row => labels.Uses(row, attribute)).ToArray(), attribute));
        List<(int[] Rows, List<int> Attributes)> groups = [];
        foreach ((int[] rows, int attribute) in all)
        {
            int known = groups.FindIndex(group => group.Rows.AsSpan().SequenceEqual(rows));
            if (known >= 0) groups[known].Attributes.Add(attribute);
            else groups.Add((rows, [attribute]));
        }
        return groups.Select(group => (group.Rows, group.Attributes.ToArray()));
    }

    /// <summary>Labels of some rows and attributes as numbers, [rows, attributes], float64.</summary>
    public static Tensor Codes(ProbeLabels labels, int[] rows, int[] attributes, double no, double yes, Device device)
    {
        double[] values = new double[rows.Length * attributes.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            for (int j = 0; j < attributes.Length; j++) values[(i * attributes.Length) + j] = labels[rows[i], attributes[j]] ? yes : no;
        }
        return tensor(values, [rows.Length, attributes.Length], device: device);
    }

    /// <summary>Adds what every report has to what the trainer knows.</summary>
    public static ProbeFit Finish(Tensor latents, ProbeLabels labels, LinearProbes probes, string signature, Func<int, ProbeReport, ProbeReport> own)
    {
        using Tensor predicted = probes.Predict(latents);
        sbyte[] values = predicted.cpu().data<sbyte>().ToArray();
        List<ProbeReport> reports = [];
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            (int rows, int positives) = labels.Size(attribute);
            int right = Enumerable.Range(0, labels.Count).Count(row => labels.Uses(row, attribute) && values[(row * labels.Names.Count) + attribute] == (labels[row, attribute] ? 1 : 0));
            reports.Add(own(attribute, new ProbeReport { Name = labels.Names[attribute], Converged = true, Rows = rows, Positives = positives, TrainingAccuracy = right / (double)rows }));
        }
        return new ProbeFit(probes, reports, signature);
    }
}
