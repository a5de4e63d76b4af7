namespace LatentStitching.Models;

/// <summary>Whether a model can encode, asked for through <see cref="ILatentModel.GetService"/>; one that does not say can.</summary>
internal interface IEncodingAbility
{
    /// <summary>False where Encode would throw: a generator without an inversion.</summary>
    bool CanEncode { get; }
}
