using System.Diagnostics;
using System.Globalization;
using LatentStitching.Data;
using MathNet.Numerics.Random;
using TorchSharp.Modules;

namespace LatentStitching.Training;

/// <summary>The training loop that all families share: seeded order, Adam, progress, cancellation, one dispose scope a step.</summary>
internal static class TrainingLoop
{
    // Images are held in memory up to this size and read a batch at a time beyond it.
    private const long CacheBytes = 1L << 30;

    /// <summary>Trains.</summary>
    /// <param name="parameters">What the optimiser changes.</param>
    /// <param name="images">The images.</param>
    /// <param name="options">Options.</param>
    /// <param name="device">Where batches go.</param>
    /// <param name="loss">A batch [n, c, h, w] in [0, 1] and a generator for noise → the loss, a scalar.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; the parameters keep what they have learnt.</param>
    public static TrainingReport Run(
        IReadOnlyList<Parameter> parameters,
        IImageSource images,
        TrainingOptions options,
        Device device,
        Func<Tensor, Generator, Tensor> loss,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        try
        {
            return Steps(parameters, images, options, device, loss, progress, cancellationToken);
        }
        finally
        {
            // A model would otherwise hold gradients the size of its weights from here on.
            foreach (Parameter parameter in parameters) parameter.grad = null;
        }
    }

    private static TrainingReport Steps(
        IReadOnlyList<Parameter> parameters,
        IImageSource images,
        TrainingOptions options,
        Device device,
        Func<Tensor, Generator, Tensor> loss,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        int count = images.Ids.Count;
        int batches = (count + options.BatchSize - 1) / options.BatchSize;
        long total = (long)batches * options.Epochs;
        long every = (total + 99) / 100;
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        using Generator generator = new(options.Seed, device);
        MersenneTwister order = new(unchecked((int)(options.Seed ^ (options.Seed >> 32))), threadSafe: false);
        Tensor? cache = count * images.Image.PixelCount * 4 <= CacheBytes ? images.LoadAll().to(device) : null;
        using var optimiser = optim.Adam(parameters, options.LearningRate);
        int[] indices = [.. Enumerable.Range(0, count)];
        List<double> epochs = new(options.Epochs);
        var clock = Stopwatch.StartNew();
        long step = 0, seen = 0, sinceReport = 0;
        double epochLoss = 0, reportLoss = 0;
        for (int epoch = 1; epoch <= options.Epochs; epoch++)
        {
            Shuffle(indices, order);
            epochLoss = 0;
            for (int start = 0; start < count; start += options.BatchSize)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var stepScope = NewDisposeScope();
                int[] chosen = indices[start..Math.Min(count, start + options.BatchSize)];
                Tensor batch = cache is null ? images.Load(chosen).to(device) : cache.index_select(0, tensor(chosen, device: device));
                optimiser.zero_grad();
                Tensor value = loss(batch, generator);
                double number = value.ToDouble();
                if (!double.IsFinite(number))
                {
                    throw new InvalidOperationException(string.Create(
                        CultureInfo.InvariantCulture, $"The loss must stay finite, but it is {number} at step {step + 1}. Lower the learning rate ({options.LearningRate})."));
                }
                value.backward();
                optimiser.step();
                step++;
                seen += chosen.Length;
                sinceReport++;
                epochLoss += number * chosen.Length;
                reportLoss += number;
                if (progress is null || (step % every != 0 && step != total)) continue;
                double rate = seen / clock.Elapsed.TotalSeconds;
                progress.Report(new TrainingProgress
                {
                    Epoch = epoch,
                    Step = step,
                    TotalSteps = total,
                    Loss = reportLoss / sinceReport,
                    ImagesPerSecond = rate,
                    Remaining = TimeSpan.FromSeconds((((long)count * options.Epochs) - seen) / rate),
                });
                sinceReport = 0;
                reportLoss = 0;
            }
            epochs.Add(epochLoss / count);
        }
        return new TrainingReport { EpochLosses = epochs, Steps = step, ImagesPerSecond = seen / clock.Elapsed.TotalSeconds, Elapsed = clock.Elapsed };
    }

    // Fisher and Yates, in Durstenfeld's form.
    private static void Shuffle(int[] values, MersenneTwister random)
    {
        for (int i = values.Length - 1; i > 0; i--)
        {
            int j = random.Next(i + 1);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }
}
