using System.Collections.Concurrent;
using LatentStitching.Adapters;
using LatentStitching.Numerics;

namespace LatentStitching.Models;

/// <summary>The kinds of model that <see cref="LatentModel.Load"/> can open: those of the library, and those an application adds.</summary>
/// <remarks>Safe to use from several threads.</remarks>
public static class ModelKinds
{
    private static readonly ConcurrentDictionary<string, Func<ModelFolder, LatentModel>> _kinds = new(BuiltInModels.Kinds, StringComparer.Ordinal);

    /// <summary>The known kinds, sorted.</summary>
    public static IReadOnlyList<string> Names => [.. _kinds.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Teaches a kind of the application's own, so that its folders open without naming its class.</summary>
    /// <param name="kind">The kind that the model's <see cref="LatentModel.Describe"/> gives.</param>
    /// <param name="open">Makes the model of a folder's name, configuration and weights. Must copy the weights it keeps: the folder is closed after it.</param>
    /// <exception cref="ArgumentException">The kind is blank or already known.</exception>
    public static void Register(string kind, Func<ModelFolder, LatentModel> open)
    {
        Guard.NotBlank(kind);
        ArgumentNullException.ThrowIfNull(open);
        if (!_kinds.TryAdd(kind, open)) throw new ArgumentException($"kind must be new, but '{kind}' is already known.", nameof(kind));
    }

    internal static Func<ModelFolder, LatentModel>? Find(string kind) => _kinds.GetValueOrDefault(kind);
}
