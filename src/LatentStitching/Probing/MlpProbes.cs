using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>A control that is not linear: one hidden layer that all attributes share, logit = W₂·relu(W₁(z − μ)/s + b₁) + b₂. What a linear probe leaves on the table. Immutable but for disposal; owns its tensors.</summary>
public sealed class MlpProbes : IAttributeProbes
{
    private readonly Tensor[] _parameters; // W₁ [h, d], b₁ [h], W₂ [k, h], b₂ [k], the columns' scale taken into the first two
    private bool _disposed;

    internal MlpProbes(IReadOnlyList<string> names, Tensor[] parameters)
    {
        Names = [.. names];
        Dimension = parameters[0].size(1);
        _parameters = Array.ConvertAll(parameters, parameter => parameter.alias().DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Names { get; }

    /// <inheritdoc/>
    public long Dimension { get; }

    /// <summary>Always <see cref="ProbeDecision.Sign"/>.</summary>
    public ProbeDecision Decision => ProbeDecision.Sign;

    /// <summary>Always true.</summary>
    public bool GivesProbabilities => true;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents have another width or device, are empty, or are not finite.</exception>
    public Tensor Scores(Tensor latents)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TensorGuard.Latents(latents, Dimension, "the probes");
        TensorGuard.SameDevice(_parameters[0], latents, "the probes", nameof(latents));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor scores = empty(latents.size(0), Names.Count, ScalarType.Float64, latents.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(latents.size(0)))
        {
            using var block = NewDisposeScope();
            scores.narrow(0, start, size).copy_(Forward(latents.narrow(0, start, size).to_type(_parameters[0].dtype), _parameters));
        }
        return scores.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents have another width or device, are empty, or are not finite.</exception>
    public Tensor Predict(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return Scores(latents).gt(0).to_type(ScalarType.Int8).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the tensors. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (Tensor parameter in _parameters) parameter.Dispose();
    }

    /// <summary>Says the size.</summary>
    /// <returns>For example "10 probes of 512 columns with 256 hidden units".</returns>
    public override string ToString() => $"{Names.Count} probes of {Dimension} columns with {_parameters[0].size(0)} hidden units";

    internal static Tensor Forward(Tensor rows, Tensor[] parameters) =>
        parameters[3].addmm(parameters[1].addmm(rows, parameters[0].t()).relu(), parameters[2].t());
}
