using LatentStitching.Numerics;

namespace LatentStitching.Checkpoints;

/// <summary>Renames the tensors of a checkpoint from the names of one code base to those of another.</summary>
/// <remarks>
/// Each name is renamed by the first <see cref="KeyRule"/> that matches it as a whole; a name that no rule matches stays. Immutable; may be shared between threads.
/// </remarks>
public sealed class KeyMap
{
    private readonly IReadOnlyList<KeyRule> _rules;

    /// <summary>Makes a map.</summary>
    /// <param name="name">What the map reads, for texts: "diffusers VQModel".</param>
    /// <param name="rules">The rules, in the order in which they are tried.</param>
    /// <exception cref="ArgumentException">The name is blank, or a rule is null.</exception>
    public KeyMap(string name, params IReadOnlyList<KeyRule> rules)
    {
        Name = Guard.NotBlank(name);
        ArgumentNullException.ThrowIfNull(rules);
        if (rules.Any(rule => rule is null)) throw new ArgumentException("rules must not hold null.", nameof(rules));
        _rules = [.. rules];
    }

    /// <summary>What the map reads.</summary>
    public string Name { get; }

    /// <summary>Renames.</summary>
    /// <param name="state">The tensors under their original names. Not disposed.</param>
    /// <returns>A state dictionary over the same memory (fresh memory where a rule converts), with the same metadata. Owned by the caller.</returns>
    /// <exception cref="ArgumentException">Two tensors would have one name.</exception>
    /// <exception cref="InvalidDataException">A rule cannot convert a tensor of this shape; the text names both.</exception>
    /// <exception cref="ObjectDisposedException">The state dictionary has been disposed.</exception>
    public StateDictionary Apply(StateDictionary state)
    {
        ArgumentNullException.ThrowIfNull(state);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        List<(string Name, Tensor Tensor)> renamed = new(state.Count);
        Dictionary<string, string> origins = new(StringComparer.Ordinal);
        foreach (string name in state.Names)
        {
            string? target = name;
            KeyRule? rule = null;
            foreach (KeyRule candidate in _rules)
            {
                if (!candidate.TryApply(name, out string? result)) continue;
                (rule, target) = (candidate, result);
                break;
            }
            if (target is null) continue;
            if (!origins.TryAdd(target, name))
            {
                throw new ArgumentException($"state must keep its names apart, but {Name} renames both '{origins[target]}' and '{name}' to '{target}'.", nameof(state));
            }
            renamed.Add((target, rule is null ? state[name] : Converted(rule, name, state[name])));
        }
        return new StateDictionary(renamed, state.Metadata);
    }

    private Tensor Converted(KeyRule rule, string name, Tensor tensor)
    {
        try
        {
            return rule.Convert(tensor);
        }
        // A conversion is a function of whoever wrote the map, and fails in its own way where a file holds another shape.
        catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException))
        {
            throw new InvalidDataException($"{Name} must hold '{PickleText.Safe(name)}' in the published shape, but it is {TensorGuard.Shape(tensor)}, which cannot be converted: {e.Message.Split('\n')[0]}", e);
        }
    }

    /// <summary>Says the name and the number of rules.</summary>
    /// <returns>For example "diffusers VQModel (12 rules)".</returns>
    public override string ToString() => $"{Name} ({_rules.Count} rules)";
}
