namespace LatentStitching.Adapters.Diffusion;

/// <summary>Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (arXiv:2006.11239), algorithm 2: every time of the schedule, noise at all but the last.</summary>
internal static class AncestralSampler
{
    public static Tensor Draw(Tensor start, NoiseSchedule schedule, NoisePredictor predictor, AncestralVariance variance, Func<Tensor> noise)
    {
        Tensor x = start;
        for (int t = schedule.Steps - 1; t >= 0; t--)
        {
            using var scope = NewDisposeScope();
            (double from, double to) = (schedule.AlphaBars[t], t == 0 ? 1 : schedule.AlphaBars[t - 1]);
            (Tensor image, Tensor direction) = predictor.Split(x, predictor.Predict(x, t), from);
            // The posterior's mean, eq. 7, written with ε: √ᾱ'·x_0 + √(1 − ᾱ' − β̃)·ε.
            double posterior = schedule.Betas[t] * (1 - to) / (1 - from);
            Tensor next = image * Math.Sqrt(to) + direction * Math.Sqrt(Math.Max(0, 1 - to - posterior));
            if (t > 0) next = next + noise() * Math.Sqrt(variance == AncestralVariance.Posterior ? posterior : schedule.Betas[t]);
            next = next.MoveToOuterDisposeScope();
            if (!ReferenceEquals(x, start)) x.Dispose();
            x = next;
        }
        return x;
    }
}
