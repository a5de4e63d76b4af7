namespace LatentStitching.Probing;

/// <summary>The numbers of one attribute's test rows, in ascending order of their scores, for any weights of the rows. A number that needs both classes is NaN without them.</summary>
internal sealed class ProbeJudgement(bool[] label, double[] score, bool[] right)
{
    private const int Bins = 10;
    private readonly double[] _probability = [.. score.Select(value => 1 / (1 + Math.Exp(-value)))];
    // log(1 + eᵐ), m the score away from the true side: no logarithm of a rounded probability.
    private readonly double[] _loss = [.. score.Select((value, i) => label[i] ? -value : value).Select(wrong => Math.Max(wrong, 0) + Math.Log(1 + Math.Exp(-Math.Abs(wrong))))];

    public int Count => label.Length;

    public int Positives => label.Count(value => value);

    public double Accuracy(int[] weights) => Mean(weights, i => right[i] ? 1 : 0);

    public double BalancedAccuracy(int[] weights)
    {
        double positives = 0, negatives = 0, rightPositives = 0, rightNegatives = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (label[i]) positives += weights[i];
            else negatives += weights[i];
            if (!right[i]) continue;
            if (label[i]) rightPositives += weights[i];
            else rightNegatives += weights[i];
        }
        return ((rightPositives / positives) + (rightNegatives / negatives)) / 2;
    }

    public double Auc(int[] weights)
    {
        double positives = 0, below = 0, pairs = 0;
        for (int start = 0; start < weights.Length;)
        {
            double tiedPositives = 0, tiedNegatives = 0;
            int end = start;
            for (; end < weights.Length && score[end] == score[start]; end++)
            {
                if (label[end]) tiedPositives += weights[end];
                else tiedNegatives += weights[end];
            }
            pairs += tiedPositives * (below + (tiedNegatives / 2));
            positives += tiedPositives;
            below += tiedNegatives;
            start = end;
        }
        return pairs / (positives * below);
    }

    public double LogLoss(int[] weights) => Mean(weights, i => _loss[i]);

    public double Brier(int[] weights) => Mean(weights, i => (_probability[i] - (label[i] ? 1 : 0)) * (_probability[i] - (label[i] ? 1 : 0)));

    public double CalibrationError(int[] weights)
    {
        Span<double> off = stackalloc double[Bins];
        off.Clear();
        double total = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            off[Math.Min(Bins - 1, (int)(_probability[i] * Bins))] += weights[i] * ((label[i] ? 1 : 0) - _probability[i]);
            total += weights[i];
        }
        double sum = 0;
        foreach (double bin in off) sum += Math.Abs(bin);
        return sum / total;
    }

    private static double Mean(int[] weights, Func<int, double> value)
    {
        double sum = 0, total = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            sum += weights[i] * value(i);
            total += weights[i];
        }
        return sum / total;
    }
}
