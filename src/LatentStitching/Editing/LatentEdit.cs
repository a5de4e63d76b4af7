using System.Globalization;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Models;
using LatentStitching.Numerics;
using LatentStitching.Probing;
using LatentStitching.Reporting;

namespace LatentStitching.Editing;

/// <summary>Changes an attribute of a model's images by moving their latents along a direction. Borrows model, probes and directions; owns one tensor.</summary>
/// <remarks>
/// A strength of s moves by s·m/‖w‖ latent units, with w the attribute's probe in this model and m its margin: as far as, along w itself, changes the score by s margins. Native and carried directions of one strength therefore go equally
/// far, and what a carried one achieves less is the cosine between them.
/// </remarks>
public sealed class LatentEdit : IDisposable
{
    private const int Block = 64;
    private static readonly PixelMse _pixels = new();
    private readonly ILatentModel _model;
    private readonly LinearProbes _probes;
    private readonly int _probe;
    private readonly Tensor _step; // [1, d], float64: one strength
    private readonly double[] _scoreChanges; // of each probe, in its margins, for one strength
    private bool _disposed;

    /// <summary>Makes an edit.</summary>
    /// <param name="model">The model whose images are edited. Not disposed.</param>
    /// <param name="probes">Probes of its latent: they give the unit and tell what else changes. Not disposed.</param>
    /// <param name="directions">Directions of its latent, native ones or carried there. Not disposed.</param>
    /// <param name="attribute">The direction to take, which is also the probe that gives the unit.</param>
    /// <exception cref="ArgumentException">Widths differ, there is no such probe or direction, or the probe has no coefficients but zeros.</exception>
    public LatentEdit(ILatentModel model, LinearProbes probes, LatentDirections directions, string attribute)
    {
        RequireFit(model, probes);
        ArgumentNullException.ThrowIfNull(directions);
        if (directions.Dimension != probes.Dimension) throw new ArgumentException($"directions must have {probes.Dimension} columns, the width of the probes, but they have {directions.Dimension}.", nameof(directions));
        TensorGuard.SameDevice(probes.Weight, directions.Vectors, nameof(probes), nameof(directions));
        int direction = directions.IndexOf(attribute);
        int probe = probes.Names.ToList().IndexOf(attribute);
        if (probe < 0) throw new ArgumentException($"attribute must be one of the probes {string.Join(", ", probes.Names)}, but it is '{attribute}'.", nameof(attribute));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double length = probes.Weight[probe].norm().ToDouble();
        if (!(length > 0)) throw new ArgumentException($"probes must have a normal for '{attribute}', but all of its coefficients are 0.", nameof(probes));
        (_model, _probes, _probe) = (model, probes, probe);
        Attribute = attribute;
        Tensor unit = directions.Vectors[direction];
        Cosine = Math.Clamp(unit.dot(probes.Weight[probe]).ToDouble() / length, -1, 1);
        StepLength = Margin(probes) / length;
        Tensor step = unit.mul(StepLength);
        _scoreChanges = probes.Weight.mv(step).div(Margin(probes)).cpu().data<double>().ToArray();
        _step = step.unsqueeze(0).DetachFromDisposeScope();
    }

    /// <summary>The attribute.</summary>
    public string Attribute { get; }

    /// <summary>Cosine between the direction and the probe's normal, the natively found direction: the share of a native edit's effect on the score.</summary>
    public double Cosine { get; }

    /// <summary>How far a strength of 1 moves, in latent units.</summary>
    public double StepLength { get; }

    /// <summary>Moves latents.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <param name="strength">How far, in margins of the probe; negative for the other way.</param>
    /// <returns>[n, d] of the dtype and device of <paramref name="latents"/>, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The latents have another width, or are not finite, or the strength is not finite.</exception>
    public Tensor Latents(Tensor latents, double strength)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TensorGuard.Latents(latents, _probes.Dimension, "the probes");
        Finite(strength);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return latents.to_type(ScalarType.Float64).add(_step.to(latents.device).mul(strength)).to_type(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Decodes moved latents.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <param name="strength">How far, in margins of the probe; negative for the other way.</param>
    /// <returns>Image batch [n, c, h, w], owned by the caller.</returns>
    /// <exception cref="ArgumentException">The latents have another width, or are not finite, or the strength is not finite.</exception>
    public Tensor Images(Tensor latents, double strength)
    {
        using Tensor moved = Latents(latents, strength);
        using var grad = no_grad();
        return _model.Decode(moved);
    }

    /// <summary>Measures what the edit does to images.</summary>
    /// <param name="latents">Latent batch [n, d], one image a row. Not disposed.</param>
    /// <param name="strength">How far, in margins of the probe.</param>
    /// <param name="judge">Who scores the images, with the attribute among what it scores; the model's own encoder and probes if null.</param>
    /// <param name="seed">Seed of the intervals.</param>
    /// <param name="cancellationToken">Cancels between batches; no tensor is left alive.</param>
    /// <returns>The report, with 95 % intervals over images. Edited images are compared with the decoded latents as they were.</returns>
    /// <exception cref="ArgumentException">The latents have another width, or are not finite, the strength is zero or not finite, or the judge does not score the attribute.</exception>
    public EditReport Measure(Tensor latents, double strength, EditJudge? judge = null, ulong seed = 0, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TensorGuard.Latents(latents, _probes.Dimension, "the probes");
        Finite(strength);
        if (strength == 0) throw new ArgumentOutOfRangeException(nameof(strength), "strength must not be 0: nothing would change.");
        judge ??= EditJudge.Of(_model, _probes);
        int target = judge.Attributes.ToList().IndexOf(Attribute);
        if (target < 0) throw new ArgumentException($"judge must score '{Attribute}', but it scores {string.Join(", ", judge.Attributes)}.", nameof(judge));

        using var scope = NewDisposeScope();
        using var grad = no_grad();
        int count = (int)latents.size(0), width = judge.Attributes.Count;
        double[] pixels = new double[count];
        double[][] changes = [.. judge.Attributes.Select(_ => new double[count])];
        (int against, int crossed) = (0, 0);
        for (int start = 0; start < count; start += Block)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            int size = Math.Min(Block, count - start);
            Tensor rows = latents.narrow(0, start, size);
            Tensor before = _model.Decode(rows).cpu(), after = Images(rows, strength).cpu();
            PairedErrors.MeanSquares(after, before).CopyTo(pixels, start);
            double[] was = judge.Scores(before).data<double>().ToArray(), became = judge.Scores(after).data<double>().ToArray();
            for (int i = 0; i < size; i++)
            {
                for (int k = 0; k < width; k++) changes[k][start + i] = became[(i * width) + k] - was[(i * width) + k];
                int place = (i * width) + target;
                if (was[place] * strength > 0) continue;
                against++;
                if (became[place] * strength > 0) crossed++;
            }
        }
        return new EditReport
        {
            Attribute = Attribute,
            Model = _model.Name,
            Judge = judge.Name,
            Strength = strength,
            Deviations = Math.Abs(strength) * StepLength / PairedErrors.StandardDeviation(latents.to_type(ScalarType.Float64).mv(_step[0].to(latents.device)).div(StepLength).cpu().data<double>().ToArray()),
            Cosine = Cosine,
            Changes = [.. judge.Attributes.Select((name, k) => new AttributeChange { Name = name, Change = PairedErrors.Mean(AttributeChange.Info(judge.Name), changes[k], seed) })],
            LatentChanges = [.. _probes.Names.Select((name, k) => (name, strength * _scoreChanges[k]))],
            PixelChange = PairedErrors.Mean(_pixels.Info, pixels, seed),
            Against = against,
            Crossed = crossed,
        };
    }

    /// <summary>Draws a strip for each image: decoded as it is and at each strength.</summary>
    /// <param name="path">The PNG file; an old one is replaced, never half. Its folder must exist.</param>
    /// <param name="latents">Latent batch [n, d], one image a row. Not disposed.</param>
    /// <param name="strengths">Strengths, one a column; 0 shows the image as it was.</param>
    /// <param name="options">How to draw, or null.</param>
    /// <exception cref="ArgumentException">There is no strength or one is not finite, the latents do not fit, or the picture would be too large.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="IOException">The file cannot be written; no part of it is left.</exception>
    public void SaveStrip(string path, Tensor latents, IReadOnlyList<double> strengths, ImageGridOptions? options = null)
    {
        Guard.NotBlank(path);
        Guard.NotEmpty(strengths, "Pass the strengths to draw.");
        using var scope = NewDisposeScope();
        ImageGrid.Save(path, [.. strengths.Select(strength => (strength.ToString("+0.##;−0.##;0", CultureInfo.InvariantCulture), Images(latents, strength)))], options);
    }

    /// <summary>Frees the edit's tensor. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _step.Dispose();
    }

    /// <summary>Says what is edited.</summary>
    /// <returns>For example "Smiling on vae, cosine 0.83 to its probe".</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Attribute} on {_model.Name}, cosine {Cosine:0.00} to its probe");

    internal static void RequireFit(ILatentModel model, LinearProbes probes)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(probes);
        if (probes.Dimension == model.Latent.Dimension) return;
        throw new ArgumentException($"probes must have {model.Latent.Dimension} columns, the latent width of {model.Name}, but they have {probes.Dimension}.", nameof(probes));
    }

    /// <summary>Distance of the coded classes from the boundary, in units of the score.</summary>
    internal static double Margin(LinearProbes probes) => probes.Decision == ProbeDecision.Sign ? 1 : 0.5;

    /// <summary>The score at which a label changes.</summary>
    internal static double Boundary(LinearProbes probes) => probes.Decision == ProbeDecision.Sign ? 0 : 0.5;

    private static void Finite(double strength)
    {
        if (!double.IsFinite(strength)) throw new ArgumentOutOfRangeException(nameof(strength), string.Create(CultureInfo.InvariantCulture, $"strength must be finite, but it is {strength}."));
    }
}
