using System.Text.Json.Nodes;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>An inversion that tells what its latents depend on, besides the generator.</summary>
internal interface IDescribedInversion
{
    /// <summary>What it inverts with. Called within a dispose scope.</summary>
    /// <returns>Kind, options and weights; null where a function of the caller's takes part, which only a run tells from another.</returns>
    ModelDescription? Describe();

    /// <summary>What any inversion inverts with; null where only a run tells.</summary>
    static ModelDescription? Of(IGanInversion inversion) => inversion switch
    {
        IDescribedInversion described => described.Describe(),
        IFingerprinted declared => new ModelDescription("declared", new JsonObject { ["fingerprint"] = declared.Fingerprint }, []),
        _ => null,
    };
}
