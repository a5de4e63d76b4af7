using System.Text.Json.Nodes;
using LatentStitching.Numerics;

namespace LatentStitching.Models;

/// <summary>What a model needs to be written to a folder and opened again: its kind, its options and its weights.</summary>
public sealed class ModelDescription
{
    /// <summary>Describes a model.</summary>
    /// <param name="kind">The kind, under which <see cref="ModelKinds"/> knows how to open it: "burgess-vae".</param>
    /// <param name="configuration">Everything but name and weights that the opening needs. Plain JSON values.</param>
    /// <param name="weights">Names and tensors; they still belong to the model.</param>
    /// <exception cref="ArgumentException">The kind is blank.</exception>
    public ModelDescription(string kind, JsonObject configuration, IReadOnlyList<(string Name, Tensor Tensor)> weights)
    {
        Kind = Guard.NotBlank(kind);
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(weights);
        Configuration = configuration;
        Weights = weights;
    }

    /// <summary>The same without some options: those that another question than the one at hand depends on.</summary>
    internal ModelDescription Without(params ReadOnlySpan<string> keys)
    {
        var configuration = (JsonObject)Configuration.DeepClone();
        foreach (string key in keys) configuration.Remove(key);
        return new ModelDescription(Kind, configuration, Weights);
    }

    /// <summary>The kind.</summary>
    public string Kind { get; }

    /// <summary>Options of the kind.</summary>
    public JsonObject Configuration { get; }

    /// <summary>Names and tensors of the weights, which belong to the model.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> Weights { get; }
}
